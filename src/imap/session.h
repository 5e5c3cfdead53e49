/* An IMAP session after the login (RFC 9051, RFC 3501): bytes in, bytes out, no descriptor, no
 * clock.
 *
 * The host (daemon/mail, or a test) feeds what the client sent and lets out what the session
 * answered, when the account's log permits (store/account.h, commit gating). A step does a bounded
 * amount of work and says what it waits for; the host calls again when that has come, or when the
 * session's waker said so. Nothing here blocks. */
#ifndef ROOST_IMAP_SESSION_H
#define ROOST_IMAP_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/job.h"
#include "base/time.h"
#include "imap/wire/frame.h"
#include "imap/wire/grammar.h"

struct account;
struct imap_session;
struct search_texts;

enum imap_want {
    IMAP_WANT_INPUT, /* idle: more bytes from the client, or a wake */
    IMAP_WANT_TURN, /* used up its share: call again after the others */
    IMAP_WANT_WAKE, /* waits for the disk: call again after the waker was called */
    IMAP_WANT_DRAIN, /* output is above IMAP_OUTPUT_HIGH: call again when it has left */
    IMAP_WANT_HAND_BACK, /* UNAUTHENTICATE was answered: give the connection back to the gate */
    IMAP_WANT_CLOSE, /* let the output out, then close */
};

enum {
    IMAP_OUTPUT_STEP = 112 * 1024, /* a step stops after about this much output of its own */
    IMAP_OUTPUT_HIGH = 128 * 1024, /* and none begins when `out` holds this much */
    IMAP_MESSAGES_STEP = 1000, /* or after looking at this many messages one by one */
    IMAP_READ_STEP = 1024 * 1024, /* or after reading this much that is not sent */
    IMAP_COMMANDS_STEP = 32, /* or after answering this many commands, large ones count more */
};

struct imap_session_limits {
    struct imap_frame_limits frame; /* of commands and of literals held in memory */
    struct imap_grammar_limits grammar;
    uint64_t message_bytes_max; /* of one APPEND; APPENDLIMIT (RFC 7889) */
    uint32_t append_messages_max; /* of one MULTIAPPEND */
    uint64_t
        append_small_bytes_max; /* of those of them that wait in memory: BODY_INLINE_BYTES_MAX */
    uint32_t bad_commands_max; /* in a row; then BYE */
    size_t command_arena_bytes_max; /* memory that one command may take */
    int64_t idle_ms_max; /* autologout, at least 30 minutes (RFC 9051 section 5.4) */
    bool unauthenticate; /* may a client log out and stay connected (RFC 8437)? */
};

/* What a server without settings has. */
extern const struct imap_session_limits imap_session_limits_default;

struct imap_session_options {
    struct account *account; /* open; belongs to the calling thread; outlives the session */
    struct bytes user; /* its name, copied */
    uint64_t number; /* of the session, in logs and records */
    const struct imap_session_limits *limits; /* borrowed for the session's life */
    struct waker *waker; /* called when a step is worth trying again */
    struct search_texts *texts; /* the thread's (search/texts.h), borrowed; NULL: none */
    bool tls;
};

/* `tag` is that of the LOGIN or AUTHENTICATE that succeeded; the session answers it with the first
 * step. Never NULL. */
struct imap_session *imap_session_new(const struct imap_session_options *options, struct bytes tag);

/* Ends it at any point: pending acts have happened or not at all, and the waker is not called any
 * more. NULL is allowed. */
void imap_session_free(struct imap_session *session);

struct imap_now {
    struct mono mono;
    struct wall wall;
};

/* Takes bytes from `in` (*out_used of them; the rest is to be offered again), appends answers to
 * `out`. May be called at any time, also with no input. */
MUST_USE enum imap_want imap_session_step(struct imap_session *session, struct bytes in,
                                          struct imap_now now, size_t *out_used, struct buf *out);

/* When the session must be stepped even if nothing happens: autologout of a client that owes input,
 * or that does not read what it asked for. */
struct mono imap_session_deadline(const struct imap_session *session);

/* True when it should have ended already: its time is over, or it keeps more of the past of its
 * mailbox than it may (store/view.h, view_is_overdue). A step says BYE; a client that does not read
 * is not stepped, and is to be dropped. */
bool imap_session_is_overdue(const struct imap_session *session, struct mono now);

/* The server ends: untagged BYE with `text` (static), then IMAP_WANT_CLOSE at the next step. A
 * command that runs is broken off unanswered. */
void imap_session_bye(struct imap_session *session, const char *text);

/* Why the server said BYE (static), NULL when it was the client that wanted to go. For the log. */
const char *imap_session_farewell(const struct imap_session *session);

#endif
