/* Any bytes, cut anywhere, give the same summary, and it reads back. The first byte picks the cuts.
 */
#include <stdlib.h>

#include "message/parser.h"
#include "message/summary.h"

static void encode(struct bytes raw, size_t step, struct buf *out)
{
    struct arena arena = arena_make(MESSAGE_ARENA_BUDGET);
    struct message_parser *parser = message_parser_new(&arena, &MESSAGE_LIMITS_DEFAULT);

    for (; raw.len > 0; raw = bytes_from(raw, step))
        message_parser_feed(parser, bytes_slice(raw, 0, step));
    summary_encode(message_parser_finish(parser), out);
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes raw = bytes_from(bytes_make(data, size), 1);
    struct buf whole = buf_make(SUMMARY_BYTES_MAX), pieces = buf_make(SUMMARY_BYTES_MAX);
    struct summary summary;

    encode(raw, raw.len + 1, &whole);
    encode(raw, size == 0 ? 1 : 1U + data[0] % 32, &pieces);
    if (!bytes_equal(buf_bytes(&whole), buf_bytes(&pieces)) ||
        !summary_decode(buf_bytes(&whole), &summary))
        abort();
    buf_done(&whole);
    buf_done(&pieces);
    return 0;
}
