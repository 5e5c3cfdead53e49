/* The phases of threading, one after the other. */
#include "search/thread.h"

#include <assert.h>

#include "search/thread_internal.h"
#include "store/alloc.h"

/* What cannot be cut. */
enum { FREE_CHUNK_WORK = 4000, SORT_STEP_WORK = SEARCH_THREAD_WORK_STEP };

/* Each two of a subject may need a dummy in the end; and there is number 0. */
static_assert(SEARCH_THREAD_NODES_MAX / 2 * 3 < SEARCH_FOREST_MAX, "there is room for dummies");

struct search_thread *search_thread_new(enum search_thread_algorithm algorithm, uint32_t hits,
                                        uint32_t nodes_max)
{
    static const struct search_criterion by_date;
    static const struct account_id nobody;
    struct search_thread *thread = store_alloc(1, sizeof(*thread));
    enum err err;

    assert(nodes_max <= SEARCH_THREAD_NODES_MAX);
    /* For more of them there is no room, and nothing is built. */
    thread->nodes_max = nodes_max;
    thread->message_max = hits < nodes_max ? hits : nodes_max;
    thread->messages = store_alloc(thread->message_max, sizeof(*thread->messages));
    thread->algorithm = algorithm;
    search_forest_init(&thread->forest);
    search_keymap_init(&thread->keys);
    err = search_sort_new(&by_date, 1, thread->message_max, &nobody, &thread->sort);
    assert(err == ERR_OK && "no sort of so many numbers is too large");
    return thread;
}

bool search_thread_release(struct search_thread *thread, unsigned *work)
{
    const unsigned given = *work;

    while (thread->forest.count > 0 && search_work_spend(work, FREE_CHUNK_WORK))
        search_forest_free_chunk(&thread->forest);
    assert(*work <= given);
    return thread->forest.count == 0;
}

void search_thread_free(struct search_thread *thread)
{
    if (thread == NULL)
        return;
    while (thread->forest.count > 0)
        search_forest_free_chunk(&thread->forest);
    search_keymap_done(&thread->keys);
    search_sort_free(thread->sort);
    free(thread->messages);
    free(thread);
}

bool search_thread_add(struct search_thread *thread, const struct search_thread_hit *hit,
                       unsigned *work)
{
    const unsigned given = *work;
    struct search_thread_hit alone = *hit;
    bool is_added;

    assert(thread->phase == PHASE_LINK);
    if (thread->algorithm == SEARCH_THREAD_ORDEREDSUBJECT)
        alone.ids = BYTES("");
    is_added = search_thread_link_step(thread, &alone, work);
    assert(*work <= given);
    return is_added;
}

/* RFC 5256 s3, steps 4 and 6: all messages are put in one order. Whoever goes through that one
 * meets the children of any parent in theirs, and need not sort each list of siblings. */
static bool order_step(struct search_thread *thread, unsigned *work)
{
    do {
        if (!search_work_spend(work, SORT_STEP_WORK))
            return false;
    } while (!search_sort_step(thread->sort));
    thread->order = search_sort_order(thread->sort);
    return true;
}

/* Paths were kept in what is the list of children from now on. */
static bool clear_step(struct search_thread *thread, unsigned *work)
{
    if (!thread->forest.is_deep)
        return true;
    for (; thread->at < thread->forest.count; thread->at++) {
        struct search_node *node = thread_node(thread, thread->at);

        if (!search_work_spend(work, 1))
            return false;
        node->list.mark = 0;
        node->list.last = 0;
        node->list.next = 0;
    }
    return true;
}

/* RFC 5256 s3, ORDEREDSUBJECT: who has the subject of an earlier one is its child. An empty subject
 * is one as well. */
static bool group_step(struct search_thread *thread, unsigned *work)
{
    for (; thread->at < thread->message_count; thread->at++) {
        const struct thread_message *message;
        uint32_t *first;

        if (!search_work_spend(work, THREAD_DATED_WORK))
            return false;
        message = thread_dated(thread, thread->at);
        first = search_keymap_at(&thread->keys, message->subject == 0 ? 1 : message->subject, work);
        if (*first == 0)
            *first = message->node;
        else
            thread_node(thread, message->node)->parent = *first;
    }
    return true;
}

static void append(struct search_thread *thread, uint32_t parent, uint32_t node)
{
    struct search_node *above = thread_node(thread, parent);
    struct search_node *here = thread_node(thread, node);

    here->list.next = node;
    if (above->list.last != 0) {
        struct search_node *last = thread_node(thread, above->list.last);

        here->list.next = last->list.next;
        last->list.next = node;
    }
    above->list.last = node;
}

/* RFC 5256 s3, step 6: who goes through the messages by date need only append each to its siblings,
 * and a dummy to the children of the root when its first child comes. */
static bool arrange_step(struct search_thread *thread, unsigned *work)
{
    for (; thread->at < thread->message_count; thread->at++) {
        struct search_node *here;
        struct search_node *above;
        uint32_t node;

        if (!search_work_spend(work, THREAD_DATED_WORK))
            return false;
        node = thread_dated(thread, thread->at)->node;
        here = thread_node(thread, node);
        above = thread_node(thread, here->parent);
        if (here->parent != 0 && above->message == 0) {
            if (above->parent != 0)
                here->parent = above->parent;
            if (thread_node(thread, here->parent)->list.last == 0)
                append(thread, 0, here->parent);
        }
        append(thread, here->parent, node);
    }
    return true;
}

/* RFC 5256 s3: the phases in their order; identifiers make room for subjects. */
static bool phase_step(struct search_thread *thread, unsigned *work)
{
    switch (thread->phase) {
    case PHASE_LINK: return search_keymap_free_step(&thread->keys, work);
    case PHASE_CLEAR: return clear_step(thread, work);
    case PHASE_PRUNE: return search_thread_prune_step(thread, work);
    case PHASE_ORDER: return order_step(thread, work);
    case PHASE_TABULATE:
        return thread->algorithm == SEARCH_THREAD_ORDEREDSUBJECT ||
               search_thread_tabulate_step(thread, work);
    case PHASE_MERGE:
        return thread->algorithm == SEARCH_THREAD_ORDEREDSUBJECT
                   ? group_step(thread, work)
                   : search_thread_merge_step(thread, work);
    case PHASE_ARRANGE: return arrange_step(thread, work);
    case PHASE_FORGET: return search_keymap_free_step(&thread->keys, work);
    case PHASE_READY: break;
    }
    return true;
}

static void end_phase(struct search_thread *thread)
{
    if (thread->phase == PHASE_FORGET) {
        search_sort_free(thread->sort);
        thread->sort = NULL;
    }
}

bool search_thread_build(struct search_thread *thread, unsigned *work)
{
    const unsigned given = *work;

    assert(thread->link.node == 0);
    while (thread->phase != PHASE_READY && phase_step(thread, work)) {
        end_phase(thread);
        thread->phase++;
        thread->at = 0;
    }
    assert(*work <= given);
    return thread->phase == PHASE_READY;
}
