/* What the parts of verification share: verify_list.c finds the segments, verify_record.c reads
 * one, verify.c drives. Private to them. */
#ifndef ROOST_STORE_VERIFY_PRIVATE_H
#define ROOST_STORE_VERIFY_PRIVATE_H

#include "store/log_body.h"
#include "store/scan.h"
#include "store/segment.h"
#include "store/verify_messages.h"

/* A segment as the listing found it. */
struct verify_segment {
    uint64_t number;
    uint64_t size; /* of the file */
    struct segment header; /* zero when `broken` */
    bool broken;
    bool foreign; /* another account's; it is broken, too */
    uint64_t limit; /* what counts of it ends here */
    bool open_ended; /* nothing says where: zeros may follow */
    uint64_t looked_at; /* offset up to which it was read, as the listing meant it */
};

/* Where the reading is in the record at `offset` of the present segment. */
struct verify_at {
    uint64_t offset; /* of the record's header; of what comes next */
    struct record_header header;
    uint64_t chunk; /* offset of the next chunk of a body */
    uint64_t left; /* bytes of the body from there on */
    uint64_t next; /* offset of the next record */
    bool in_body;
    bool holds; /* all chunks so far */
    bool in_pieces; /* they are read; of a packed body its pieces are decoded */
    uint64_t piece; /* the next one */
    struct log_source source;
};

struct verify {
    struct vfs *vfs;
    struct verify_extent extent;
    struct verify_segment *segments; /* log and base segments by number, then bodies */
    size_t segment_count;
    size_t segment_capacity;
    size_t index; /* of the present one */
    struct vfs_file *file; /* of the present one, NULL before it is opened */
    struct scan scan;
    struct packing *packing; /* made for the first packed body */
    uint64_t unpacked; /* bytes of the pieces, all in all */
    struct verify_at at;
    uint64_t change; /* number of the last CHANGE met */
    uint64_t batch; /* offset behind it in the present segment */
    size_t unbounded; /* first finding whose `change_last` may be to come */
    uint64_t short_bytes; /* that the present segment lacks at its end */
    size_t findings_before; /* the present segment, kept and counted */
    uint64_t counted_before;
    uint64_t base_records; /* in the present base, broken ones included */
    uint64_t base_end; /* as BASE_END counts them; 0: not met */
    bool listed;
    uint64_t *named; /* body segments that a record names; sorted once all others are read */
    size_t named_count;
    size_t named_capacity;
    bool named_sorted;
    struct verify_counts counts;
    struct verify_finding *findings;
    size_t finding_count;
    size_t finding_capacity;
    size_t read_count; /* findings of the reading: those are sorted */
    size_t *changes; /* indices of those that cost changes, by number */
    size_t change_count;
    uint64_t superseded; /* log segments up to this one cost no change: a whole base has them */
    uint64_t last_log; /* number of the last log segment listed */
    struct record_key key; /* of `file`, */
    uint64_t file_number; /* while messages are looked at */
    struct verify_loss *losses;
    size_t loss_count;
    size_t loss_capacity;
};

/* verify.c */
/* False: it is counted, and no more. */
bool verify_find(struct verify *verify, const struct verify_finding *finding);
/* At verify->at, in the present segment. */
void verify_find_here(struct verify *verify, enum verify_kind kind, uint64_t length);
/* A CHANGE of that number is next in the log: what was lost before has smaller ones. */
void verify_meet_change(struct verify *verify, uint64_t number);

/* verify_list.c */
MUST_USE enum err verify_list(struct verify *verify, struct note *why);
MUST_USE enum err verify_open(struct verify *verify, uint64_t number, struct vfs_file **out_file);
MUST_USE enum err verify_fail(enum err err, uint64_t number, struct note *why);
/* NULL: it is not there, or was not when the listing was made. */
const struct verify_segment *verify_find_segment(const struct verify *verify, uint64_t number);
/* True when no log segment has a higher number. */
bool verify_is_last(const struct verify *verify, uint64_t number);
/* Notes a body segment that a record names. */
void verify_name(struct verify *verify, uint64_t segment);
bool verify_is_named(struct verify *verify, uint64_t segment);

/* verify_record.c: the present segment, which is open. */
MUST_USE enum err verify_begin_segment(struct verify *verify);
/* The next record, or about `bytes_max` bytes of a body. */
MUST_USE enum err verify_step(struct verify *verify, uint64_t bytes_max);
bool verify_segment_is_done(const struct verify *verify);
/* All of it is read: forgets what was found when nothing in it counts yet. */
void verify_judge_segment(struct verify *verify);

/* verify_messages.c: all segments are read. */
void verify_settle(struct verify *verify);

static inline struct verify_segment *verify_present(const struct verify *verify)
{
    return &verify->segments[verify->index];
}

#endif
