/* Everything that an account answers, as text: two of the same are the same account. */
#include <inttypes.h>

#include "base/crc.h"
#include "kit/assert_bytes.h"
#include "kit/shadow.h"
#include "message/summary.h"

static void describe_row(struct desk *desk, const struct mailbox *mailbox, const struct row *row,
                         bool modseqs, struct buf *out)
{
    struct buf body = buf_make(1 << 22);
    struct summary summary;
    enum err err;

    buf_add_format(out, " %u flags %u", row->uid.value, row->flags);
    for (uint32_t i = 0; i < mailbox_keyword_count(mailbox); i++)
        if ((row->keywords.word[i / 64] >> (i % 64) & 1) != 0)
            buf_add_format(out, " %.*s", BYTES_ARG(mailbox_keyword(mailbox, i)));
    if (modseqs)
        buf_add_format(out, " modseq %" PRIu64, row->modseq.value);
    buf_add_format(out, " date %" PRId64 " %d saved %" PRId64 " size %" PRIu64,
                   row->internal_date.seconds, row->internal_date.zone, row->save_date, row->size);
    buf_add_format(out, " body %" PRIu64 " thread %" PRIu64, row->body.value, row->thread.value);
    assert_int_equal(desk_read(desk, row->body, &body), ERR_OK);
    assert_int_equal(body.len, row->size);
    buf_add_format(out, " crc %08x", crc32c(0, buf_bytes(&body)));
    while ((err = body_summary(desk->account, row->body, &desk->waker, &summary)) == ERR_BUSY)
        desk_settle(desk);
    assert_int_equal(err, ERR_OK);
    buf_add_format(out, " envelope %08x structure %08x\n", crc32c(0, summary.envelope),
                   crc32c(0, summary.bodystructure));
    buf_done(&body);
}

static void describe_vanished(struct mailbox *mailbox, struct buf *out)
{
    const struct uid_range everything = { 1, UINT32_MAX };
    struct arena arena = arena_make(1 << 24);
    struct uid_set set;

    assert_int_equal(mailbox_vanished(mailbox, (struct modseq){ 0 },
                                      (struct uid_set){ &everything, 1 }, &arena, &set),
                     ERR_OK);
    buf_add_string(out, " vanished");
    for (uint32_t i = 0; i < set.count; i++)
        buf_add_format(out, " %u:%u", set.ranges[i].first, set.ranges[i].last);
    buf_add_string(out, "\n");
    arena_done(&arena);
}

static void describe_mailbox(struct desk *desk, struct mailbox *mailbox, bool modseqs,
                             struct buf *out, struct mailbox_counts *total)
{
    struct mailbox_counts counts;
    struct mailbox_counts recount = { 0 };
    struct view *view = view_open(mailbox);

    mailbox_counts(mailbox, &counts);
    buf_add_format(out, "%.*s id %u validity %u next %u floor %u uses %u children %d",
                   BYTES_ARG(mailbox_name(mailbox)), mailbox_id(mailbox).value,
                   mailbox_uidvalidity(mailbox), mailbox_uidnext(mailbox),
                   mailbox_recent_floor(mailbox), mailbox_uses(mailbox),
                   mailbox_has_children(mailbox));
    if (modseqs)
        buf_add_format(out, " highest %" PRIu64, mailbox_highest_modseq(mailbox).value);
    buf_add_format(out, " messages %u\n", counts.messages);
    describe_vanished(mailbox, out);
    for (uint32_t i = 1; i <= view_count(view); i++) {
        struct row row;

        view_row(view, (struct seqno){ i }, &row);
        assert_true(row.modseq.value <= mailbox_highest_modseq(mailbox).value);
        recount.messages++;
        recount.unseen += (row.flags & FLAG_SEEN) == 0;
        recount.deleted += (row.flags & FLAG_DELETED) != 0;
        recount.recent += row.uid.value >= mailbox_recent_floor(mailbox);
        recount.size += row.size;
        describe_row(desk, mailbox, &row, modseqs, out);
    }
    view_close(view);
    assert_memory_equal(&counts, &recount, sizeof(counts));
    total->size += counts.size;
    total->messages += counts.messages;
}

void shadow_describe(struct desk *desk, bool modseqs, struct buf *out)
{
    struct mailbox_counts total = { 0 };
    struct bytes name = BYTES("");
    struct mailbox *mailbox;

    buf_clear(out);
    if (modseqs)
        buf_add_format(out, "change %" PRIu64 "\n", account_change_number(desk->account).value);
    while ((mailbox = mailbox_next(desk->account, name)) != NULL) {
        describe_mailbox(desk, mailbox, modseqs, out, &total);
        name = mailbox_name(mailbox);
    }
    for (name = BYTES(""); (name = subscription_next(desk->account, name)).len > 0;)
        buf_add_format(out, "subscribed %.*s\n", BYTES_ARG(name));
    assert_int_equal(account_used_bytes(desk->account), total.size);
    assert_int_equal(account_used_messages(desk->account), total.messages);
    assert_false(out->overflowed);
}
