/* What the files of this folder share: the session's state and who may change it. */
#ifndef ROOST_IMAP_LOGIN_INTERNAL_H
#define ROOST_IMAP_LOGIN_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/time.h"
#include "imap/login/login.h"
#include "imap/wire/command.h"
#include "imap/wire/frame.h"
#include "imap/wire/grammar.h"

enum imap_login_state {
    LOGIN_FRESH, /* the greeting is due */
    LOGIN_COMMAND, /* between commands, or within one */
    LOGIN_FIRST_LINE, /* AUTHENTICATE without initial response: the client's first message */
    LOGIN_NEXT_LINE, /* the client's answer to a challenge */
    LOGIN_LAST_LINE, /* the empty answer to the data that came with success */
    LOGIN_ASKING, /* the host has the request and owes an answer */
    LOGIN_CANCELLING, /* the host shall hear of it; then back to commands */
    LOGIN_ANSWERED, /* the host's answer is in verdict and answer */
    LOGIN_STARTING_TLS,
    LOGIN_HANDING_OFF,
    LOGIN_CLOSED,
};

struct imap_login {
    struct imap_login_options options;
    enum imap_login_state state;
    struct imap_framer framer;
    struct imap_grammar grammar;
    const struct exchange_mechanism *mechanism;
    struct bytes tag; /* in tag_space */
    uint8_t tag_space[IMAP_TAG_BYTES_MAX];
    struct buf data; /* of the request; secret */
    enum imap_login_request_kind request_kind;
    enum imap_login_verdict verdict;
    struct buf answer; /* the host's data */
    const char *bye; /* asked for by the host; NULL: not */
    uint32_t commands; /* counts against the limits of login.h */
    uint32_t literals;
    uint32_t bads;
    uint32_t failures;
    struct mono deadline; /* when it must have logged in; moved by what the host took */
    struct mono asked_at; /* when the host was asked */
    bool host_done; /* the host has answered since the last step */
};

/* A password may travel on this connection. */
static inline bool login_may_send_password(const struct imap_login *login)
{
    return login->options.tls || login->options.plaintext;
}

static inline bool login_may_run_login(const struct imap_login *login)
{
    return login->options.login && login_may_send_password(login);
}

/* command.c: a whole command, from the framer's bytes. */
void login_run_command(struct imap_login *login, struct bytes rest, struct buf *out);

/* command.c: a command that announces a literal; accepts it or answers. */
void login_meet_literal(struct imap_login *login, struct buf *out);

/* command.c: the names in a CAPABILITY response, with blanks between. */
void login_capabilities_print(struct buf *out, const struct imap_login *login);

/* exchange.c: AUTHENTICATE and LOGIN, behind their names; `cur` complains. */
MUST_USE bool login_run_authenticate(struct imap_login *login, struct cursor *cur,
                                     struct arena *arena, struct buf *out);
MUST_USE bool login_run_login(struct imap_login *login, struct cursor *cur, struct arena *arena,
                              struct buf *out);

/* exchange.c: a line of the exchange, from the framer's bytes; or one that is too long. */
void login_take_line(struct imap_login *login, struct buf *out);
void login_refuse_line(struct imap_login *login, struct buf *out);

/* exchange.c: what the host answered. */
void login_take_answer(struct imap_login *login, struct buf *out);

/* exchange.c: why LOGIN is refused, where login_may_run_login is false. */
void login_refuse_login(const struct imap_login *login, struct bytes tag, struct buf *out);

/* exchange.c: the AUTH= names, each with a blank in front. */
void login_mechanisms_print(struct buf *out, const struct imap_login *login);

/* login.c: BYE with `text`; nothing more is read. */
void login_close(struct imap_login *login, const char *text, struct buf *out);

/* login.c: a command was answered BAD; too many of them close. */
void login_count_bad(struct imap_login *login, struct buf *out);

/* login.c: one command more; false when that is one too many, and the session closed. */
MUST_USE bool login_count_command(struct imap_login *login, struct buf *out);

/* login.c: keeps the tag for an answer that comes later. */
void login_keep_tag(struct imap_login *login, struct bytes tag);

#endif
