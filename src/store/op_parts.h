/* Sets, lists and rows inside ops (store/op.h): given as arrays when encoding, walked over the
 * encoded bytes after decoding, by the same calls. */
#ifndef ROOST_STORE_OP_PARTS_H
#define ROOST_STORE_OP_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "store/record.h"
#include "store/types.h"

/* A set of UIDs. When `set.count` is not 0 it is what encoding writes and iterating gives; a
 * decoded one is iterated over its bytes. Never empty. */
struct op_uids {
    struct uid_set set;
    struct bytes raw;
    uint32_t ranges;
    uint64_t total; /* UIDs in it; filled by decoding, unless the bytes were checked before */
};
struct op_uid_walk {
    const struct op_uids *uids;
    size_t at;
    uint32_t done;
    uint32_t last;
};
bool op_uids_next(struct op_uid_walk *walk, struct uid_range *out_range); /* start: { .uids = x } */

/* Encodes UIDs that come in ascending order. Zeroed but for raw = buf_make(...); raw is to be freed
 * with buf_done. */
struct op_uids_maker {
    struct buf raw;
    uint32_t ranges; /* in `raw` */
    uint32_t last; /* of the last of them */
    struct uid_range open; /* may still grow; first == 0: there is none */
    uint64_t total;
};
/* first..last, all higher than what was added before; what touches becomes one range. */
void op_uids_add(struct op_uids_maker *maker, uint32_t first, uint32_t last);
/* The set, to be encoded, and valid, as long as maker->raw is. False: it is larger than that may
 * be.
 */
MUST_USE bool op_uids_finish(struct op_uids_maker *maker, struct op_uids *out_uids);

/* A list of names, as struct op_uids: `list` for encoding, `raw` when decoded. May be empty. */
struct op_names {
    const struct bytes *list;
    struct bytes raw;
    uint32_t count;
};
struct op_name_walk {
    const struct op_names *names;
    size_t at;
    uint32_t done;
};
bool op_names_next(struct op_name_walk *walk, struct bytes *out_name);

/* System flags, and keywords by name: an op is understood without any op before it. */
struct op_flag_names {
    uint16_t flags; /* within FLAGS_ALL */
    struct op_names keywords; /* each 1 to KEYWORD_BYTES_MAX bytes */
};

/* Numbers that are never 0: `list` for encoding, `raw` when decoded. May be empty. */
struct op_numbers {
    const uint64_t *list;
    struct bytes raw;
    uint32_t count;
};
struct op_number_walk {
    const struct op_numbers *numbers;
    size_t at;
    uint32_t done;
};
bool op_numbers_next(struct op_number_walk *walk, uint64_t *out_number);

struct op_rows { /* ascending UIDs; for encoding `list` and `places`, else `raw` */
    struct mailbox_id mailbox;
    const struct row *list;
    const struct place *places;
    struct bytes raw;
    uint32_t count;
};
struct op_row_walk {
    const struct op_rows *rows;
    size_t at;
    uint32_t done;
    uint32_t last;
};
bool op_rows_next(struct op_row_walk *walk, struct row *out_row, struct place *out_place);

#endif
