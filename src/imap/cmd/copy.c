/* COPY (RFC 9051 section 6.4.7) and MOVE (section 6.4.8, RFC 6851), with COPYUID (RFC 4315). */
#include "imap/wire/copy.h"
#include "imap/cmd/runners.h"
#include "imap/handle.h"
#include "imap/selected.h"
#include "store/act.h"
#include "store/mailbox.h"

/* The code of COPYUID into `out`: sources, and as many consecutive UIDs from `first` on. RFC 4315
 * s3. */
static void print_copyuid(struct buf *out, struct mailbox *to, struct uid_set copied,
                          struct uid first)
{
    struct imap_seqset_printer printer = imap_seqset_printer_make(out);
    uint32_t count = 0;

    buf_add(out, BYTES("COPYUID "));
    buf_add_number(out, mailbox_uidvalidity(to));
    buf_add_byte(out, ' ');
    for (uint32_t i = 0; i < copied.count; i++) {
        const struct uid_range *range = &copied.ranges[i];

        count += range->last - range->first + 1;
        for (uint32_t uid = range->first; uid <= range->last; uid++)
            imap_seqset_printer_add(&printer, uid);
    }
    imap_seqset_printer_end(&printer);
    buf_add_byte(out, ' ');
    buf_add_number(out, first.value);
    if (count > 1) {
        buf_add_byte(out, ':');
        buf_add_number(out, first.value + count - 1);
    }
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

static enum imap_progress transfer(struct imap_session *session, struct imap_run *run,
                                   struct imap_handle *to, bool move)
{
    const struct imap_copy_args *args = run->args;
    struct imap_selected *selected = session->selected;
    struct origin origin = imap_origin(session);
    struct copy_act act = { .to = to->mailbox, .move = move };
    struct copy_result result;
    enum err err;

    err = imap_selected_resolve(session, run, &args->set, run->command.uid, &act.uids);
    if (err == ERR_INVALID)
        return imap_answer(run, IMAP_BAD, NULL, "No message has that sequence number");
    if (err != ERR_OK)
        return imap_answer_err(run, err);
    /* All or nothing (RFC 9051 section 6.4.7): what is gone cannot be copied. A UID that no message
     * has is no error. */
    if (!run->command.uid && imap_selected_any_is_gone(selected, act.uids))
        return imap_answer(run, IMAP_NO, "EXPUNGEISSUED", "Some messages are gone");
    err = act_copy(selected->handle.mailbox, &origin, &act, &run->arena, &result);
    if (err != ERR_OK)
        return imap_answer_err(run, err);
    if (result.copied.count > 0)
        print_copyuid(&run->code, to->mailbox, result.copied, result.first);
    return answer_copied(session, run, result.copied, move);
}

/* RFC 9051 s6.4.8 */
static enum imap_progress copy_or_move(struct imap_session *session, struct imap_run *run,
                                       bool move)
{
    const struct imap_copy_args *args = run->args;
    struct imap_handle to;
    enum imap_progress progress;
    enum err err;

    if (move && session->selected->read_only)
        return imap_answer(run, IMAP_NO, "READ-ONLY", "Mailbox is open read-only");
    if (imap_selected_is_lost(session, run))
        return IMAP_ENDED;
    err = imap_handle_open(session, &args->mailbox, &to);
    if (err == ERR_NOT_FOUND)
        return imap_answer(run, IMAP_NO, "TRYCREATE", "No such mailbox");
    if (err == ERR_INVALID)
        return imap_answer_name(session, run, &args->mailbox);
    if (err != ERR_OK)
        return imap_answer_err(run, err);
    progress = transfer(session, run, &to, move);
    imap_handle_close(&to);
    return progress;
}

enum imap_progress imap_copy_run(struct imap_session *session, struct imap_run *run)
{
    return copy_or_move(session, run, false);
}

enum imap_progress imap_move_run(struct imap_session *session, struct imap_run *run)
{
    return copy_or_move(session, run, true);
}
