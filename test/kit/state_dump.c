/* A state as text. */
#include "kit/state_dump.h"

#include <inttypes.h>

#include "kit/assert_bytes.h"

static void dump_row(const struct mailbox *mailbox, const struct row *row, struct buf *out)
{
    struct body_entry body;

    assert_true(body_table_find(&mailbox->state->bodies, row->body, &body));
    assert_true(body.messages > 0);
    buf_add_format(out, " %u flags %u keywords %" PRIx64 " %" PRIx64 " modseq %" PRIu64,
                   row->uid.value, row->flags, row->keywords.word[0], row->keywords.word[1],
                   row->modseq.value);
    buf_add_format(out, " date %" PRId64 " %d saved %" PRId64 " size %" PRIu64,
                   row->internal_date.seconds, row->internal_date.zone, row->save_date, row->size);
    buf_add_format(
        out, " body %" PRIu64 " (%" PRIx64 " %" PRIu64 ", %" PRIu64 ") thread %" PRIu64 "\n",
        row->body.value, body.place.segment, body.place.offset, body.messages, row->thread.value);
}

static void dump_mailbox(const struct mailbox *mailbox, struct buf *out)
{
    const struct uid_range everything = { 1, UINT32_MAX };
    struct rows_walk walk = rows_walk_make(&mailbox->rows, (struct uid_set){ &everything, 1 });
    struct row row;

    buf_add_format(out, "%.*s id %u validity %u next %u floor %u uses %u highest %" PRIu64,
                   BYTES_ARG(mailbox_name_bytes(mailbox)), mailbox->id.value, mailbox->uidvalidity,
                   mailbox->uidnext, mailbox->recent_floor, mailbox->uses, mailbox->highest.value);
    buf_add_format(out, " unseen %u deleted %u size %" PRIu64 " keywords", mailbox->unseen,
                   mailbox->flagged_deleted, mailbox->size);
    for (uint32_t i = 0; i < mailbox->keywords.count; i++)
        buf_add_format(out, " %.*s", BYTES_ARG(mailbox->keywords.names[i]));
    buf_add_format(out, "\n vanished since %" PRIu64, mailbox->vanished.complete_since);
    for (size_t i = 0; i < mailbox->vanished.count; i++) {
        const struct vanished_range *range = &mailbox->vanished.ranges[i];

        buf_add_format(out, " %u:%u at %" PRIu64, range->uids.first, range->uids.last,
                       range->modseq);
    }
    buf_add_string(out, "\n");
    while (rows_walk_next(&walk, &row))
        dump_row(mailbox, &row, out);
}

void state_dump(const struct state *state, struct buf *out)
{
    buf_clear(out);
    buf_add_format(out, "change %" PRIu64 " at %" PRId64 " floor %" PRIu64, state->change.value,
                   state->changed_at.us, state->floor.value);
    buf_add_format(out, " validity %u mailbox %u body %" PRIu64 " damaged %d",
                   state->uidvalidity_last, state->mailbox_next, state->body_next, state->damaged);
    buf_add_format(out, " used %" PRIu64 " in %" PRIu64 "\n", state->used_bytes,
                   state->used_messages);
    for (size_t i = 0; i < state->mailbox_count; i++)
        dump_mailbox(state->by_name[i], out);
    for (size_t i = 0; i < state->subscription_count; i++)
        buf_add_format(out, "subscribed %.*s\n", BYTES_ARG(state->subscriptions[i]));
    for (size_t i = 0; i < state->threads.count; i++) {
        struct thread_entry entry = thread_table_at(&state->threads, i);

        buf_add_format(out, "thread %" PRIx64 " %" PRIu64 "\n", entry.hash, entry.thread.value);
    }
    for (size_t i = 0; i < state->body_segment_count; i++)
        buf_add_format(out, "body segment %" PRIx64 "\n", state->body_segments[i]);
    assert_false(out->overflowed);
}
