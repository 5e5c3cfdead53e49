/* Parents and children by their references (RFC 5256 section 3, REFERENCES, step 1). */
#include <assert.h>

#include "base/num.h"
#include "search/thread_internal.h"

enum { ID_BYTES = 8 };

/* The id of that number in the hit: 0 is its own. */
static uint64_t id_at(const struct search_thread_hit *hit, uint32_t number)
{
    return hit->ids.len == 0 ? 0 : num_load_u64(hit->ids.at + (size_t)ID_BYTES * number);
}

static uint32_t id_count(const struct search_thread_hit *hit)
{
    return (uint32_t)(hit->ids.len / ID_BYTES);
}

/* RFC 5256 s3 step 1.A: the node of that identifier, a dummy when it is new. */
static uint32_t node_of_id(struct search_thread *thread, uint64_t id, bool *out_is_new,
                           unsigned *work)
{
    uint32_t *number = search_keymap_at(&thread->keys, id, work);

    *out_is_new = *number == 0;
    if (*out_is_new)
        *number = search_forest_add(&thread->forest);
    return *number;
}

/* RFC 5256 s3 step 1.A: a message without a Message-ID gets a node that nobody can refer to, and so
 * does one whose Message-ID an earlier one has. */
static void begin(struct search_thread *thread, const struct search_thread_hit *hit, unsigned *work)
{
    struct thread_link *link = &thread->link;
    const struct search_sort_value sent = { .number = hit->sent_seconds };
    uint32_t place = thread->message_count++;
    uint64_t id = id_at(hit, 0);
    struct search_node *node;
    enum err err;

    assert(place < thread->message_max);
    *link = (struct thread_link){ .next = 1, .is_new = true };
    if (id != 0)
        link->node = node_of_id(thread, id, &link->is_new, work);
    if (id == 0 || thread_node(thread, link->node)->message != 0) {
        link->is_new = true;
        link->node = search_forest_add(&thread->forest);
    }
    node = thread_node(thread, link->node);
    node->message = (place + 1) & INT32_MAX;
    node->is_reply = hit->is_reply;
    thread->messages[place] = (struct thread_message){ hit->subject, hit->number, link->node };
    err = search_sort_add(thread->sort, (struct seqno){ place + 1 }, &sent);
    assert(err == ERR_OK);
}

/* RFC 5256 s3 step 1.A: a parent is kept, and no loop is closed. `is_new`: nothing can be below the
 * child. */
static void adopt(struct search_thread *thread, uint32_t child, uint32_t parent, bool is_new)
{
    if (parent == 0 || child == parent || thread_node(thread, child)->parent != 0)
        return;
    thread->link.child = child;
    thread->link.parent = parent;
    thread->link.is_asked = is_new;
}

static bool adopt_step(struct search_thread *thread, unsigned *work)
{
    struct thread_link *link = &thread->link;
    uint32_t root;

    if (link->child == 0)
        return true;
    if (!link->is_asked) {
        if (!search_forest_root(&thread->forest, link->parent, work, &root))
            return false;
        link->is_asked = true;
        if (root == link->child) {
            link->child = 0;
            return true;
        }
    }
    if (!search_forest_link(&thread->forest, link->child, link->parent, work))
        return false;
    link->child = 0;
    return true;
}

/* RFC 5256 s3 step 1.A: each reference is the parent of the next. */
static bool link_references(struct search_thread *thread, const struct search_thread_hit *hit,
                            unsigned *work)
{
    struct thread_link *link = &thread->link;

    while (adopt_step(thread, work)) {
        uint32_t node;
        bool is_new;

        if (link->next >= id_count(hit))
            return true;
        if (!search_work_spend(work, 1))
            return false;
        node = node_of_id(thread, id_at(hit, link->next), &is_new, work);
        link->is_new &= node != link->node;
        adopt(thread, node, link->before, is_new);
        link->before = node;
        link->next++;
    }
    return false;
}

/* RFC 5256 s3 step 1.B: the last reference, or nobody, is the parent of the message, whatever
 * references of others have said. */
static bool link_message(struct search_thread *thread, unsigned *work)
{
    struct thread_link *link = &thread->link;

    if (!link->is_cut) {
        uint32_t parent = thread_node(thread, link->node)->parent;

        if (parent == link->before)
            return true;
        if (parent != 0 && !search_forest_cut(&thread->forest, link->node, work))
            return false;
        link->is_cut = true;
        adopt(thread, link->node, link->before, link->is_new);
    }
    return adopt_step(thread, work);
}

bool search_thread_has_room(const struct search_thread *thread, struct bytes ids)
{
    uint32_t used = thread->forest.count - 1; /* number 0 is nobody */
    size_t needed = ids.len == 0 ? 1 : ids.len / ID_BYTES;

    assert(thread->link.node == 0 && used <= thread->nodes_max);
    return needed <= thread->nodes_max - used;
}

bool search_thread_link_step(struct search_thread *thread, const struct search_thread_hit *hit,
                             unsigned *work)
{
    if (thread->link.node == 0) {
        if (!search_work_spend(work, 1))
            return false;
        begin(thread, hit, work);
    }
    assert(hit->number == thread->messages[thread->message_count - 1].number);
    if (!link_references(thread, hit, work) || !link_message(thread, work))
        return false;
    thread->link.node = 0;
    return true;
}
