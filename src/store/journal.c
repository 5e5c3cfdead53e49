/* Ops, told as what they did. */
#include "store/journal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "store/alloc.h"
#include "store/history.h"
#include "store/log.h"
#include "store/op.h"
#include "store/state.h"

enum { UIDS_BYTES_MAX = 120, DETAIL_BYTES_MAX = 400, NAME_BYTES_MAX = 1100 };

/* A mailbox that the change at hand has made or renamed. */
struct fresh_name {
    struct mailbox_id id;
    struct bytes name; /* borrowed from the record */
};

/* Messages that one change puts into one mailbox. */
struct run {
    struct mailbox_id mailbox; /* 0: none */
    uint64_t messages;
    uint32_t first;
    uint32_t last;
};

struct journal {
    struct journal_options options;
    uint8_t name[OP_NAME_BYTES_MAX];
    struct history *history;
    struct wall since;
    bool began; /* the first change of the account was read */
    struct journal_entry *entries;
    size_t first; /* those before it are dropped */
    size_t count; /* with those */
    size_t capacity;

    /* The change at hand. */
    const struct state *state;
    const struct log_record *record;
    struct origin origin;
    struct fresh_name *fresh;
    size_t fresh_count;
    size_t fresh_capacity;
    struct run run;
};

struct journal *journal_new(const struct journal_options *options)
{
    struct journal *journal = store_alloc(1, sizeof(*journal));
    struct bytes name = bytes_slice(options->name, 0, sizeof(journal->name));

    journal->options = *options;
    if (name.len > 0)
        memcpy(journal->name, name.at, name.len);
    journal->options.name = bytes_make(journal->name, name.len);
    return journal;
}

/* What is to become an entry. */
struct draft {
    enum journal_kind kind;
    struct mailbox_id mailbox;
    struct mailbox_id to;
    struct bytes name; /* of what is no mailbox yet, or a name only */
    struct bytes to_name;
    uint64_t messages;
    struct buf uids;
    struct buf detail;
};

static struct draft draft_make(enum journal_kind kind)
{
    return (struct draft){ .kind = kind,
                           .uids = buf_make(UIDS_BYTES_MAX),
                           .detail = buf_make(DETAIL_BYTES_MAX) };
}

/* The name of a mailbox; one that nobody knows (its making was damaged) is told by its number. */
static struct bytes name_of(const struct journal *journal, struct mailbox_id id, struct buf *space)
{
    const struct mailbox *mailbox = state_find_id(journal->state, id);

    for (size_t i = journal->fresh_count; i > 0; i--)
        if (journal->fresh[i - 1].id.value == id.value)
            return journal->fresh[i - 1].name;
    if (mailbox != NULL)
        return mailbox_name_bytes(mailbox);
    buf_add_format(space, "(mailbox %u)", id.value);
    return buf_bytes(space);
}

static void note_name(struct journal *journal, struct mailbox_id id, struct bytes name)
{
    journal->fresh = store_grow(journal->fresh, journal->fresh_count, &journal->fresh_capacity,
                                sizeof(*journal->fresh));
    journal->fresh[journal->fresh_count++] = (struct fresh_name){ id, name };
}

static bool is_asked_for(const struct journal *journal, const struct draft *draft)
{
    const struct journal_options *options = &journal->options;

    if (options->name.len == 0 && options->id.value == 0)
        return true;
    if (options->id.value != 0 &&
        (draft->mailbox.value == options->id.value || draft->to.value == options->id.value))
        return true;
    return options->name.len > 0 &&
           (bytes_equal(draft->name, options->name) || bytes_equal(draft->to_name, options->name));
}

static struct bytes keep(uint8_t **at, struct bytes bytes)
{
    struct bytes kept = bytes_make(*at, bytes.len);

    if (bytes.len > 0)
        memcpy(*at, bytes.at, bytes.len);
    *at += bytes.len;
    return kept;
}

static void add_entry(struct journal *journal, const struct draft *draft)
{
    struct bytes uids = buf_bytes(&draft->uids);
    struct bytes detail = buf_bytes(&draft->detail);
    struct bytes actor = journal->origin.actor;
    struct journal_entry *entry;
    uint8_t *at;

    journal->entries =
        store_grow(journal->entries, journal->count, &journal->capacity, sizeof(*journal->entries));
    entry = &journal->entries[journal->count++];
    *entry = (struct journal_entry){
        .kind = draft->kind,
        .when = journal->record->when,
        .change = journal->record->number,
        .protocol = journal->origin.protocol,
        .session = journal->origin.session,
        .messages = draft->messages,
    };
    entry->text =
        store_alloc(1, draft->name.len + draft->to_name.len + uids.len + detail.len + actor.len);
    at = entry->text;
    entry->mailbox = keep(&at, draft->name);
    entry->to = keep(&at, draft->to_name);
    entry->uids = keep(&at, uids);
    entry->detail = keep(&at, detail);
    entry->actor = keep(&at, actor);
}

/* The oldest make room. */
static void bound(struct journal *journal)
{
    size_t max = journal->options.last_max;

    while (max > 0 && journal->count - journal->first > max)
        free(journal->entries[journal->first++].text);
    if (journal->first < 1024 || journal->first < journal->count / 2)
        return;
    journal->count -= journal->first;
    memmove(journal->entries, journal->entries + journal->first,
            journal->count * sizeof(*journal->entries));
    journal->first = 0;
}

/* Fills in the names and keeps it when it was asked for; the draft is used up. */
static void finish(struct journal *journal, struct draft *draft)
{
    struct buf space = buf_make(NAME_BYTES_MAX);
    struct buf to_space = buf_make(NAME_BYTES_MAX);

    if (draft->mailbox.value != 0 && draft->name.len == 0)
        draft->name = name_of(journal, draft->mailbox, &space);
    if (draft->to.value != 0 && draft->to_name.len == 0)
        draft->to_name = name_of(journal, draft->to, &to_space);
    if (is_asked_for(journal, draft)) {
        add_entry(journal, draft);
        bound(journal);
    }
    buf_done(&space);
    buf_done(&to_space);
    buf_done(&draft->uids);
    buf_done(&draft->detail);
}

static void print_range(struct buf *out, struct uid_range range)
{
    if (out->len + 24 > UIDS_BYTES_MAX)
        return;
    if (out->len > 0)
        buf_add_byte(out, ',');
    if (out->len + 24 + 3 > UIDS_BYTES_MAX) {
        buf_add_string(out, "...");
        return;
    }
    buf_add_number(out, range.first);
    if (range.last > range.first)
        buf_add_format(out, ":%u", range.last);
}

static void print_uids(struct buf *out, const struct op_uids *uids)
{
    struct op_uid_walk walk = { .uids = uids };
    struct uid_range range;

    while (op_uids_next(&walk, &range))
        print_range(out, range);
}

static void end_run(struct journal *journal)
{
    struct draft draft =
        draft_make(journal->origin.protocol == PROTOCOL_ADMIN ? JOURNAL_UNDELETED : JOURNAL_ADDED);

    if (journal->run.mailbox.value == 0)
        return;
    draft.mailbox = journal->run.mailbox;
    draft.messages = journal->run.messages;
    print_range(&draft.uids, (struct uid_range){ journal->run.first, journal->run.last });
    finish(journal, &draft);
    journal->run.mailbox.value = 0;
}

static void on_put(struct journal *journal, const struct op_put *put)
{
    struct run *run = &journal->run;

    if (run->mailbox.value != put->mailbox.value || put->uid.value != run->last + 1) {
        end_run(journal);
        *run = (struct run){ .mailbox = put->mailbox, .first = put->uid.value };
    }
    run->messages++;
    run->last = put->uid.value;
}

static void print_flags(struct buf *out, const struct op_flags *op)
{
    static const struct {
        unsigned flag;
        const char *name;
    } system[] = { { FLAG_SEEN, "\\Seen" },
                   { FLAG_ANSWERED, "\\Answered" },
                   { FLAG_FLAGGED, "\\Flagged" },
                   { FLAG_DELETED, "\\Deleted" },
                   { FLAG_DRAFT, "\\Draft" } };
    static const char *const modes[] = { "", "+", "-" };
    struct op_name_walk walk = { .names = &op->flags.keywords };
    const char *space = "";
    struct bytes name;

    buf_add_format(out, "%s(", modes[op->mode]);
    for (size_t i = 0; i < ARRAY_COUNT(system); i++) {
        if ((op->flags.flags & system[i].flag) == 0)
            continue;
        buf_add_format(out, "%s%s", space, system[i].name);
        space = " ";
    }
    while (op_names_next(&walk, &name) && out->len + name.len + 8 < DETAIL_BYTES_MAX) {
        buf_add_format(out, "%s%.*s", space, BYTES_ARG(name));
        space = " ";
    }
    buf_add_string(out, ")");
}

static void on_flags(struct journal *journal, const struct op_flags *op)
{
    struct draft draft = draft_make(JOURNAL_FLAGGED);

    draft.mailbox = op->mailbox;
    draft.messages = op->uids.total;
    print_uids(&draft.uids, &op->uids);
    print_flags(&draft.detail, op);
    finish(journal, &draft);
}

static void on_copy(struct journal *journal, const struct op_copy *op, bool move)
{
    struct draft draft = draft_make(move ? JOURNAL_MOVED : JOURNAL_COPIED);

    draft.mailbox = op->from;
    draft.to = op->to;
    draft.messages = op->uids.total;
    print_uids(&draft.uids, &op->uids);
    finish(journal, &draft);
}

static void on_expunge(struct journal *journal, const struct op_expunge *op)
{
    struct draft draft = draft_make(JOURNAL_EXPUNGED);

    draft.mailbox = op->mailbox;
    draft.messages = op->uids.total;
    print_uids(&draft.uids, &op->uids);
    finish(journal, &draft);
}

static void on_create(struct journal *journal, const struct op_mailbox *op)
{
    struct draft draft = draft_make(JOURNAL_CREATED);

    draft.mailbox = op->id;
    draft.name = op->name;
    finish(journal, &draft);
    note_name(journal, op->id, op->name);
}

static void on_rename(struct journal *journal, const struct op_mailbox *op)
{
    struct draft draft = draft_make(JOURNAL_RENAMED);

    draft.mailbox = op->id;
    draft.to_name = op->name;
    finish(journal, &draft);
    note_name(journal, op->id, op->name);
}

static void on_delete(struct journal *journal, struct mailbox_id id)
{
    const struct mailbox *mailbox = state_find_id(journal->state, id);
    struct draft draft = draft_make(JOURNAL_DELETED);

    draft.mailbox = id;
    draft.messages = mailbox == NULL ? 0 : mailbox->rows.count;
    finish(journal, &draft);
}

static void on_subscribe(struct journal *journal, const struct op_setting *op)
{
    struct draft draft = draft_make(op->on ? JOURNAL_SUBSCRIBED : JOURNAL_UNSUBSCRIBED);

    draft.name = op->name;
    finish(journal, &draft);
}

static void on_epoch(struct journal *journal, const struct op_epoch *op)
{
    static const struct {
        unsigned reason;
        const char *text;
    } reasons[] = { { EPOCH_TAIL_LOST, "the end of the log was lost" },
                    { EPOCH_SYNC_FAILED, "a sync failed" },
                    { EPOCH_COPIED, "the directory was copied, moved or restored" },
                    { EPOCH_DAMAGED, "records were damaged" } };
    struct draft draft = draft_make(JOURNAL_EPOCH);

    for (size_t i = 0; i < ARRAY_COUNT(reasons); i++)
        if ((op->reasons & reasons[i].reason) != 0)
            buf_add_format(&draft.detail, "%s%s", draft.detail.len > 0 ? "; " : "",
                           reasons[i].text);
    finish(journal, &draft);
}

static void on_op(struct journal *journal, const struct op *op)
{
    struct draft began;

    if (op->code != OP_PUT && op->code != OP_THREAD)
        end_run(journal);
    switch ((unsigned)op->code) {
    case OP_ACCOUNT:
        began = draft_make(JOURNAL_BEGAN);
        finish(journal, &began);
        break;
    case OP_MAILBOX_CREATE: on_create(journal, &op->as.mailbox); break;
    case OP_MAILBOX_RENAME: on_rename(journal, &op->as.mailbox); break;
    case OP_MAILBOX_DELETE: on_delete(journal, op->as.mailbox.id); break;
    case OP_PUT: on_put(journal, &op->as.put); break;
    case OP_FLAGS: on_flags(journal, &op->as.flags); break;
    case OP_COPY: on_copy(journal, &op->as.copy, false); break;
    case OP_MOVE: on_copy(journal, &op->as.copy, true); break;
    case OP_EXPUNGE: on_expunge(journal, &op->as.expunge); break;
    case OP_SUBSCRIBE: on_subscribe(journal, &op->as.setting); break;
    case OP_EPOCH: on_epoch(journal, &op->as.epoch); break;
    default: break;
    }
}

static enum err before_change(void *context, const struct state *state,
                              const struct log_record *record)
{
    struct journal *journal = context;
    struct op_walk walk = { .change = record->place };
    struct op op;

    journal->began = journal->began || record->number.value == 1;
    if (record->when.us < journal->options.since.us ||
        !op_origin_decode(record->payload, &journal->origin, &walk.ops))
        return ERR_OK;
    journal->state = state;
    journal->record = record;
    journal->fresh_count = 0;
    while (op_next(&walk, &op))
        on_op(journal, &op);
    end_run(journal);
    return ERR_OK;
}

enum err journal_read(struct journal *journal, uint64_t bytes, bool *out_done, struct note *why)
{
    struct history_options options = {
        .vfs = journal->options.vfs,
        .position = journal->options.position,
        .until = { INT64_MAX },
        .before = before_change,
        .context = journal,
    };
    bool done = false;
    enum err err;

    if (journal->history == NULL)
        err = history_open(&options, &journal->history, why);
    else
        err = history_step(journal->history, bytes, &done, why);
    if (err != ERR_OK)
        return err;
    if (done)
        journal->since = history_since(journal->history);
    *out_done = done;
    return ERR_OK;
}

const struct journal_entry *journal_entries(const struct journal *journal, size_t *out_count)
{
    *out_count = journal->count - journal->first;
    return journal->entries + journal->first;
}

void journal_clear(struct journal *journal)
{
    for (size_t i = journal->first; i < journal->count; i++)
        free(journal->entries[i].text);
    journal->first = 0;
    journal->count = 0;
}

uint64_t journal_position(const struct journal *journal)
{
    return journal->history == NULL ? 0 : history_position(journal->history);
}

bool journal_is_cut(const struct journal *journal)
{
    return !journal->began;
}

struct wall journal_since(const struct journal *journal)
{
    return journal->since;
}

void journal_free(struct journal *journal)
{
    if (journal == NULL)
        return;
    journal_clear(journal);
    history_close(journal->history);
    free(journal->entries);
    free(journal->fresh);
    free(journal);
}

const char *journal_kind_text(enum journal_kind kind)
{
    static const char *const texts[] = {
        [JOURNAL_BEGAN] = "began",           [JOURNAL_CREATED] = "created",
        [JOURNAL_RENAMED] = "renamed",       [JOURNAL_DELETED] = "deleted",
        [JOURNAL_ADDED] = "added",           [JOURNAL_UNDELETED] = "undeleted",
        [JOURNAL_FLAGGED] = "flagged",       [JOURNAL_COPIED] = "copied",
        [JOURNAL_MOVED] = "moved",           [JOURNAL_EXPUNGED] = "expunged",
        [JOURNAL_SUBSCRIBED] = "subscribed", [JOURNAL_UNSUBSCRIBED] = "unsubscribed",
        [JOURNAL_EPOCH] = "epoch",
    };

    return texts[kind];
}

const char *journal_protocol_text(enum protocol protocol)
{
    static const char *const texts[] = {
        [PROTOCOL_NONE] = "",       [PROTOCOL_IMAP] = "imap", [PROTOCOL_POP3] = "pop3",
        [PROTOCOL_LMTP] = "lmtp",   [PROTOCOL_SMTP] = "smtp", [PROTOCOL_ADMIN] = "admin",
        [PROTOCOL_STORE] = "store",
    };

    return (unsigned)protocol < ARRAY_COUNT(texts) ? texts[protocol] : "";
}
