/* From ops to a record to the state. */
#include "store/change.h"

#include <assert.h>

#include "store/account_state.h"
#include "store/apply.h"

enum err change_begin(struct account *account, const struct origin *origin,
                      struct change *out_change)
{
    enum err err;

    assert(account->act == NULL);
    if (account->failed)
        return ERR_CLOSED;
    err = log_batch(account->log);
    if (err != ERR_OK)
        return err;
    buf_clear(&account->ops);
    account->wall = origin->now;
    *out_change = (struct change){
        .account = account,
        .origin = origin,
        .number = { account->state.change.value + 1 },
        .mailbox_next = account->state.mailbox_next,
        .uidvalidity_last = account->state.uidvalidity_last,
    };
    return ERR_OK;
}

void change_add(struct change *change, const struct op *op)
{
    op_encode(&change->account->ops, op);
}

/* RFC 9051 s2.3.1.1, s6.3.4, s6.3.6. */
struct mailbox_id change_add_mailbox(struct change *change, struct bytes name, unsigned uses)
{
    int64_t now = wall_seconds(change->origin->now);
    struct op op = { .code = OP_MAILBOX_CREATE };

    if (change->uidvalidity_last == UINT32_MAX || change->mailbox_next == UINT32_MAX) {
        change->exhausted = true;
        return (struct mailbox_id){ 0 };
    }
    change->uidvalidity_last++;
    if (now > change->uidvalidity_last && now <= UINT32_MAX)
        change->uidvalidity_last = (uint32_t)now;
    change->mailboxes++;
    op.as.mailbox = (struct op_mailbox){
        .id = { change->mailbox_next++ },
        .uidvalidity = change->uidvalidity_last,
        .uses = uses,
        .name = name,
    };
    change_add(change, &op);
    return op.as.mailbox.id;
}

/* The limit may be lower than when the mailboxes were made: those that are there stay. */
static bool has_too_many_mailboxes(const struct change *change)
{
    const struct account *account = change->account;

    return change->mailboxes > 0 &&
           account->state.mailbox_count + change->mailboxes > account->mailboxes_max;
}

/* RFC 7162 s3.1 */
enum err change_write(struct change *change, bool gated, struct log_record *out_record)
{
    struct account *account = change->account;
    enum err err;

    if (account->ops.overflowed || change->exhausted || has_too_many_mailboxes(change))
        return ERR_LIMIT;
    err = log_add_change(account->log, change->origin, change->number, buf_bytes(&account->ops),
                         out_record);
    if (err == ERR_OK)
        err = log_append(account->log, gated);
    account->failed = account->failed || log_has_failed(account->log);
    return err;
}

void change_end(const struct change *change)
{
    struct account *account = change->account;

    assert(account->state.change.value == change->number.value);
    if (account->ops.capacity > 64 * 1024) {
        buf_clear(&account->ops);
        buf_trim(&account->ops);
    }
    account_tell(account);
}

enum err change_commit(struct change *change, bool gated)
{
    struct log_record record;
    bool applied;
    enum err err = change_write(change, gated, &record);

    if (err != ERR_OK)
        return err;
    applied = apply_record(&change->account->state, &record);
    assert(applied);
    change_end(change);
    return ERR_OK;
}
