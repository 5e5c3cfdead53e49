/* Tagged answers: from the run's outcome and from the store's errors. */
#include "imap/answer.h"

#include "base/log.h"
#include "imap/state.h"
#include "imap/wire/mailbox.h"
#include "store/account.h"
#include "store/act.h"
#include "store/acting.h"

/* RFC 9051 s6.1.1, s7.2.2, s9; RFC 2342 s4; RFC 3348 s3; RFC 3516 s4.1; RFC 5032 s2; RFC 5182
 * s2; RFC 5255 s4.3; RFC 5256 s7; RFC 6154 s2, s3; RFC 7162 s3.2.2, s3.2.3; RFC 8474 s3; RFC 8514
 * s4.1. */
static const char capabilities[] =
    "IMAP4rev2 IMAP4rev1 LITERAL+ ENABLE ID NAMESPACE IDLE UNSELECT UIDPLUS MOVE BINARY ESEARCH "
    "SEARCHRES LIST-EXTENDED LIST-STATUS SPECIAL-USE CREATE-SPECIAL-USE CHILDREN STATUS=SIZE "
    "SORT SORT=DISPLAY ESORT THREAD=ORDEREDSUBJECT THREAD=REFERENCES "
    "MULTIAPPEND CONDSTORE QRESYNC WITHIN OBJECTID PREVIEW SAVEDATE I18NLEVEL=1 APPENDLIMIT=";

/* RFC 9051 s6.3.1; RFC 5161 s3.1. */
void imap_capabilities_print(struct buf *out, const struct imap_session *session)
{
    buf_add_string(out, capabilities);
    buf_add_number(out, session->limits->message_bytes_max);
    if (session->limits->unauthenticate)
        buf_add(out, BYTES(" UNAUTHENTICATE"));
}

enum imap_progress imap_answer(struct imap_run *run, enum imap_condition condition,
                               const char *code, const char *text)
{
    run->condition = condition;
    run->text = text;
    if (code != NULL) {
        buf_clear(&run->code);
        buf_add_string(&run->code, code);
    }
    return IMAP_ENDED;
}

enum imap_progress imap_answer_err(struct imap_run *run, enum err err)
{
    run->err = err;
    switch (err) {
    case ERR_OK: return imap_answer(run, IMAP_OK, NULL, "Done");
    case ERR_NOT_FOUND: return imap_answer(run, IMAP_NO, "NONEXISTENT", "No such mailbox");
    case ERR_EXISTS: return imap_answer(run, IMAP_NO, "ALREADYEXISTS", "Mailbox exists already");
    case ERR_LIMIT: return imap_answer(run, IMAP_NO, "LIMIT", "A limit of this server is reached");
    case ERR_OVER_QUOTA: return imap_answer(run, IMAP_NO, "OVERQUOTA", "Mail store is full");
    case ERR_CORRUPT:
        return imap_answer(run, IMAP_NO, "CORRUPTION", "Stored data is damaged; it was reported");
    case ERR_DENIED: return imap_answer(run, IMAP_NO, "NOPERM", "Not permitted");
    case ERR_CONFLICT: return imap_answer(run, IMAP_NO, "CANNOT", "Not possible as things stand");
    case ERR_BUSY: return imap_answer(run, IMAP_NO, "INUSE", "In use, try again");
    case ERR_INVALID: return imap_answer(run, IMAP_NO, "CANNOT", "Not possible");
    case ERR_UNSUPPORTED: return imap_answer(run, IMAP_NO, "CANNOT", "Not supported");
    case ERR_NO_SPACE:
        return imap_answer(run, IMAP_NO, "UNAVAILABLE", "The server's disk is full, try later");
    case ERR_IO: break;
    case ERR_CLOSED: break;
    }
    return imap_answer(run, IMAP_NO, "UNAVAILABLE", "The mail store failed, try later");
}

enum imap_progress imap_answer_limit(struct imap_run *run, uint64_t max, const char *what)
{
    const char *text = arena_format(&run->arena, "At most %llu %s", (unsigned long long)max, what);

    return imap_answer(run, IMAP_NO, "LIMIT", text != NULL ? text : what);
}

enum imap_progress imap_answer_name(const struct imap_session *session, struct imap_run *run,
                                    const struct imap_mailbox *name)
{
    const struct imap_grammar_limits *limits = session->grammar.limits;

    if (name->refusal == IMAP_NAME_TOO_DEEP)
        return imap_answer_limit(run, limits->mailbox_depth_max, "levels in a mailbox name");
    if (name->refusal == IMAP_NAME_LEVEL_TOO_LONG)
        return imap_answer_limit(run, limits->mailbox_component_bytes_max,
                                 "bytes of UTF-8 in a level of a mailbox name");
    if (name->refusal == IMAP_NAME_TOO_LONG)
        return imap_answer_limit(run, limits->mailbox_bytes_max,
                                 "bytes of UTF-8 in a mailbox name");
    return imap_answer(run, IMAP_NO, "CANNOT", imap_name_refusal_text(name->refusal));
}

/* What is no fault of the client is the administrator's business. */
static void report(const struct imap_session *session, const struct imap_run *run)
{
    struct log_line line;

    if (run->err != ERR_NO_SPACE && run->err != ERR_IO && run->err != ERR_CORRUPT)
        return;
    log_begin(&line, run->err == ERR_NO_SPACE ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR,
              "command-failed");
    log_number(&line, "session", (int64_t)session->number);
    log_bytes(&line, "account", buf_bytes(&session->user));
    log_string(&line, "command", run->verb->name);
    log_string(&line, "why", err_text(run->err));
    log_end(&line);
}

void imap_answer_send(struct imap_session *session, struct imap_run *run)
{
    report(session, run);
    if (run->code.len == 0) {
        imap_respond(session->out, run->command.tag, run->condition, NULL, run->text);
        return;
    }
    imap_respond_code_begin(session->out, run->command.tag, run->condition);
    buf_add(session->out, buf_bytes(&run->code));
    imap_respond_code_end(session->out, run->text);
}

void imap_answer_login(struct imap_session *session)
{
    imap_respond_code_begin(session->out, buf_bytes(&session->login_tag), IMAP_OK);
    buf_add(session->out, BYTES("CAPABILITY "));
    imap_capabilities_print(session->out, session);
    imap_respond_code_end(session->out, "Logged in");
    buf_done(&session->login_tag);
}

enum imap_progress imap_act_begun(struct imap_session *session, struct imap_run *run)
{
    run->act = act_take(session->account);
    if (session->waker != NULL)
        account_wait(session->account, session->waker);
    return IMAP_BLOCKED;
}

enum err imap_act_end(struct imap_run *run)
{
    enum err err = act_end(run->act);

    if (err != ERR_BUSY)
        run->act = NULL;
    return err;
}

struct origin imap_origin(const struct imap_session *session)
{
    return (struct origin){
        .protocol = PROTOCOL_IMAP,
        .session = session->number,
        .actor = buf_bytes(&session->user),
        .now = session->now.wall,
    };
}

void *imap_state_new(struct imap_run *run, size_t len)
{
    run->state = arena_alloc(&run->arena, len);
    return run->state;
}
