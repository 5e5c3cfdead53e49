/* Bodies at rest, compressed: the payload of a BODY record of encoding zstd (docs/format.md,
 * "Packed bodies").
 *
 * A body is cut into pieces of PACKED_PIECE_BYTES, each a zstd frame of its own, so that any piece
 * can be read alone; behind the frames stands an index of where they begin, then the length of the
 * body. Pure: bytes in, bytes out. Nothing that is read is trusted: a piece takes at most
 * PACKED_PIECE_BYTES whatever the frame says of itself. */
#ifndef ROOST_STORE_PACKED_BODY_H
#define ROOST_STORE_PACKED_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "store/record.h"

enum {
    PACKED_PIECE_BYTES = RECORD_CHUNK_BYTES, /* of the body; the last one is shorter */
    PACKED_FRAME_BYTES_MAX = PACKED_PIECE_BYTES + 512,
    PACKED_TAIL_BYTES = 8, /* the body's length, at the end of the payload */
    PACKING_STORED_BYTES = 3 * RECORD_FRAME_BYTES, /* a frame lies in up to three chunks */
};

/* What packing and unpacking would else make anew for every body: half a megabyte, each part with
 * its first use. For one thread at a time. */
struct packing;

struct packing *packing_new(void);
void packing_free(struct packing *packing); /* NULL is allowed */

/* Bytes that it holds from one read to the next, and of what: who reads a body in small steps has
 * them again. `len` 0: of nothing. The fields are the reader's. */
struct packing_memory {
    uint8_t *bytes;
    size_t len;
    uint64_t owner; /* a log's own: a copy of a directory has the same segments, up to some place */
    uint64_t marker; /* of the segment */
    uint64_t offset; /* in it, of what they were made of */
};

struct packing_memory *packing_stored(struct packing *packing); /* PACKING_STORED_BYTES */
struct packing_memory *packing_piece(struct packing *packing); /* PACKED_PIECE_BYTES */

/* Compresses the pieces of one body. It keeps 8 bytes for each until the end. */
struct packer;

/* `packing` is borrowed until packer_free, and serves nothing else meanwhile. */
struct packer *packer_new(struct packing *packing);
void packer_free(struct packer *packer); /* NULL is allowed */

/* Adds the frame of the next piece: PACKED_PIECE_BYTES bytes, the last one 1 to that many. `frames`
 * takes up to PACKED_FRAME_BYTES_MAX. */
void packer_add(struct packer *packer, struct bytes piece, struct buf *frames);

/* The index and the tail, which follow the last frame; valid until packer_free. At least one piece
 * was added. */
struct bytes packer_finish(struct packer *packer);

/* Is a body of `length` bytes worth being stored in `packed` ones? Not for less than a tenth. */
bool packed_body_pays(uint64_t length, uint64_t packed);

/* The whole payload of a small body into `out`. False: it does not pay; `out` is empty then. */
MUST_USE bool packed_body_make(struct packing *packing, struct bytes body, struct buf *out);

/* A payload and the body in it. */
struct packed_shape {
    uint64_t packed; /* bytes of the payload */
    uint64_t length; /* bytes of the body, at least 1 */
};

/* A stretch of the payload. */
struct packed_span {
    uint64_t at;
    size_t len;
};

/* `tail`: the last PACKED_TAIL_BYTES of a payload of `packed` bytes. False when that many bytes
 * hold no such body. */
MUST_USE bool packed_shape_make(uint64_t packed, struct bytes tail, struct packed_shape *out_shape);

/* What must be read to find the frame of a piece: up to 16 bytes, none where there is one piece
 * only. `piece` * PACKED_PIECE_BYTES < length. */
struct packed_span packed_shape_entries(const struct packed_shape *shape, uint64_t piece);

/* `entries`: the bytes of packed_shape_entries. Where the frame stands, at most
 * PACKED_FRAME_BYTES_MAX bytes; false when the index makes no sense. */
MUST_USE bool packed_shape_frame(const struct packed_shape *shape, uint64_t piece,
                                 struct bytes entries, struct packed_span *out_span);

/* Bytes of that piece. */
size_t packed_shape_piece_bytes(const struct packed_shape *shape, uint64_t piece);

/* Decodes a frame into exactly `len` bytes, at most PACKED_PIECE_BYTES. False when it is not one
 * whole frame of just that many; `into` is spoilt then. */
MUST_USE bool packed_frame_decode(struct packing *packing, struct bytes frame, uint8_t *into,
                                  size_t len);

#endif
