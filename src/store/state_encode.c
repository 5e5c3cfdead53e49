/* A state as ops. */
#include "store/state_encode.h"

#include <assert.h>

#include "store/alloc.h"
#include "store/op.h"
#include "store/state.h"

void state_head_encode(struct buf *buf, const struct state *state, uint64_t position)
{
    struct op op = { .code = OP_BASE_STATE };

    op.as.base_state = (struct op_base_state){
        .account = state->id,
        .position = position,
        .change = state->change,
        .floor = state->floor,
        .uidvalidity_last = state->uidvalidity_last,
        .mailbox_next = state->mailbox_next,
        .body_next = state->body_next,
        .changed_at = state->changed_at,
        .garbage = state_garbage(state),
        .damaged = state->damaged,
    };
    op_encode(buf, &op);
}

static void encode_table_row(struct buf *buf, const struct mailbox *mailbox)
{
    struct op op = { .code = OP_BASE_MAILBOX };

    op.as.base_mailbox = (struct op_base_mailbox){
        .id = mailbox->id,
        .uidvalidity = mailbox->uidvalidity,
        .uidnext = mailbox->uidnext,
        .uses = mailbox->uses,
        .recent_floor = mailbox->recent_floor,
        .highest = mailbox->highest,
        .vanished_since = { mailbox->vanished.complete_since },
        .name = mailbox_name_bytes(mailbox),
        .keywords = { .list = mailbox->keywords.names, .count = mailbox->keywords.count },
    };
    op_encode(buf, &op);
}

/* How many ranges from `first` on can stand in one set: one change, ascending, with gaps between.
 */
static size_t vanished_run(const struct vanished *vanished, size_t first)
{
    size_t end = first + 1;

    while (end < vanished->count &&
           vanished->ranges[end].modseq == vanished->ranges[first].modseq &&
           vanished->ranges[end].uids.first > vanished->ranges[end - 1].uids.last + UINT64_C(1))
        end++;
    return end - first;
}

static void encode_vanished(struct buf *buf, const struct mailbox *mailbox)
{
    const struct vanished *vanished = &mailbox->vanished;
    struct uid_range *ranges = store_alloc(vanished->count, sizeof(*ranges));

    for (size_t first = 0, run; first < vanished->count; first += run) {
        struct op op = { .code = OP_BASE_VANISHED };

        run = vanished_run(vanished, first);
        for (size_t i = 0; i < run; i++)
            ranges[i] = vanished->ranges[first + i].uids;
        op.as.base_vanished = (struct op_vanished){
            .mailbox = mailbox->id,
            .modseq = { vanished->ranges[first].modseq },
            .uids = { .set = { ranges, (uint32_t)run } },
        };
        op_encode(buf, &op);
    }
    free(ranges);
}

void state_mailbox_encode(struct buf *buf, const struct mailbox *mailbox)
{
    encode_table_row(buf, mailbox);
    encode_vanished(buf, mailbox);
}

void state_threads_encode(struct buf *buf, const struct state *state)
{
    const struct thread_table *threads = &state->threads;
    struct op op = { .code = OP_THREAD };

    for (size_t i = 0; i < threads->count; i++) {
        struct thread_entry entry = thread_table_at(threads, i);
        struct op_thread *thread = &op.as.thread;

        if (thread->count == OP_THREAD_HASHES_MAX ||
            (thread->count > 0 && thread->thread.value != entry.thread.value)) {
            op_encode(buf, &op);
            thread->count = 0;
        }
        thread->thread = entry.thread;
        thread->hashes[thread->count++] = entry.hash;
    }
    if (op.as.thread.count > 0)
        op_encode(buf, &op);
}

void state_subscription_encode(struct buf *buf, const struct state *state, size_t index)
{
    struct op op = { .code = OP_SUBSCRIBE,
                     .as.setting = { .on = true, .name = state->subscriptions[index] } };

    op_encode(buf, &op);
}

void state_drops_encode(struct buf *buf, const struct drops *drops)
{
    for (size_t at = 0; at < drops->count; at += OP_DROP_SEGMENTS_MAX) {
        size_t left = drops->count - at;
        struct op op = { .code = OP_BASE_DROP };

        op.as.base_drop.when = drops->when;
        op.as.base_drop.segments = (struct op_numbers){
            .list = drops->segments + at,
            .count = (uint32_t)(left < OP_DROP_SEGMENTS_MAX ? left : OP_DROP_SEGMENTS_MAX),
        };
        op_encode(buf, &op);
    }
}

void state_rows_encode(struct buf *buf, const struct state *state, struct mailbox_id mailbox,
                       const struct block *block, uint32_t count)
{
    struct row *rows = store_alloc(count, sizeof(*rows));
    struct place *places = store_alloc(count, sizeof(*places));
    struct op op = { .code = OP_BASE_ROWS };

    for (uint32_t i = 0; i < count; i++) {
        struct body_entry body = { .place = { 0 } };

        block_row(block, i, &rows[i]);
        (void)body_table_find(&state->bodies, rows[i].body, &body);
        places[i] = body.place;
    }
    op.as.base_rows =
        (struct op_rows){ .mailbox = mailbox, .list = rows, .places = places, .count = count };
    op_encode(buf, &op);
    free(rows);
    free(places);
}
