/* A place in borrowed bytes, for grammars written by hand.
 *
 * A production looks at the cursor, moves it past what it took and answers true; or it answers
 * false through cursor_fail, and then the cursor stands where it stood and remembers the complaint
 * that reached furthest: that is the one a person should read. Keywords compare without case
 * (ABNF). */
#ifndef ROOST_BASE_CURSOR_H
#define ROOST_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum { CURSOR_END = -1 };

struct cursor {
    struct bytes in;
    size_t offset; /* of the next byte */
    size_t failed_at; /* offset of the furthest complaint */
    const char *expected; /* what was wanted there, "a number"; NULL: no complaint. Static memory */
    bool is_exceeded; /* the complaint is of cursor_exceed */
    uint64_t exceeded_max;
};

static inline struct cursor cursor_make(struct bytes in)
{
    return (struct cursor){ .in = in };
}

/* The next byte as 0 to 255, or CURSOR_END. */
static inline int cursor_peek(const struct cursor *cur)
{
    return cur->offset < cur->in.len ? cur->in.at[cur->offset] : CURSOR_END;
}

/* The byte `ahead` places after the next one, or CURSOR_END. */
static inline int cursor_peek_at(const struct cursor *cur, size_t ahead)
{
    return ahead < cur->in.len - cur->offset ? cur->in.at[cur->offset + ahead] : CURSOR_END;
}

static inline bool cursor_at_end(const struct cursor *cur)
{
    return cur->offset >= cur->in.len;
}

/* What has not been taken yet. */
static inline struct bytes cursor_rest(const struct cursor *cur)
{
    return bytes_from(cur->in, cur->offset);
}

/* Notes that `expected` (a static string, "a number") was wanted here; always answers false. */
bool cursor_fail(struct cursor *cur, const char *expected);

/* Same, for a copy `at` that had moved on before it met the trouble. */
bool cursor_fail_at(struct cursor *cur, size_t offset, const char *expected);

/* Notes that there is no fault in what stands here but that it is more than is taken: at most `max`
 * of `what` (a static string, "keywords in one list"); always answers false. No other complaint
 * takes its place. `max` 0: `what` is the whole sentence. */
bool cursor_exceed(struct cursor *cur, uint64_t max, const char *what);

/* Takes that one byte. False without a complaint when another one is there. */
MUST_USE bool cursor_skip(struct cursor *cur, uint8_t byte);

/* Takes that one byte, or complains. `expected` as in cursor_fail. */
MUST_USE bool cursor_take(struct cursor *cur, uint8_t byte, const char *expected);

/* Takes the keyword, without regard to ASCII case. False without a complaint when it is not there.
 * Does not look at what follows. */
MUST_USE bool cursor_skip_word(struct cursor *cur, struct bytes word);

/* Takes bytes as long as `belongs` says so; may be none. The result borrows from the input. */
struct bytes cursor_take_while(struct cursor *cur, bool (*belongs)(int c));

#endif
