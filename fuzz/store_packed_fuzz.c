/* A payload that claims to be a packed body: reading any piece of it stays within its bounds, and a
 * piece that decodes has just the length that the shape tells. What is packed reads back. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/packed_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PIECES_MAX = 8 };

/* On the heap and of just that size: the sanitizer sees a byte too many. */
static void decode(struct packing *packing, struct bytes frame, size_t len)
{
    uint8_t *source = malloc(frame.len);
    uint8_t *into = malloc(len);

    memcpy(source, frame.at, frame.len);
    if (packed_frame_decode(packing, bytes_make(source, frame.len), into, len))
        assert(len > 0);
    free(source);
    free(into);
}

static void read_payload(struct packing *packing, struct bytes payload)
{
    struct packed_shape shape;

    if (payload.len < PACKED_TAIL_BYTES ||
        !packed_shape_make(payload.len, bytes_from(payload, payload.len - PACKED_TAIL_BYTES),
                           &shape))
        return;
    for (uint64_t i = 0; i < PIECES_MAX && i * PACKED_PIECE_BYTES < shape.length; i++) {
        struct packed_span span = packed_shape_entries(&shape, i);
        size_t len = packed_shape_piece_bytes(&shape, i);

        assert(span.at <= payload.len && span.len <= payload.len - span.at);
        if (!packed_shape_frame(&shape, i, bytes_slice(payload, (size_t)span.at, span.len), &span))
            continue;
        assert(span.at <= payload.len && span.len <= payload.len - span.at);
        assert(span.len <= PACKED_FRAME_BYTES_MAX && len <= PACKED_PIECE_BYTES);
        decode(packing, bytes_slice(payload, (size_t)span.at, span.len), len);
    }
}

/* What is packed reads back as it was. */
static void pack_and_read(struct packing *packing, struct bytes body)
{
    struct buf packed = buf_make(2 * (body.len + PACKED_FRAME_BYTES_MAX));
    uint8_t *into = malloc(PACKED_PIECE_BYTES);
    struct packed_shape shape;
    struct packed_span span;
    struct bytes payload;

    if (packed_body_make(packing, body, &packed)) {
        payload = buf_bytes(&packed);
        assert(packed_shape_make(payload.len, bytes_from(payload, payload.len - PACKED_TAIL_BYTES),
                                 &shape));
        span = packed_shape_entries(&shape, 0);
        assert(
            packed_shape_frame(&shape, 0, bytes_slice(payload, (size_t)span.at, span.len), &span));
        assert(packed_frame_decode(packing, bytes_slice(payload, (size_t)span.at, span.len), into,
                                   packed_shape_piece_bytes(&shape, 0)));
        assert(memcmp(into, body.at, packed_shape_piece_bytes(&shape, 0)) == 0);
    }
    free(into);
    buf_done(&packed);
}

/* With a tail that tells of one to three pieces. */
static void read_with_tail(struct packing *packing, struct bytes input)
{
    struct buf payload = buf_make(input.len + PACKED_TAIL_BYTES);

    buf_add(&payload, input);
    buf_put_u64(&payload, 1 + (uint64_t)input.at[0] * 700);
    read_payload(packing, buf_bytes(&payload));
    buf_done(&payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct packing *packing = packing_new();
    struct bytes input = bytes_make(data, size);

    read_payload(packing, input);
    if (size > 0)
        read_with_tail(packing, input);
    pack_and_read(packing, input);
    if (size > 0 && size <= PACKED_PIECE_BYTES)
        decode(packing, input, 1 + data[0]);
    packing_free(packing);
    return 0;
}
