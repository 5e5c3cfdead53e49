/* What threads are made of, for the files thread*.c only. */
#ifndef ROOST_SEARCH_THREAD_INTERNAL_H
#define ROOST_SEARCH_THREAD_INTERNAL_H

#include "search/forest.h"
#include "search/keymap.h"
#include "search/sort.h"
#include "search/thread.h"
#include "search/work.h"

enum search_thread_phase {
    PHASE_LINK, /* hits are added */
    PHASE_CLEAR, /* nodes of the paths that were kept */
    PHASE_PRUNE,
    PHASE_ORDER,
    PHASE_TABULATE,
    PHASE_MERGE,
    PHASE_ARRANGE,
    PHASE_FORGET, /* what is not printed */
    PHASE_READY,
};

struct thread_message {
    uint64_t subject;
    uint32_t number;
    uint32_t node;
};

/* The hit that is being added: how far it is linked. */
struct thread_link {
    uint32_t node; /* its own; 0: no hit is being added */
    uint32_t next; /* its id that comes next: the references begin at 1 */
    uint32_t before; /* the node of the reference before; 0: none */
    bool is_new; /* nothing can be below `node` */
    bool is_cut; /* from the parent that others gave it */
    /* a child to be given a parent, unless it has one or that is below it */
    uint32_t child; /* 0: none */
    uint32_t parent;
    bool is_asked; /* they may be linked */
};

struct search_thread {
    enum search_thread_algorithm algorithm;
    enum search_thread_phase phase;
    uint32_t at; /* the place or node that the phase has come to */
    uint32_t nodes_max;
    uint32_t message_count; /* so far */
    uint32_t message_max;
    struct thread_message *messages; /* owned; in the order of the mailbox */
    struct thread_link link;
    struct search_forest forest; /* node 0 is the root of all when it has grown up */
    struct search_keymap keys; /* nodes by identifier, later by subject */
    struct search_sort *sort; /* of them by date; NULL: no longer needed */
    const uint32_t *order; /* their places + 1, by date */
    struct { /* of PHASE_PRUNE: the message at hand */
        uint32_t at; /* dummy on the way up; 0: none is at hand */
        uint32_t top; /* 0: not found */
    } climb;
    struct {
        uint32_t at; /* 0: not begun, or over */
        bool is_upwards;
    } print;
};

/* Of a message that is gone to by its date: what it refers to lies anywhere in memory. */
enum { THREAD_DATED_WORK = 3 };

static inline struct search_node *thread_node(const struct search_thread *thread, uint32_t node)
{
    return search_forest_node(&thread->forest, node);
}

/* The message that is number `at` by its date. */
static inline struct thread_message *thread_dated(const struct search_thread *thread, uint32_t at)
{
    return &thread->messages[thread->order[at] - 1];
}

/* RFC 5256 s3, REFERENCES: step 1 for one hit. */
MUST_USE bool search_thread_link_step(struct search_thread *thread,
                                      const struct search_thread_hit *hit, unsigned *work);

/* Steps of the phases, each false when out of work. */
MUST_USE bool search_thread_prune_step(struct search_thread *thread, unsigned *work); /* 2, 3 */
MUST_USE bool search_thread_tabulate_step(struct search_thread *thread,
                                          unsigned *work); /* 5.A, B */
MUST_USE bool search_thread_merge_step(struct search_thread *thread, unsigned *work); /* 5.C */

#endif
