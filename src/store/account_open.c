/* Recovery, as far as it is more than the log's. */
#include "store/account_open.h"

#include <string.h>

#include "store/account_copy.h"
#include "store/account_state.h"
#include "store/alloc.h"
#include "store/apply.h"
#include "store/change.h"
#include "store/log_body.h"
#include "store/name.h"

/* More than can have been given out and lost: in a tail, what clients do in a second or two; in a
 * copy or after damage, what they do in years. */
enum {
    EPOCH_CHANGES_TAIL = 1 << 20,
    EPOCH_UIDS = 1 << 20,
    EPOCH_MAILBOXES = 1 << 16,
    EPOCH_BODIES = 1 << 20,
};

#define EPOCH_CHANGES_LONG (UINT64_C(1) << 32)

struct replay {
    struct account *account;
    struct account_report *report;
};

static enum err on_record(void *context, const struct log_record *record)
{
    struct replay *replay = context;

    if (!apply_record(&replay->account->state, record) && replay->report->records_damaged++ == 0)
        note_set(&replay->report->damage, "record in segment %llu at %llu makes no sense",
                 (unsigned long long)record->place.segment,
                 (unsigned long long)record->place.offset);
    return ERR_OK;
}

/* From the checkpoint on; from the beginning when the log does not know the checkpoint's place. */
static enum err replay_log(struct account *account, const struct account_options *options,
                           struct account_report *report, struct log_report *met, struct note *why)
{
    struct replay replay = { account, report };
    struct log_options log_options = {
        .vfs = options->vfs,
        .executor = options->executor,
        .create = options->create,
        .account = options->id,
        .compress = options->compress,
        .segment_bytes = options->log_segment_bytes,
        .ahead_bytes = options->log_ahead_bytes,
        .ahead_syncs = options->log_ahead_syncs,
        .packing = options->packing,
        .now = options->now,
        .replay = on_record,
        .context = &replay,
    };
    enum err err;

    account->checkpoint = checkpoint_load(options->vfs, &account->state, &log_options.from);
    account->checkpoint_position = log_options.from.position;
    err = log_open(&log_options, &account->log, met, why);
    if (err != ERR_CONFLICT)
        return err;
    if (memcmp(&account->state.id, &options->id, sizeof(options->id)) == 0)
        log_options.known = log_options.from;
    checkpoint_forget(account->checkpoint);
    state_done(&account->state);
    log_options.from = (struct log_mark){ 0 };
    return log_open(&log_options, &account->log, met, why);
}

/* A base whose making was cut short. A body that stands in it says that it was whole once, and is
 * damaged: it stays. */
static enum err remove_unfinished_base(struct account *account, uint64_t base)
{
    struct body_entry entry = { .id = { 0 } };

    while (body_table_next(&account->state.bodies, entry.id, &entry))
        if (entry.place.segment == base)
            return ERR_OK;
    return log_unlink(account->log, base);
}

static enum err open_log(struct account *account, const struct account_options *options,
                         struct account_report *report, uint32_t *out_epoch_reasons,
                         struct note *why)
{
    struct log_report met = { 0 };
    enum err err = replay_log(account, options, report, &met, why);

    body_table_settle(&account->state.bodies);
    if (err != ERR_OK)
        return err;
    if (met.base_unfinished != 0)
        err = remove_unfinished_base(account, met.base_unfinished);
    report->unclean = met.unclean;
    report->epoch = met.epoch_reasons != 0;
    report->copied = (met.epoch_reasons & EPOCH_COPIED) != 0;
    report->records_replayed = met.records;
    report->tail_bytes = met.tail_bytes;
    if (met.damaged > 0)
        report->damage = met.damage;
    report->records_damaged += met.damaged;
    *out_epoch_reasons = met.epoch_reasons;
    return err;
}

static struct origin store_origin(const struct account *account)
{
    return (struct origin){ .protocol = PROTOCOL_STORE, .now = account->wall };
}

/* The clock may have gone back since, and several mailboxes may have been made in a second. */
static uint32_t raised_uidvalidity(const struct account *account)
{
    int64_t now = wall_seconds(account->wall);
    uint32_t last = account->state.uidvalidity_last;

    if (now > last && now <= UINT32_MAX)
        last = (uint32_t)now;
    return last <= UINT32_MAX - 2 * EPOCH_MAILBOXES ? last + EPOCH_MAILBOXES : 0;
}

static enum err write_epoch(struct account *account, uint32_t reasons,
                            struct account_report *report)
{
    bool is_long = (reasons & (EPOCH_COPIED | EPOCH_DAMAGED)) != 0;
    struct origin origin = store_origin(account);
    struct op op = { .code = OP_EPOCH };
    struct change change;
    enum err err = change_begin(account, &origin, &change);

    if (err != ERR_OK)
        return err;
    change.number.value += is_long ? EPOCH_CHANGES_LONG : EPOCH_CHANGES_TAIL;
    op.as.epoch = (struct op_epoch){
        .reasons = reasons,
        .uid_gap = is_long ? EPOCH_UIDS : 0,
        .mailbox_gap = is_long ? EPOCH_MAILBOXES : 0,
        .body_gap = EPOCH_BODIES,
        .uidvalidity = is_long ? raised_uidvalidity(account) : 0,
    };
    change_add(&change, &op);
    if ((reasons & EPOCH_COPIED) != 0)
        err = account_copy_leave_out(account, &change, &report->left_out);
    if (err != ERR_OK)
        return err;
    return change_commit(&change, true);
}

static bool has_id(const struct account *account)
{
    static const struct account_id none = { 0 };

    return memcmp(&account->state.id, &none, sizeof(none)) != 0;
}

/* The account's id and the usual mailboxes, as far as they are missing: in a new account, and where
 * damage has taken them. */
static enum err write_beginning(struct account *account, const struct account_id *id)
{
    static const char *const usual[] = { "INBOX", "Drafts", "Sent", "Junk", "Trash", "Archive" };
    struct origin origin = store_origin(account);
    struct op op = { .code = OP_ACCOUNT, .as.account = *id };
    bool is_new = account->state.mailbox_count == 0;
    struct change change;
    enum err err = change_begin(account, &origin, &change);

    if (err != ERR_OK)
        return err;
    if (!has_id(account))
        change_add(&change, &op);
    for (size_t i = 0; i < ARRAY_COUNT(usual) && (is_new || i == 0); i++) {
        struct bytes name = bytes_from_string(usual[i]);
        struct op subscribe = { .code = OP_SUBSCRIBE, .as.setting = { .on = true, .name = name } };

        if (state_find(&account->state, name) != NULL)
            continue;
        (void)change_add_mailbox(&change, name, name_usual_use(name));
        change_add(&change, &subscribe);
    }
    return change_commit(&change, true);
}

struct orphans {
    const struct state *state;
    uint64_t *segments;
    size_t count;
    size_t capacity;
};

static void on_body_segment(void *context, uint64_t segment)
{
    struct orphans *orphans = context;

    if (state_has_body_segment(orphans->state, segment))
        return;
    orphans->segments = store_grow(orphans->segments, orphans->count, &orphans->capacity,
                                   sizeof(*orphans->segments));
    orphans->segments[orphans->count++] = segment;
}

/* Removes what large bodies left that were on their way in when the last owner died. Where damage
 * may have taken the change that named one it stays: so does its mail, for a person to find. */
static void remove_orphans(struct account *account)
{
    struct orphans orphans = { .state = &account->state };
    enum err err = ERR_OK;

    if (!account->state.damaged)
        err = log_body_segments(account->log, on_body_segment, &orphans);
    for (size_t i = 0; i < orphans.count && err == ERR_OK; i++)
        err = log_unlink(account->log, orphans.segments[i]);
    free(orphans.segments);
}

enum err account_recover(struct account *account, const struct account_options *options,
                         struct account_report *report, struct note *why)
{
    uint32_t reasons = 0;
    enum err err = open_log(account, options, report, &reasons, why);
    bool is_empty;

    if (err != ERR_OK)
        return err;
    is_empty = account->state.change.value == 0 && report->records_damaged == 0;
    if (is_empty && !options->create)
        return note_fail(why, ERR_NOT_FOUND, "no account was ever made here");
    if (has_id(account) && memcmp(&account->state.id, &options->id, sizeof(options->id)) != 0)
        return note_fail(why, ERR_INVALID, "the log belongs to another account");
    if (reasons != 0)
        err = write_epoch(account, reasons, report);
    if (err == ERR_OK && (!has_id(account) || state_find(&account->state, BYTES("INBOX")) == NULL))
        err = write_beginning(account, &options->id);
    if (err == ERR_OK)
        err = log_settle(account->log, why);
    if (err == ERR_OK && report->unclean && report->records_damaged == 0)
        remove_orphans(account);
    if (err != ERR_OK && why != NULL && why->text[0] == '\0')
        note_set(why, "writing the log: %s", err_text(err));
    return err;
}
