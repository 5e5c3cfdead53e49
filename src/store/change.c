/* From ops to a record to the state. */
#include "store/change.h"

#include <assert.h>

#include "store/account_state.h"
#include "store/apply.h"
#include "store/log_write.h"

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
    op_origin_encode(&account->ops, origin);
    account->wall = origin->now;
    *out_change = (struct change){
        .account = account,
        .origin = origin,
        .number = { account->state.change.value + 1 },
        .mailbox_next = account->state.mailbox_next,
        .uidvalidity_last = account->state.uidvalidity_last,
        .ops_at = account->ops.len,
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

bool change_is_empty(const struct change *change)
{
    return change->account->ops.len == change->ops_at;
}

static bool is_too_much(const struct change *change)
{
    return change->account->ops.overflowed || change->exhausted || has_too_many_mailboxes(change);
}

/* RFC 7162 s3.1 */
enum err change_write_begin(struct change *change, bool gated, struct log_record *out_record)
{
    struct log_change record = { .number = change->number,
                                 .when = change->origin->now,
                                 .payload = buf_bytes(&change->account->ops),
                                 .gated = gated };

    return is_too_much(change) ? ERR_LIMIT
                               : log_write_begin(change->account->log, &record, out_record);
}

static enum err note_failure(struct account *account, enum err err)
{
    account->failed = account->failed || log_has_failed(account->log);
    return err;
}

enum err change_write(struct change *change, uint64_t bytes_max)
{
    return note_failure(change->account, log_write(change->account->log, bytes_max));
}

/* Writes the batch, and gives out the record. */
static enum err append(struct change *change, bool gated, struct log_record *out_record)
{
    struct account *account = change->account;
    struct bytes ops = bytes_from(buf_bytes(&account->ops), change->ops_at);
    enum err err = is_too_much(change) ? ERR_LIMIT : ERR_OK;

    if (err == ERR_OK)
        err = log_add_change(account->log, change->origin, change->number, ops, out_record);
    if (err == ERR_OK)
        err = log_append(account->log, gated);
    return note_failure(account, err);
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
    enum err err = append(change, gated, &record);

    if (err != ERR_OK)
        return err;
    applied = apply_record(&change->account->state, &record);
    assert(applied);
    change_end(change);
    return ERR_OK;
}
