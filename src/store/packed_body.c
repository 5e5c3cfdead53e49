/* Packed bodies: docs/format.md. */
#include "store/packed_body.h"

#include <assert.h>
#include <stdlib.h>
#include <zstd.h>

#include "base/num.h"
#include "store/alloc.h"

enum {
    LEVEL = 1, /* docs/decisions/0019-bodies-may-be-compressed.md has the figures */
    ENTRY_BYTES = 8,
    FRAME_MAGIC_BYTES = 4,
};

#define FRAME_MAGIC UINT32_C(0xfd2fb528) /* RFC 8878 s3.1.1; older frames are refused */
#define INDEX_BYTES_MAX ((size_t)(RECORD_BODY_BYTES_MAX / PACKED_PIECE_BYTES * ENTRY_BYTES))

_Static_assert(PACKED_FRAME_BYTES_MAX <= 2 * RECORD_CHUNK_BYTES, "three chunks hold a frame");

struct packing { /* all NULL until used */
    ZSTD_CCtx *compress;
    ZSTD_DCtx *decompress;
    struct packing_memory stored;
    struct packing_memory piece;
};

struct packer {
    ZSTD_CCtx *zstd; /* borrowed */
    struct buf index;
    uint64_t packed; /* bytes of the frames so far */
    uint64_t length; /* of the body so far */
};

struct packing *packing_new(void)
{
    return store_alloc(1, sizeof(struct packing));
}

void packing_free(struct packing *packing)
{
    if (packing == NULL)
        return;
    (void)ZSTD_freeCCtx(packing->compress);
    (void)ZSTD_freeDCtx(packing->decompress);
    free(packing->stored.bytes);
    free(packing->piece.bytes);
    free(packing);
}

struct packing_memory *packing_stored(struct packing *packing)
{
    if (packing->stored.bytes == NULL)
        packing->stored.bytes = store_alloc(1, PACKING_STORED_BYTES);
    return &packing->stored;
}

struct packing_memory *packing_piece(struct packing *packing)
{
    if (packing->piece.bytes == NULL)
        packing->piece.bytes = store_alloc(1, PACKED_PIECE_BYTES);
    return &packing->piece;
}

struct packer *packer_new(struct packing *packing)
{
    struct packer *packer = store_alloc(1, sizeof(*packer));

    if (packing->compress == NULL)
        packing->compress = ZSTD_createCCtx();
    if (packing->compress == NULL ||
        ZSTD_isError(ZSTD_CCtx_setParameter(packing->compress, ZSTD_c_compressionLevel, LEVEL)))
        abort();
    packer->index = buf_make(INDEX_BYTES_MAX);
    packer->zstd = packing->compress;
    return packer;
}

void packer_free(struct packer *packer)
{
    if (packer == NULL)
        return;
    buf_done(&packer->index);
    free(packer);
}

void packer_add(struct packer *packer, struct bytes piece, struct buf *frames)
{
    size_t bound = ZSTD_compressBound(piece.len);
    uint8_t *at = buf_reserve(frames, bound);
    size_t len;

    assert(piece.len > 0 && piece.len <= PACKED_PIECE_BYTES && bound <= PACKED_FRAME_BYTES_MAX);
    assert(packer->length % PACKED_PIECE_BYTES == 0 && at != NULL);
    len = ZSTD_compress2(packer->zstd, at, bound, piece.at, piece.len);
    if (ZSTD_isError(len)) /* with room for the worst there is only one reason: no memory */
        abort();
    buf_commit(frames, len);
    if (packer->length > 0)
        buf_put_u64(&packer->index, packer->packed);
    packer->packed += len;
    packer->length += piece.len;
}

struct bytes packer_finish(struct packer *packer)
{
    assert(packer->length > 0);
    buf_put_u64(&packer->index, packer->length);
    return buf_bytes(&packer->index);
}

bool packed_body_pays(uint64_t length, uint64_t packed)
{
    return packed <= length - length / 10 && packed < length;
}

bool packed_body_make(struct packing *packing, struct bytes body, struct buf *out)
{
    struct packer *packer;

    buf_clear(out);
    if (body.len == 0)
        return false;
    packer = packer_new(packing);
    for (size_t at = 0; at < body.len; at += PACKED_PIECE_BYTES)
        packer_add(packer, bytes_slice(body, at, PACKED_PIECE_BYTES), out);
    buf_add(out, packer_finish(packer));
    packer_free(packer);
    if (!out->overflowed && packed_body_pays(body.len, out->len))
        return true;
    buf_clear(out);
    return false;
}

static uint64_t piece_count(const struct packed_shape *shape)
{
    return (shape->length - 1) / PACKED_PIECE_BYTES + 1;
}

/* Where the frames end and the index begins. */
static uint64_t index_at(const struct packed_shape *shape)
{
    return shape->packed - PACKED_TAIL_BYTES - (piece_count(shape) - 1) * ENTRY_BYTES;
}

bool packed_shape_make(uint64_t packed, struct bytes tail, struct packed_shape *out_shape)
{
    struct packed_shape shape = { .packed = packed };

    if (tail.len != PACKED_TAIL_BYTES || packed < PACKED_TAIL_BYTES)
        return false;
    shape.length = num_load_u64(tail.at);
    if (shape.length == 0 || shape.length > RECORD_BODY_BYTES_MAX)
        return false;
    if (piece_count(&shape) * ENTRY_BYTES > packed)
        return false;
    *out_shape = shape;
    return true;
}

struct packed_span packed_shape_entries(const struct packed_shape *shape, uint64_t piece)
{
    uint64_t first = piece == 0 ? 0 : piece - 1; /* entry n: the beginning of piece n + 1 */
    uint64_t end = piece + 1 == piece_count(shape) ? piece : piece + 1;

    assert(piece < piece_count(shape));
    return (struct packed_span){ index_at(shape) + first * ENTRY_BYTES,
                                 (size_t)(end - first) * ENTRY_BYTES };
}

bool packed_shape_frame(const struct packed_shape *shape, uint64_t piece, struct bytes entries,
                        struct packed_span *out_span)
{
    uint64_t start = piece == 0 ? 0 : num_load_u64(entries.at);
    uint64_t end = index_at(shape);

    assert(entries.len == packed_shape_entries(shape, piece).len);
    if (piece + 1 < piece_count(shape))
        end = num_load_u64(entries.at + entries.len - ENTRY_BYTES);
    if (end > index_at(shape) || start >= end || end - start > PACKED_FRAME_BYTES_MAX)
        return false;
    *out_span = (struct packed_span){ start, (size_t)(end - start) };
    return true;
}

size_t packed_shape_piece_bytes(const struct packed_shape *shape, uint64_t piece)
{
    uint64_t left = shape->length - piece * PACKED_PIECE_BYTES;

    assert(piece < piece_count(shape));
    return left < PACKED_PIECE_BYTES ? (size_t)left : PACKED_PIECE_BYTES;
}

/* libzstd alone would take several frames in a row, and frames to be skipped. */
bool packed_frame_decode(struct packing *packing, struct bytes frame, uint8_t *into, size_t len)
{
    assert(len <= PACKED_PIECE_BYTES);
    if (frame.len < FRAME_MAGIC_BYTES || num_load_u32(frame.at) != FRAME_MAGIC)
        return false;
    if (ZSTD_getFrameContentSize(frame.at, frame.len) != len ||
        ZSTD_findFrameCompressedSize(frame.at, frame.len) != frame.len)
        return false;
    if (packing->decompress == NULL)
        packing->decompress = ZSTD_createDCtx();
    if (packing->decompress == NULL)
        abort();
    return ZSTD_decompressDCtx(packing->decompress, into, len, frame.at, frame.len) == len;
}
