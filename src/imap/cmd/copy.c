/* COPY (RFC 9051 section 6.4.7) and MOVE (section 6.4.8, RFC 6851), with COPYUID (RFC 4315). */
#include "imap/wire/copy.h"
#include "imap/cmd/runners.h"
#include "imap/handle.h"
#include "imap/selected.h"
#include "store/act.h"
#include "store/mailbox.h"
#include "store/uid_set.h"

struct copy_state {
    struct imap_handle to;
    struct copy_act act;
    struct copy_result result;
    struct imap_seqset_printer printer; /* of COPYUID's sources */
    uint32_t printed; /* ranges of them */
};

/* The code of COPYUID: sources, and as many consecutive UIDs. Some of it; true when it is whole.
 * RFC 4315 s3. */
static bool print_copyuid(struct imap_run *run, struct copy_state *state)
{
    enum { RANGES_STEP = 16 * IMAP_MESSAGES_STEP };
    struct uid_set copied = state->result.copied;
    uint32_t first = state->result.first.value;
    uint32_t end =
        copied.count - state->printed < RANGES_STEP ? copied.count : state->printed + RANGES_STEP;
    struct buf *out = &run->code;
    uint32_t count;

    if (state->printed == 0) {
        buf_add(out, BYTES("COPYUID "));
        buf_add_number(out, mailbox_uidvalidity(state->to.mailbox));
        buf_add_byte(out, ' ');
        state->printer = imap_seqset_printer_make(out);
    }
    for (; state->printed < end; state->printed++) {
        const struct uid_range *range = &copied.ranges[state->printed];

        imap_seqset_printer_add_range(&state->printer, range->first, range->last);
    }
    if (end < copied.count)
        return false;
    imap_seqset_printer_end(&state->printer);
    count = (uint32_t)uid_set_span(copied);
    buf_add_byte(out, ' ');
    buf_add_number(out, first);
    if (count > 1) {
        buf_add_byte(out, ':');
        buf_add_number(out, first + count - 1);
    }
    return true;
}

/* RFC 9051 s6.4.8 */
static enum imap_progress answer_copied(struct imap_session *session, struct imap_run *run,
                                        struct uid_set copied, bool move)
{
    if (!move)
        return imap_answer(run, IMAP_OK, NULL, "COPY done");
    /* MOVE tells COPYUID before the EXPUNGE responses (RFC 6851 section 4.3). */
    if (copied.count > 0) {
        imap_respond_code_begin(session->out, IMAP_UNTAGGED, IMAP_OK);
        buf_add(session->out, buf_bytes(&run->code));
        imap_respond_code_end(session->out, "Moved");
        buf_clear(&run->code);
    }
    return imap_answer(run, IMAP_OK, NULL, "MOVE done");
}

/* The act has answered. */
static enum imap_progress go_on(struct imap_session *session, struct imap_run *run, enum err err)
{
    struct copy_state *state = run->state;

    if (err == ERR_BUSY)
        return run->act == NULL ? imap_act_begun(session, run) : IMAP_BLOCKED;
    if (err != ERR_OK)
        return imap_answer_err(run, err);
    if (state->result.copied.count > 0 && !print_copyuid(run, state))
        return IMAP_AGAIN;
    return answer_copied(session, run, state->result.copied, state->act.move);
}

static enum imap_progress transfer(struct imap_session *session, struct imap_run *run)
{
    const struct imap_copy_args *args = run->args;
    struct imap_selected *selected = session->selected;
    struct origin origin = imap_origin(session);
    struct copy_state *state = run->state;
    enum err err;

    err = imap_selected_resolve(session, run, &args->set, run->command.uid, &state->act.uids);
    if (err == ERR_INVALID)
        return imap_answer(run, IMAP_BAD, NULL, "No message has that sequence number");
    if (err != ERR_OK)
        return imap_answer_err(run, err);
    /* All or nothing (RFC 9051 section 6.4.7): what is gone cannot be copied. A UID that no message
     * has is no error. */
    if (!run->command.uid && imap_selected_any_is_gone(selected, state->act.uids))
        return imap_answer(run, IMAP_NO, "EXPUNGEISSUED", "Some messages are gone");
    err = act_copy(selected->handle.mailbox, &origin, &state->act, &run->arena, &state->result);
    return go_on(session, run, err);
}

static void release(struct imap_run *run)
{
    struct copy_state *state = run->state;

    imap_handle_close(&state->to);
}

/* RFC 9051 s6.4.8 */
static enum imap_progress begin(struct imap_session *session, struct imap_run *run, bool move)
{
    const struct imap_copy_args *args = run->args;
    struct copy_state *state;
    enum err err;

    if (move && session->selected->read_only)
        return imap_answer(run, IMAP_NO, "READ-ONLY", "Mailbox is open read-only");
    if (imap_selected_is_lost(session, run))
        return IMAP_ENDED;
    state = imap_state_new(run, sizeof(*state));
    if (state == NULL)
        return imap_answer_err(run, ERR_LIMIT);
    run->release = release;
    err = imap_handle_open(session, &args->mailbox, &state->to);
    if (err == ERR_NOT_FOUND)
        return imap_answer(run, IMAP_NO, "TRYCREATE", "No such mailbox");
    if (err == ERR_INVALID)
        return imap_answer_name(session, run, &args->mailbox);
    if (err != ERR_OK)
        return imap_answer_err(run, err);
    state->act.to = state->to.mailbox;
    state->act.move = move;
    return transfer(session, run);
}

static enum imap_progress copy_or_move(struct imap_session *session, struct imap_run *run,
                                       bool move)
{
    if (run->state == NULL)
        return begin(session, run, move);
    return go_on(session, run, run->act == NULL ? ERR_OK : imap_act_end(run));
}

enum imap_progress imap_copy_run(struct imap_session *session, struct imap_run *run)
{
    return copy_or_move(session, run, false);
}

enum imap_progress imap_move_run(struct imap_session *session, struct imap_run *run)
{
    return copy_or_move(session, run, true);
}
