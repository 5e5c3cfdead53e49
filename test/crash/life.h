/* The life of one account on a disk that loses power: random acts, syncs, faults, kills and new
 * openings, with a history of what the account was and when that was told or durable.
 *
 * A life begins on an empty disk, or on one that a cut of another life left: then it inherits the
 * points among which the disk must be. */
#ifndef ROOST_TEST_CRASH_LIFE_H
#define ROOST_TEST_CRASH_LIFE_H

#include "crash/image.h"
#include "kit/crash_vfs.h"

enum { NEVER = 0x7fffffff };

/* The account after one act, or as an opening found it. */
struct point {
    struct image *image;
    unsigned step_before; /* steps of the disk before the act began */
    unsigned told_at; /* steps when a client could hear of it */
    uint64_t gate; /* positions of the log that this point waits for: to be told, */
    uint64_t tip; /* to be on the disk */
};

/* From that step on the disk holds at least that point. */
struct event {
    unsigned step;
    size_t low;
};

/* On what a life begins. */
enum past {
    PAST_ANY, /* an account with some mail */
    PAST_NONE, /* an empty disk */
    PAST_COPY, /* such an account, copied here, and not synced */
    PAST_LOCK, /* one whose lock file is full, or has room for an entry or two */
};

/* What a life does; all of it follows from the seed. */
struct plan {
    uint64_t seed;
    enum past past;
    unsigned acts;
    bool with_large;
    bool compress;
    bool compact; /* what went is forgotten after some acts */
    bool purge; /* and at the beginning, at once */
    bool faults; /* now and then, at random */
    bool whole_jobs; /* every job runs to its end before the next act */
    enum crash_fault fault; /* CRASH_FAULT_COUNT: none; else this one, after `fault_skip` calls */
    unsigned fault_skip;
    enum crash_fault second; /* CRASH_FAULT_COUNT: none; else so many calls after the first */
    unsigned second_skip;
    uint64_t segment_bytes;
    uint64_t ahead_bytes; /* taken ahead at a time, */
    unsigned ahead_syncs; /* after so many small syncs */
    uint64_t checkpoint_bytes;
};

struct life {
    struct account_listener listener;
    struct plan plan;
    struct crash_vfs *crash;
    struct desk desk;
    struct wall born; /* a new account says when it was made */
    struct test_random random;
    struct point *points;
    size_t point_count;
    struct event *events;
    size_t event_count;
    size_t base; /* the first point of the present opening */
    unsigned purged_at; /* from that step on, or NEVER, */
    uint64_t purged_below; /* log segments below this one must have gone for good */
    unsigned first_cut; /* before that step the disk need not hold anything */
    bool may_be_new; /* until the first event there need not be an account */
    bool inherits; /* the points so far are another life's, the power was cut since */
    bool harmed; /* something else than kills was told to fail */
    unsigned faults_seen; /* that have been dealt with */
    struct marks inherited; /* told before this life began */
    struct image *client; /* one from before, or NULL */
    uint32_t texts;
};

/* The number of the first log segment on that disk; 0: there is none. */
uint64_t first_segment(struct vfs *disk);

/* Where a life stands at one step of the disk. */
struct stand {
    const struct life *life;
    unsigned step;
    bool made; /* there must be an account */
    size_t event; /* the next one */
    size_t low; /* the points that a disk may be */
    size_t high;
    struct marks marks; /* of all that was told so far */
};

/* Before the first opening, on that disk, which is taken. */
struct life *life_new(struct vfs *disk, const struct plan *plan);
void life_free(struct life *life);

/* What every opening of the plan's account is asked to do. */
void life_options(const struct plan *plan, struct account_options *options);

/* The disk is one that a cut left there; `client` is held. */
void life_inherit(struct life *life, const struct stand *stand, struct image *client);

/* From the first opening to the end of the plan; nothing is open then. */
void life_run(struct life *life);

/* At step 0; then forward. */
void stand_init(struct stand *stand, const struct life *life);
void stand_move(struct stand *stand, unsigned step);

/* The opened account must be one of the points from low to high, and what it says in accord with
 * all that was told. Answers its place among the points. */
size_t stand_check(const struct stand *stand, const struct image *image,
                   const struct account_report *report);

/* An image that a client may have of the time before that step, or NULL. Borrowed. */
struct image *stand_client(const struct stand *stand, uint64_t random);

/* One random act. */
enum err workload_act(struct life *life);

#endif
