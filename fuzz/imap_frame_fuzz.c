/* The framer: the first byte chooses policy and chunk size; what it says must not depend on where
 * the input was cut. */
#include <stdlib.h>

#include "imap/wire/frame.h"

static const struct imap_frame_limits limits = { 64, 32, 128 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decide(struct imap_framer *framer, uint8_t policy)
{
    if (policy == 0 && imap_framer_literal(framer).fits)
        imap_framer_accept(framer);
    else if (policy == 1)
        imap_framer_divert(framer);
    else
        imap_framer_refuse(framer);
}

static void run(struct bytes input, size_t chunk, uint8_t policy, struct buf *events)
{
    struct imap_framer framer;
    enum imap_frame found = IMAP_FRAME_MORE;

    imap_framer_init(&framer, &limits);
    for (; input.len > 0; input = bytes_from(input, chunk)) {
        struct bytes in = bytes_slice(input, 0, chunk);

        do {
            found = imap_framer_next(&framer, &in);
            if (found == IMAP_FRAME_BAD &&
                imap_framer_trouble(&framer) == IMAP_FRAME_LITERAL_TOO_LONG)
                goto out;
            if (found != IMAP_FRAME_MORE)
                buf_add_byte(events, (uint8_t)('0' + found));
            if (found == IMAP_FRAME_DONE || found == IMAP_FRAME_LITERAL)
                buf_add(events, imap_framer_bytes(&framer));
            if (found == IMAP_FRAME_LITERAL)
                decide(&framer, policy);
        } while (in.len > 0);
    }
out:
    imap_framer_done(&framer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole = buf_make(1 << 24);
    struct buf cut = buf_make(1 << 24);

    if (size < 2)
        return 0;
    run(bytes_make(data + 1, size - 1), size, data[0] % 3, &whole);
    run(bytes_make(data + 1, size - 1), 1 + data[0] / 3 % 8, data[0] % 3, &cut);
    if (!bytes_equal(buf_bytes(&whole), buf_bytes(&cut)))
        abort();
    buf_done(&whole);
    buf_done(&cut);
    return 0;
}
