/* Transfer decoders give the same bytes however the input is cut, and no more than they promise. */
#include <stdlib.h>

#include "message/transfer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(enum transfer_encoding encoding, struct bytes in, size_t step, struct buf *out)
{
    struct transfer_decoder decoder = transfer_decoder_make(encoding);

    for (; in.len > 0; in = bytes_from(in, step)) {
        size_t before = out->len;

        transfer_decode(&decoder, bytes_slice(in, 0, step), out);
        if (out->len - before > bytes_slice(in, 0, step).len + TRANSFER_HELD_MAX)
            abort();
    }
    transfer_decode_finish(&decoder, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_from(bytes_make(data, size), 1);
    struct buf whole = buf_make(2 * size + SIZE_MAX / 4), pieces = whole;

    (void)transfer_parse(in);
    for (enum transfer_encoding encoding = 0; encoding < TRANSFER_COUNT; encoding++) {
        buf_clear(&whole);
        buf_clear(&pieces);
        decode(encoding, in, in.len + 1, &whole);
        decode(encoding, in, 1U + (size == 0 ? 0U : data[0] % 32U), &pieces);
        if (!bytes_equal(buf_bytes(&whole), buf_bytes(&pieces)))
            abort();
        if (transfer_is_identity(encoding) && !bytes_equal(buf_bytes(&whole), in))
            abort();
    }
    buf_done(&whole);
    buf_done(&pieces);
    return 0;
}
