/* The threads as text (RFC 5256 section 4, thread-data). */
#include "search/thread_internal.h"

#include <assert.h>

/* Two of three neighbours lie anywhere in memory. */
enum { NODE_WORK = 5 };

/* A message alone below its parent goes on with the line of that one. */
static bool has_list(const struct search_node *here, uint32_t node)
{
    return here->parent == 0 || here->list.next != node;
}

static bool is_first(const struct search_thread *thread, const struct search_node *here,
                     uint32_t node)
{
    const struct search_node *above = thread_node(thread, here->parent);

    return thread_node(thread, above->list.last)->list.next == node;
}

/* On the way down: "(", a blank and "(" where a message stands before the first of its children, a
 * blank and the number. */
static void print_begin(const struct search_thread *thread, uint32_t node, struct buf *out)
{
    const struct search_node *here = thread_node(thread, node);
    bool is_child = here->parent != 0 && thread_node(thread, here->parent)->message != 0;

    if (is_child && is_first(thread, here, node))
        buf_add_byte(out, ' ');
    if (has_list(here, node))
        buf_add_byte(out, '(');
    if (here->message != 0)
        buf_add_number(out, thread->messages[here->message - 1].number);
}

/* To the first child, else to the next that is not below. */
static void go_on(struct search_thread *thread, struct buf *out)
{
    uint32_t node = thread->print.at;
    const struct search_node *here = thread_node(thread, node);
    const struct search_node *above = thread_node(thread, here->parent);

    if (!thread->print.is_upwards && here->list.last != 0) {
        thread->print.at = thread_node(thread, here->list.last)->list.next;
        return;
    }
    if (has_list(here, node))
        buf_add_byte(out, ')');
    thread->print.is_upwards = node == above->list.last;
    thread->print.at = thread->print.is_upwards ? here->parent : here->list.next;
}

bool search_thread_print(struct search_thread *thread, struct buf *out, unsigned *work)
{
    const unsigned given = *work;
    uint32_t last = thread_node(thread, 0)->list.last;

    assert(thread->phase == PHASE_READY);
    if (thread->print.at == 0 && !thread->print.is_upwards && last != 0)
        thread->print.at = thread_node(thread, last)->list.next;
    while (thread->print.at != 0 && search_work_spend(work, NODE_WORK)) {
        if (!thread->print.is_upwards)
            print_begin(thread, thread->print.at, out);
        go_on(thread, out);
    }
    assert(*work <= given);
    return thread->print.at == 0;
}
