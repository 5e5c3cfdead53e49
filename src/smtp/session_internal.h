/* What session.c (the flow) and session_commands.c (the verbs) share. */
#ifndef ROOST_SMTP_SESSION_INTERNAL_H
#define ROOST_SMTP_SESSION_INTERNAL_H

#include "base/arena.h"
#include "smtp/content.h"
#include "smtp/session.h"
#include "smtp/wire.h"

enum { SMTP_NAME_BYTES_MAX = 1024, SMTP_ID_BYTES_MAX = 48 };

enum smtp_phase {
    SMTP_PHASE_GREETING,
    SMTP_PHASE_COMMAND,
    SMTP_PHASE_DATA,
    SMTP_PHASE_BDAT,
    SMTP_PHASE_DELIVER,
    SMTP_PHASE_TLS,
    SMTP_PHASE_CLOSED,
};

struct smtp_recipient {
    struct bytes address;
    struct bytes folder;
    bool answered;
    enum smtp_verdict verdict;
    uint32_t token; /* the host's */
};

/* Recipients that the host looks up, in the order in which they are answered. */
struct smtp_asking {
    struct smtp_recipient at[SMTP_ASKED_MAX]; /* a ring */
    unsigned first;
    unsigned count;
    unsigned told; /* of those: the host has heard of them */
};

/* MAIL, RCPT, DATA: one message. Memory of `arena`, but for the array. */
struct smtp_transaction {
    bool begun; /* MAIL was accepted */
    bool utf8;
    struct bytes sender;
    uint64_t announced; /* SIZE=, 0: none */
    struct arena arena;
    struct smtp_recipient *recipients;
    size_t count;
    size_t capacity;
    struct smtp_asking asking;
    bool has_content; /* DATA, or a BDAT, was accepted */
    bool chunked; /* by BDAT */
    bool last_chunk;
    uint64_t size; /* bytes stored so far */
    uint64_t chunk_left; /* of this BDAT */
    uint64_t chunk_size;
    enum smtp_verdict fault; /* ACCEPTED: none. What comes after one is thrown away */
    struct smtp_content content;
    size_t printed; /* recipients whose delivery has been answered */
};

struct smtp_session {
    enum smtp_phase phase;
    struct mono deadline;
    bool host_asked; /* the want of this phase has been returned */
    bool bye;
    bool output_waits; /* for the client to read; the deadline counts from then on */
    bool local;
    bool starttls;
    bool line_too_long; /* the rest of it is skipped */
    bool line_waits; /* `line` is complete; what came before is to be answered first */
    bool input_follows; /* behind the command that runs */
    unsigned errors;
    uint64_t session;
    uint64_t messages; /* transactions begun */
    uint64_t size_max;
    size_t recipients_max;
    int64_t timeout_ms;
    struct buf line; /* the beginning of a command line */
    struct buf host;
    struct buf address;
    struct buf tls_facts; /* not empty: TLS */
    struct buf hello; /* empty: not said */
    struct bytes chunk; /* for the host, while host_asked in DATA and BDAT */
    struct smtp_transaction mail;
    char id[SMTP_ID_BYTES_MAX];
};

/* Runs one command; `line` without its CRLF. */
void smtp_command_run(struct smtp_session *session, struct bytes line, struct buf *out);

/* Forgets the message, not the greeting. */
void smtp_transaction_reset(struct smtp_session *session);

/* Answers to recipients are not known yet: whatever else is to be said comes after them. */
static inline bool smtp_is_asking(const struct smtp_session *session)
{
    return session->mail.asking.count > 0;
}

/* A reply that counts as an error of the client. */
void smtp_refuse(struct smtp_session *session, struct buf *out, const char *text);

#endif
