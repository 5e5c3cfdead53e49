/* What a compaction in the making is; private to its two files: compact.c goes through the log and
 * writes, compact_plan.c decides. */
#ifndef ROOST_STORE_COMPACT_STATE_H
#define ROOST_STORE_COMPACT_STATE_H

#include "store/base_writer.h"
#include "store/compact.h"
#include "store/history.h"
#include "store/replay.h"
#include "store/state.h"

enum compact_phase {
    COMPACT_CHOOSE, /* the horizon */
    COMPACT_REPLAY, /* the state there */
    COMPACT_BEHIND, /* bodies that later changes name by their places */
    COMPACT_COLLECT, /* all bodies that are needed */
    COMPACT_MEASURE, /* how much of each segment they are */
    COMPACT_DECIDE, /* which segments go */
    COMPACT_COPY,
    COMPACT_STATE,
    COMPACT_END,
};

/* A log or base segment that is superseded. */
struct past_segment {
    uint64_t number;
    uint64_t size; /* of the file */
    uint64_t living; /* bytes of records of needed bodies */
    bool keep;
};

/* A body that is needed and stands in one of them. */
struct past_body {
    struct body_id body;
    struct place from;
    struct place to; /* segment 0: it stays */
    uint64_t size; /* of the message */
    bool behind; /* named by a change behind the horizon, not by a row at it */
    bool broken; /* its header does not hold */
};

struct numbers {
    uint64_t *at;
    size_t count;
    size_t capacity;
};

struct compact {
    struct compact_options options;
    enum compact_phase phase;
    struct compact_result result;
    struct segments segments; /* on the disk when it began */
    size_t first; /* index of the first log segment behind the horizon */
    uint64_t position; /* of the horizon */
    uint64_t features; /* of all that is superseded */
    struct history *history;
    struct state *state; /* the history's, at the horizon */
    struct replay replay; /* of what is behind */
    bool replaying;

    struct past_segment *past; /* by number */
    size_t past_count;
    size_t past_capacity;
    struct past_body *bodies; /* by place from COLLECT on, by id from STATE on */
    size_t body_count;
    size_t body_capacity;
    size_t next; /* of `bodies`: to be measured, to be copied */
    struct numbers needed; /* body segments; sorted from COLLECT on */
    struct vfs_file *file; /* being measured */
    struct record_key key;
    uint64_t file_number;

    struct base_writer *writer;
    struct op_base_body *named; /* BASE_BODY */
    size_t named_count;
    struct drops drops;
    struct compact_move *moves;
};

void numbers_add(struct numbers *numbers, uint64_t number);
void numbers_sort(struct numbers *numbers);
bool numbers_has(const struct numbers *numbers, uint64_t number); /* sorted */

/* NULL when it is not superseded. */
struct past_segment *compact_past(const struct compact *compact, uint64_t number);

/* Which log segment is the last that is superseded. False: none, or one that was tried; the outcome
 * is set. */
MUST_USE bool compact_choose(struct compact *compact);

/* Puts all bodies that are needed into one list, those that later changes name are there. */
void compact_collect(struct compact *compact);

/* Which segments stay. False: it is not worth it. */
MUST_USE enum err compact_decide(struct compact *compact, bool *out_worth);

/* Everything is copied: gives the state its new places, lists what may go. */
void compact_settle(struct compact *compact);

#endif
