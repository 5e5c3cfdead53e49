/* What the tests of this room share. */
#ifndef ROOST_MESSAGE_MESSAGE_TEST_H
#define ROOST_MESSAGE_MESSAGE_TEST_H

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "kit/assert_bytes.h"
#include "message/parser.h"

/* The bytes of a string, up to its NUL, in a block of exactly that size: the sanitizers see a read
 * past its end. Freed by the caller through `at`. */
static inline struct bytes exact_copy(struct bytes text)
{
    uint8_t *at = malloc(text.len == 0 ? 1 : text.len);
    if (text.len > 0)
        memcpy(at, text.at, text.len);
    return bytes_make(at, text.len);
}

static inline void exact_free(struct bytes copy)
{
    free((void *)(uintptr_t)copy.at);
}

/* Parses `raw` fed in pieces of `step` bytes. */
static inline const struct message *parse_in_steps(struct arena *arena, struct bytes raw,
                                                   size_t step)
{
    struct message_parser *parser = message_parser_new(arena, &MESSAGE_LIMITS_DEFAULT);
    for (; raw.len > 0; raw = bytes_from(raw, step))
        message_parser_feed(parser, bytes_slice(raw, 0, step));
    return message_parser_finish(parser);
}

#endif
