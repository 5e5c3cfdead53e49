/* What a session is made of, for the files of this room and of imap/cmd only.
 *
 * One command runs at a time. A runner (imap_runner) does a bounded piece, keeps its place in
 * `run->state` and says what it waits for; its tagged answer is set with imap_answer and sent by
 * the session after the news of the selected mailbox (RFC 9051 section 7). */
#ifndef ROOST_IMAP_STATE_H
#define ROOST_IMAP_STATE_H

#include "base/arena.h"
#include "base/err.h"
#include "imap/session.h"
#include "imap/wire/command.h"
#include "imap/wire/frame.h"
#include "imap/wire/grammar.h"
#include "imap/wire/respond.h"
#include "store/types.h"

struct act;
struct imap_mailbox;
struct imap_run;
struct imap_selected;
struct mailbox;
struct search_texts;

enum imap_progress {
    IMAP_ENDED, /* imap_answer was called */
    IMAP_AGAIN, /* did its share, has more to do */
    IMAP_BLOCKED, /* waits for the session's waker */
    IMAP_NEEDS_INPUT, /* wants more of session->in */
};

typedef enum imap_progress imap_runner(struct imap_session *session, struct imap_run *run);

enum imap_state_bits {
    IMAP_IN_AUTHENTICATED = 1,
    IMAP_IN_SELECTED = 2,
    IMAP_IN_ANY = 3,
};

enum imap_verb_traits {
    IMAP_KEEPS_SEQNOS = 1, /* no EXPUNGE while it runs, unless in its UID form (s7.5.1) */
    IMAP_TELLS_ITSELF = 2, /* the session adds no news before the tagged answer */
    IMAP_STREAMS = 4, /* takes its literals itself: begins at the first announcement */
    IMAP_FORM_UID = 8, /* this row is the UID form */
    IMAP_CHANGES_MANY = 16, /* may change every message in one act */
};

struct imap_verb {
    const char *name;
    unsigned states; /* enum imap_state_bits */
    unsigned traits;
    imap_args_parser *parse;
    imap_runner *run;
};

/* The table; NULL when there is no such command. */
const struct imap_verb *imap_verb_find(struct bytes name, bool uid);

/* One command from its first byte to its tagged answer. */
struct imap_run {
    const struct imap_verb *verb; /* NULL: none runs */
    bool ended; /* the runner has; what is left is news and the tagged answer */
    bool has_looked; /* for the news that go before the tagged answer */
    struct imap_command command;
    const void *args;
    void *state; /* the runner's own, from the arena; NULL at its first call */
    void (*release)(struct imap_run *run); /* frees what is not arena memory; may be NULL */
    struct act *act; /* goes on: see imap_act_begun */
    enum imap_condition condition;
    struct buf code; /* response code without brackets; empty: none */
    const char *text;
    enum err err; /* that the answer was made from */
    struct modseq silent; /* of this command's own change: not told as news */
    bool keeps_seqnos; /* as IMAP_KEEPS_SEQNOS, of a UID form that names messages by number */
    struct arena arena;
};

struct imap_session {
    struct account *account;
    const struct imap_session_limits *limits;
    struct waker *waker;
    struct search_texts *texts;
    struct buf user;
    uint64_t number;
    struct imap_grammar grammar;
    struct imap_framer framer;
    struct imap_run run;
    struct imap_selected *selected; /* NULL: in authenticated state */
    struct buf login_tag; /* to be answered by the first step */
    struct mono active; /* when the session last had something to do */
    enum imap_want want; /* of the last step */
    const char *bye; /* BYE to be sent; static text */
    unsigned bad_commands; /* in a row */
    bool condstore; /* FETCH responses bear MODSEQ (RFC 7162 section 3.1) */
    bool qresync; /* VANISHED takes the place of EXPUNGE (RFC 7162 section 3.2.3) */
    bool tls;
    bool ended; /* LOGOUT or BYE is in the output, or there was no place for BYE */
    bool line_open; /* the output ends within a response: nothing but its rest may follow */
    bool hand_back;
    /* set for the time of one step */
    struct bytes in;
    struct buf *out;
    size_t out_before; /* what the output held when the step began */
    size_t read_left; /* to be read without being sent */
    unsigned commands_left; /* to be answered in this step */
    struct imap_now now;
};

/* Sets the tagged answer and says IMAP_ENDED: `return imap_answer(run, IMAP_OK, NULL, "Done");`.
 * `code` is without brackets or NULL (then run->code, when the command has filled it); texts are
 * static. */
enum imap_progress imap_answer(struct imap_run *run, enum imap_condition condition,
                               const char *code, const char *text);

/* The one place where errors of the store become protocol text (RFC 5530). */
enum imap_progress imap_answer_err(struct imap_run *run, enum err err);

/* NO [LIMIT] "At most 60 keywords in one mailbox". `what` is static. */
enum imap_progress imap_answer_limit(struct imap_run *run, uint64_t max, const char *what);

/* NO with why a mailbox of that name cannot be made: CANNOT or LIMIT (RFC 5530 section 3). */
enum imap_progress imap_answer_name(const struct imap_session *session, struct imap_run *run,
                                    const struct imap_mailbox *name);

/* For a runner whose act answered ERR_BUSY: `return imap_act_begun(session, run);`. It is called
 * again once the act is over, finds run->act set, and asks imap_act_end how it ended. */
enum imap_progress imap_act_begun(struct imap_session *session, struct imap_run *run);
MUST_USE enum err imap_act_end(struct imap_run *run);

/* Who makes the change, for acts. Borrows from the session. */
struct origin imap_origin(const struct imap_session *session);

/* `len` zeroed bytes for run->state. NULL over budget: answer ERR_LIMIT. */
void *imap_state_new(struct imap_run *run, size_t len);

/* Counts what was read and not sent; true when this step has read its share. */
bool imap_read_is_spent(struct imap_session *session, uint64_t bytes);

/* True when this step has put out its share. */
bool imap_output_is_full(const struct imap_session *session);

#endif
