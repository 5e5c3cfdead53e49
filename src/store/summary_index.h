/* Where each summary stands in the summary file: the file `summary.index` (docs/format.md,
 * "Summary"), and what it says in memory, 16 bytes a body.
 *
 * Pure but for summary_index_read, which blocks and may run on any thread. */
#ifndef ROOST_STORE_SUMMARY_INDEX_H
#define ROOST_STORE_SUMMARY_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "store/types.h"

enum {
    SUMMARY_HEAD_BYTES = 32, /* of each of the two files */
    SUMMARY_ENTRY_BYTES = 24, /* before each summary, and each entry of the index */
};

static const char summary_index_path[] = "summary.index";

struct body_table;
struct vfs;

struct summary_entry {
    uint64_t body;
    uint64_t offset; /* of its head in `summary` */
    uint32_t length; /* of the summary */
};

struct summary_slot {
    uint64_t body;
    uint64_t place; /* offset and length; 0: forgotten */
};

struct summary_index {
    struct summary_slot *slots; /* by body */
    size_t count;
    size_t capacity;
    size_t forgotten; /* of them */
    size_t purged; /* how far a purge has come */
    bool purging;
};

void summary_index_done(struct summary_index *index);

/* True when an entry like that can be kept: offset and length have limits, far above those of any
 * account and any summary. */
bool summary_index_fits(const struct summary_entry *entry);

/* False when there is none. */
bool summary_index_find(const struct summary_index *index, uint64_t body,
                        struct summary_entry *out_entry);

/* The same, quick for who asks for one body after the other: *near is where the last one was found,
 * 0 at first. */
bool summary_index_find_near(const struct summary_index *index, uint64_t body, size_t *near,
                             struct summary_entry *out_entry);

/* Adds an entry that fits; the newest of a body counts. */
void summary_index_add(struct summary_index *index, const struct summary_entry *entry);

/* Puts in what `older` has and `index` has not; `older` is empty afterwards. */
void summary_index_merge(struct summary_index *index, struct summary_index *older);

/* The next purge step begins a new purge. */
void summary_index_purge_begin(struct summary_index *index);

/* Forgets entries of bodies that are no longer in the table, a bounded number a call. True when
 * there is more to do; false at once when no purge was begun. */
bool summary_index_purge(struct summary_index *index, const struct body_table *bodies);

/* Bytes of all that it knows, their heads included. */
uint64_t summary_index_bytes(const struct summary_index *index);

/* The first bytes of both files. */
struct bytes summary_head_encode(const struct account_id *account,
                                 uint8_t head[SUMMARY_HEAD_BYTES]);

/* In front of a summary the checksum is over `data`, the summary, as well; in the index `data` is
 * empty. */
void summary_entry_encode(const struct summary_entry *entry, struct bytes data,
                          uint8_t raw[SUMMARY_ENTRY_BYTES]);
bool summary_entry_decode(const uint8_t raw[SUMMARY_ENTRY_BYTES], struct bytes data,
                          struct summary_entry *out_entry);

/* Reads the file; what cannot be read, or does not hold, is left out. */
struct summary_index summary_index_read(struct vfs *vfs, const struct account_id *account);

#endif
