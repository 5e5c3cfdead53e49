/* From links to the children of the root (RFC 5256 section 3, REFERENCES, steps 2 to 5). What has
 * no parent is a child of the root: a message, or a dummy with two children or more. */
#include "search/thread_internal.h"

#include <assert.h>

/* `mark` of a dummy that is a child of the root: children that it has after step 3. */
enum {
    HAS_ONE = 1,
    HAS_MORE = 2,
};

static bool is_dummy(const struct search_node *node)
{
    return node->message == 0;
}

/* To the first message above, or to the child of the root. */
static bool climb(struct search_thread *thread, unsigned *work)
{
    while (thread->climb.top == 0) {
        const struct search_node *here = thread_node(thread, thread->climb.at);

        if (!search_work_spend(work, 1))
            return false;
        if (!is_dummy(here) || here->parent == 0)
            thread->climb.top = thread->climb.at;
        else
            thread->climb.at = here->parent;
    }
    return true;
}

/* Nobody goes this way again: its dummies are put below where it ends. */
static bool shorten(struct search_thread *thread, unsigned *work)
{
    while (thread->climb.at != thread->climb.top) {
        struct search_node *here = thread_node(thread, thread->climb.at);

        if (!search_work_spend(work, 1))
            return false;
        thread->climb.at = here->parent;
        here->parent = thread->climb.top;
    }
    return true;
}

/* RFC 5256 s3, step 3: dummies go, and their children take their place, save where that would make
 * several children of the root out of one. */
static bool prune_node(struct search_thread *thread, struct search_node *node, unsigned *work)
{
    struct search_node *top;

    if (thread->climb.top == 0) {
        if (!climb(thread, work))
            return false;
        thread->climb.at = node->parent;
    }
    if (!shorten(thread, work))
        return false;
    node->parent = thread->climb.top;
    top = thread_node(thread, node->parent);
    if (is_dummy(top))
        top->list.mark = top->list.mark == 0 ? HAS_ONE : HAS_MORE;
    thread->climb.at = 0;
    thread->climb.top = 0;
    return true;
}

static bool is_below_dummy(const struct search_thread *thread, const struct search_node *node)
{
    return !is_dummy(node) && node->parent != 0 && is_dummy(thread_node(thread, node->parent));
}

bool search_thread_prune_step(struct search_thread *thread, unsigned *work)
{
    for (; thread->at < thread->forest.count; thread->at++) {
        struct search_node *node = thread_node(thread, thread->at);

        if (thread->climb.at == 0) {
            if (!search_work_spend(work, 1))
                return false;
            if (!is_below_dummy(thread, node))
                continue;
            thread->climb.at = node->parent;
        }
        if (!prune_node(thread, node, work))
            return false;
    }
    return true;
}

/* RFC 5256 s3, step 4: who goes through the messages by date meets the children of the root in
 * their order: messages, and dummies with their first child. The child of the root that begins with
 * the message; 0: none does. `next` of a dummy is its first child until it gets siblings. */
static uint32_t top_begun_by(struct search_thread *thread, uint32_t node)
{
    struct search_node *here = thread_node(thread, node);
    struct search_node *above = thread_node(thread, here->parent);

    if (here->parent == 0)
        return node;
    if (!is_dummy(above) || above->parent != 0)
        return 0;
    if (above->list.mark == HAS_ONE) {
        here->parent = 0;
        return node;
    }
    if (above->list.next == 0)
        above->list.next = node;
    return above->list.next == node ? here->parent : 0;
}

/* RFC 5256 s3 step 5.B.iv */
static bool is_to_replace(const struct search_node *known, const struct search_node *node)
{
    return !is_dummy(known) && (is_dummy(node) || (known->is_reply && !node->is_reply));
}

/* RFC 5256 s3 step 5.A and 5.B */
bool search_thread_tabulate_step(struct search_thread *thread, unsigned *work)
{
    for (; thread->at < thread->message_count; thread->at++) {
        const struct thread_message *message;
        uint32_t *known;
        uint32_t top;

        if (!search_work_spend(work, THREAD_DATED_WORK))
            return false;
        message = thread_dated(thread, thread->at);
        top = top_begun_by(thread, message->node);
        if (top == 0 || message->subject == 0)
            continue;
        known = search_keymap_at(&thread->keys, message->subject, work);
        if (*known == 0 || is_to_replace(thread_node(thread, *known), thread_node(thread, top)))
            *known = top;
    }
    return true;
}

/* RFC 5256 s3 step 5.C.iv. A dummy that goes below another one is none: its children are that
 * one's. The one in the table is a dummy if any of that subject is. */
static void merge(struct search_thread *thread, uint32_t *known, uint32_t top)
{
    struct search_node *kept = thread_node(thread, *known);
    struct search_node *here = thread_node(thread, top);

    if (is_dummy(kept) || (here->is_reply && !kept->is_reply)) {
        here->parent = *known;
        return;
    }
    assert(!is_dummy(here));
    *known = search_forest_add(&thread->forest);
    thread_node(thread, *known)->list.mark = HAS_MORE;
    kept->parent = *known;
    here->parent = *known;
}

bool search_thread_merge_step(struct search_thread *thread, unsigned *work)
{
    for (; thread->at < thread->message_count; thread->at++) {
        const struct thread_message *message;
        uint32_t *known;
        uint32_t top;

        if (!search_work_spend(work, THREAD_DATED_WORK))
            return false;
        message = thread_dated(thread, thread->at);
        top = top_begun_by(thread, message->node);
        if (top == 0 || message->subject == 0)
            continue;
        known = search_keymap_at(&thread->keys, message->subject, work);
        if (*known != top)
            merge(thread, known, top);
    }
    return true;
}
