/* Records: how everything in a segment is framed on the disk (docs/format.md, "Records").
 *
 * Pure: bytes in, bytes out. A record is a header of RECORD_HEADER_BYTES with a checksum of its
 * own, then its payload in chunks of at most RECORD_CHUNK_BYTES, each followed by its checksum,
 * then zeros up to a multiple of RECORD_ALIGN. Checksums and the marker depend on the secret id of
 * the segment and on the place within it: bytes that stand inside a mail, or in the wrong place,
 * never pass. */
#ifndef ROOST_STORE_RECORD_H
#define ROOST_STORE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/time.h"

enum {
    RECORD_HEADER_BYTES = 48,
    RECORD_CHUNK_BYTES = 64 * 1024,
    RECORD_CRC_BYTES = 4,
    RECORD_FRAME_BYTES = RECORD_CHUNK_BYTES + RECORD_CRC_BYTES, /* a full chunk with its checksum */
    RECORD_ALIGN = 8,
    RECORD_CHANGE_BYTES_MAX = 16 * 1024 * 1024, /* payload of a CHANGE or a BASE record */
};

#define RECORD_BODY_BYTES_MAX (UINT64_C(1) << 40) /* payload of a BODY record */

enum record_type { /* on disk */
                   RECORD_BODY = 1, /* payload: a message */
                   RECORD_CHANGE =
                       2, /* payload: who, then ops (store/op.h): makes a command true */
                   RECORD_BASE = 3, /* payload: ops that state what is; only in base segments */
                   RECORD_IGNORABLE =
                       128, /* from here on a reader may skip what it does not know */
};

enum record_encoding { /* on disk; all but raw need a feature flag */
                       RECORD_RAW = 0,
                       RECORD_ZSTD = 1, /* of BODY records: store/packed_body.h */
                       RECORD_ENCRYPTED = 2, /* not written so far */
};

/* Where a record stands: its segment and the offset of its header. Segment 0: nowhere. */
struct place {
    uint64_t segment;
    uint64_t offset;
};

/* What the id of a segment gives for reading and writing its records. */
struct record_key {
    uint64_t marker; /* starts every header */
    uint32_t seed; /* starts every checksum */
};

struct record_key record_key_make(const uint8_t segment_id[16]);

/* The payload of a BODY as it is stored. */
struct record_stored {
    enum record_encoding encoding; /* raw or zstd */
    struct bytes payload;
};

struct record_header {
    uint8_t type; /* enum record_type, or one that this reader does not know */
    uint8_t encoding; /* enum record_encoding */
    uint64_t length; /* bytes of the payload as stored, without checksums */
    uint64_t number; /* CHANGE: the change number; BODY: the body id; BASE: 0 */
    struct wall when;
    uint64_t durable; /* log position known to be on the disk when this was written */
};

/* Bytes that a payload of `length` takes with its checksums, without padding. */
uint64_t record_framed_bytes(uint64_t length);
/* Bytes from one header to the next. */
uint64_t record_bytes(uint64_t length);

/* Adds the header of a record whose header will stand at `offset` of its segment. */
void record_header_encode(struct buf *buf, struct record_key key, uint64_t offset,
                          const struct record_header *header);

/* `raw` are RECORD_HEADER_BYTES bytes read at `offset`. False when marker or checksum do not hold
 * or the length is beyond the limits; *out is untouched then. */
MUST_USE bool record_header_decode(struct bytes raw, struct record_key key, uint64_t offset,
                                   struct record_header *out);

/* The checksum of a chunk whose first byte stands at `offset` of its segment. */
uint32_t record_chunk_crc(struct record_key key, uint64_t offset, struct bytes chunk);

/* Adds the payload in frames, the first of which will stand at `offset`; no padding. */
void record_payload_encode(struct buf *buf, struct record_key key, uint64_t offset,
                           struct bytes payload);

/* `framed` is a whole payload as stored, its first byte at `offset`. Checks every chunk and closes
 * the gaps in place; *out_payload borrows from `framed`. False when a checksum does not hold: the
 * memory is spoilt then. */
MUST_USE bool record_payload_decode(uint8_t *framed, struct record_key key, uint64_t offset,
                                    uint64_t length, struct bytes *out_payload);

#endif
