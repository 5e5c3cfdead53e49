/* Mailboxes as sessions see them. */
#include "store/mailbox.h"

#include <assert.h>

#include "base/err.h"
#include "store/account_state.h"
#include "store/state.h"
#include "store/uid_set.h"

struct mailbox *mailbox_find(struct account *account, struct bytes name)
{
    return state_find(&account->state, name);
}

struct mailbox *mailbox_find_id(struct account *account, struct mailbox_id id)
{
    return state_find_id(&account->state, id);
}

struct mailbox *mailbox_next(struct account *account, struct bytes after)
{
    size_t at = state_name_place(&account->state, after, true);

    return at < account->state.mailbox_count ? account->state.by_name[at] : NULL;
}

uint32_t mailbox_count(const struct account *account)
{
    return (uint32_t)account->state.mailbox_count;
}

void mailbox_hold(struct mailbox *mailbox)
{
    mailbox->holds++;
}

void mailbox_release(struct mailbox *mailbox)
{
    assert(mailbox->holds > 0);
    mailbox->holds--;
    if (mailbox->deleted && mailbox->holds == 0)
        state_mailbox_free(mailbox);
}

struct account *mailbox_account(const struct mailbox *mailbox)
{
    return CONTAINER_OF(mailbox->state, struct account, state);
}

bool mailbox_is_deleted(const struct mailbox *mailbox)
{
    return mailbox->deleted;
}

struct mailbox_id mailbox_id(const struct mailbox *mailbox)
{
    return mailbox->id;
}

struct bytes mailbox_name(const struct mailbox *mailbox)
{
    return mailbox_name_bytes(mailbox);
}

bool mailbox_has_children(const struct mailbox *mailbox)
{
    return !mailbox->deleted && state_has_below(mailbox->state, mailbox_name_bytes(mailbox));
}

unsigned mailbox_uses(const struct mailbox *mailbox)
{
    return mailbox->uses;
}

uint32_t mailbox_uidvalidity(const struct mailbox *mailbox)
{
    return mailbox->uidvalidity;
}

/* RFC 9051 s2.3.1.1 */
uint32_t mailbox_uidnext(const struct mailbox *mailbox)
{
    return mailbox->uidnext;
}

struct modseq mailbox_highest_modseq(const struct mailbox *mailbox)
{
    return mailbox->highest;
}

void mailbox_counts(const struct mailbox *mailbox, struct mailbox_counts *out_counts)
{
    *out_counts = (struct mailbox_counts){
        .messages = mailbox->rows.count,
        .unseen = mailbox->unseen,
        .deleted = mailbox->flagged_deleted,
        .recent = rows_count_from(&mailbox->rows, mailbox->recent_floor),
        .size = mailbox->size,
    };
}

uint32_t mailbox_recent_floor(const struct mailbox *mailbox)
{
    return mailbox->recent_floor;
}

uint32_t mailbox_keyword_count(const struct mailbox *mailbox)
{
    return mailbox->keywords.count;
}

struct bytes mailbox_keyword(const struct mailbox *mailbox, uint32_t index)
{
    assert(index < mailbox->keywords.count);
    return mailbox->keywords.names[index];
}

int mailbox_keyword_find(const struct mailbox *mailbox, struct bytes keyword)
{
    return keyword_table_find(&mailbox->keywords, keyword);
}

struct bytes subscription_next(struct account *account, struct bytes after)
{
    size_t at = state_subscription_place(&account->state, after, true);

    return at < account->state.subscription_count ? account->state.subscriptions[at]
                                                  : bytes_make(NULL, 0);
}

bool subscription_has(struct account *account, struct bytes name)
{
    size_t at = state_subscription_place(&account->state, name, false);

    return at < account->state.subscription_count &&
           bytes_equal(account->state.subscriptions[at], name);
}

/* The UIDs below UIDNEXT of `within` that no message has now. */
static bool absent(const struct mailbox *mailbox, struct uid_set within, struct arena *arena,
                   struct uid_set *out_set)
{
    struct uid_set_builder builder = uid_set_builder_make(arena);
    struct rows_walk walk = rows_walk_make(&mailbox->rows, within);
    struct row row;
    bool more = rows_walk_next(&walk, &row);

    for (uint32_t i = 0; i < within.count; i++) {
        uint64_t next = within.ranges[i].first;
        uint64_t end = (uint64_t)within.ranges[i].last + 1;

        if (end > mailbox->uidnext)
            end = mailbox->uidnext;
        for (; more && row.uid.value < end; more = rows_walk_next(&walk, &row)) {
            if (row.uid.value > next)
                uid_set_add(&builder, (uint32_t)next, row.uid.value - 1);
            next = (uint64_t)row.uid.value + 1;
        }
        if (next < end)
            uid_set_add(&builder, (uint32_t)next, (uint32_t)(end - 1));
    }
    return uid_set_finish(&builder, out_set);
}

/* RFC 7162 s3.2.6 */
enum err mailbox_vanished(struct mailbox *mailbox, struct modseq since, struct uid_set within,
                          struct arena *arena, struct uid_set *out_set)
{
    bool done = vanished_reaches(&mailbox->vanished, since.value)
                    ? vanished_since(&mailbox->vanished, since.value, within, arena, out_set)
                    : absent(mailbox, within, arena, out_set);

    return done ? ERR_OK : ERR_LIMIT;
}
