/* verify: reads every record of the account's log and says what does not hold.
 *
 * No arguments. Lines, after all has been read, in the order of the segments:
 *   {"damage":{"segment":"log/0000000000000004.log","offset":8192,"length":112,"kind":"change",
 *              "number":7,"time":1700000000,"messages":2}}
 *       what was found, and how many messages it costs that are there now; `number` (of a change,
 *       id of a body) and `time` only where the record tells; "known":true when an opening of the
 *       account has met it before; "changes_lost":[7,9] when changes of those numbers went with it,
 *       or may have: what came by them is not among `messages`
 *   {"message":{"mailbox":"INBOX","uid":5}}
 *       behind its damage: one of those messages
 *   {"derived":{"file":"checkpoint","holds":true}}
 *       never damage: it is made anew when needed
 * Progress counts bytes. Result: {"bytes", "segments", "records", "messages" (of the mailboxes),
 * "bodies" (among the records), "damaged" (findings), "messages_damaged"}. */
#include "maintain/verb.h"

#include <stdlib.h>

#include "store/account.h"
#include "store/mailbox.h"
#include "store/segment.h"
#include "store/verify_messages.h"

enum {
    PIECE_BYTES = 8 * 1024 * 1024, /* one job */
    LINES_BYTES = 12 * 1024, /* of one step, before the last line: that may name a mailbox */
};

struct state {
    struct vfs *vfs;
    struct account_id account;
    struct verify *verify;
    enum err err;
    struct note why;
    bool has_read; /* at least one piece */
    struct verify_cursor cursor;
    struct verify_message messages[VERIFY_MESSAGES_MAX]; /* with the job */
    size_t message_count;
    struct verify_derived derived;
    size_t told; /* findings */
    size_t told_losses;
};

static enum err begin(struct maintain *act, const json_t *arguments, struct note *why)
{
    struct state *state = maintain_alloc(sizeof(*state));

    (void)arguments;
    (void)why;
    state->vfs = act->vfs;
    state->account = account_id(act->account);
    state->verify = verify_new(act->vfs, verify_extent_of(act->account));
    act->state = state;
    return ERR_OK;
}

/* Jobs. */

static void read_piece(void *context)
{
    struct state *state = context;

    state->has_read = true;
    state->err = verify_read(state->verify, PIECE_BYTES, &state->why);
}

static void look_at_messages(void *context)
{
    struct state *state = context;

    state->err = verify_messages(state->verify, state->messages, state->message_count, &state->why);
}

static void look_at_derived(void *context)
{
    struct state *state = context;

    verify_look_at_derived(state->vfs, state->account, &state->derived);
}

/* Bodies that were not where they should be: those that were moved meanwhile are looked at again.
 */
static size_t sort_out_gone(const struct maintain *act)
{
    struct state *state = act->state;
    size_t again = 0;

    for (size_t i = 0; i < state->message_count; i++) {
        struct verify_message *message = &state->messages[i];

        if (!message->is_gone)
            continue;
        switch (verify_take_again(act->account, message)) {
        case VERIFY_MOVED: state->messages[again++] = *message; break;
        case VERIFY_THE_SAME: verify_lose(state->verify, message); break;
        case VERIFY_NO_MORE: break;
        }
    }
    return again;
}

/* True when there is a piece to be looked at. */
static bool take_messages(const struct maintain *act)
{
    struct state *state = act->state;
    size_t count = sort_out_gone(act);

    if (!state->cursor.done)
        count += verify_take(act->account, &state->cursor, state->messages + count,
                             VERIFY_MESSAGES_MAX - count);
    state->message_count = count;
    return count > 0;
}

/* Lines. */

static void tell_finding(struct buf *out, const struct verify_finding *finding)
{
    char path[SEGMENT_PATH_BYTES];
    json_t *damage;

    segment_path(finding->segment, path);
    damage = json_pack("{s:s, s:I, s:I, s:s, s:I}", "segment", path, "offset",
                       (json_int_t)finding->offset, "length", (json_int_t)finding->length, "kind",
                       verify_kind_text(finding->kind), "messages", (json_int_t)finding->messages);
    if (finding->number != 0)
        (void)json_object_set_new(damage, "number", json_integer((json_int_t)finding->number));
    if (finding->when.us != 0)
        (void)json_object_set_new(damage, "time",
                                  json_integer((json_int_t)wall_seconds(finding->when)));
    if (finding->is_known)
        (void)json_object_set_new(damage, "known", json_true());
    if (finding->change_first != 0)
        (void)json_object_set_new(damage, "changes_lost",
                                  json_pack("[I, I]", (json_int_t)finding->change_first,
                                            (json_int_t)finding->change_last));
    maintain_put(out, json_pack("{s:o}", "damage", damage));
}

/* Its mailbox may have gone since. */
static void tell_loss(const struct maintain *act, struct buf *out, const struct verify_loss *loss)
{
    const struct mailbox *mailbox = mailbox_find_id(act->account, loss->mailbox);
    struct bytes name = mailbox == NULL ? BYTES("") : mailbox_name(mailbox);

    maintain_put(out, json_pack("{s:{s:o, s:I}}", "message", "mailbox", maintain_text(name), "uid",
                                (json_int_t)loss->uid.value));
}

/* Some of the findings, each with its messages; true when all are told. */
static bool tell_some(const struct maintain *act, struct buf *out)
{
    struct state *state = act->state;
    size_t finding_count;
    size_t loss_count;
    const struct verify_finding *findings = verify_findings(state->verify, &finding_count);
    const struct verify_loss *losses = verify_losses(state->verify, &loss_count);
    size_t begin_len = out->len;

    while (out->len - begin_len < LINES_BYTES) {
        if (state->told_losses < loss_count && losses[state->told_losses].finding < state->told)
            tell_loss(act, out, &losses[state->told_losses++]);
        else if (state->told < finding_count)
            tell_finding(out, &findings[state->told++]);
        else
            return true;
    }
    return false;
}

static void tell_derived(struct buf *out, const char *file, bool holds)
{
    maintain_put(out, json_pack("{s:{s:s, s:b}}", "derived", "file", file, "holds", (int)holds));
}

static enum maintain_want sum_up(struct maintain *act, struct buf *out)
{
    struct state *state = act->state;
    struct verify_counts counts = verify_counts(state->verify);

    if (state->derived.has_checkpoint)
        tell_derived(out, "checkpoint", state->derived.checkpoint_holds);
    if (state->derived.summaries.is_there)
        tell_derived(out, "summary", state->derived.summaries.holds);
    return maintain_succeed(
        act, out,
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "bytes", (json_int_t)counts.bytes,
                  "segments", (json_int_t)counts.segments, "records", (json_int_t)counts.records,
                  "bodies", (json_int_t)counts.bodies, "messages", (json_int_t)counts.messages,
                  "damaged", (json_int_t)counts.findings, "messages_damaged",
                  (json_int_t)counts.losses));
}

static enum maintain_want step(struct maintain *act, struct buf *out)
{
    struct state *state = act->state;
    struct verify_counts counts = verify_counts(state->verify);

    if (state->err != ERR_OK)
        return maintain_fail(act, state->err, "%s", state->why.text);
    if (!verify_is_done(state->verify)) {
        if (state->has_read)
            maintain_progress(out, counts.bytes, counts.bytes_total);
        maintain_run(act, read_piece);
        return MAINTAIN_WAIT;
    }
    if (take_messages(act)) {
        maintain_run(act, look_at_messages);
        return MAINTAIN_WAIT;
    }
    if (!state->derived.done) {
        maintain_run(act, look_at_derived);
        return MAINTAIN_WAIT;
    }
    return tell_some(act, out) ? sum_up(act, out) : MAINTAIN_AGAIN;
}

static void end(struct maintain *act)
{
    struct state *state = act->state;

    verify_free(state->verify);
    free(state);
}

const struct maintain_verb maintain_verb_verify = {
    .name = "verify",
    .has_time = true,
    .begin = begin,
    .step = step,
    .end = end,
};
