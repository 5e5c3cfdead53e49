/* AUTHENTICATE and LOGIN: the client's side of a SASL exchange (RFC 9051 s6.2.2, s6.2.3; RFC 4422;
 * RFC 4959). What the messages mean is the host's business. */
#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "imap/login/internal.h"
#include "imap/wire/login.h"
#include "imap/wire/respond.h"

enum { LINE_ARENA_BYTES = 16 * 1024 };

struct exchange_mechanism {
    struct bytes name;
    const char *capability;
    size_t option; /* offset of the bool that offers it */
    bool plaintext; /* the password itself travels */
    bool binding; /* needs a channel binding */
};

#define OPTION(name) offsetof(struct imap_login_options, name)

/* RFC 9051 s6.1.1 */
static const struct exchange_mechanism mechanisms[] = {
    { BYTES("PLAIN"), " AUTH=PLAIN", OPTION(plain), true, false },
    { BYTES("SCRAM-SHA-256"), " AUTH=SCRAM-SHA-256", OPTION(scram), false, false },
    { BYTES("SCRAM-SHA-256-PLUS"), " AUTH=SCRAM-SHA-256-PLUS", OPTION(scram_plus), false, true },
};

/* RFC 4616 s1; RFC 5802 s6; RFC 7677 s4. */
static bool is_offered(const struct imap_login *login, const struct exchange_mechanism *mechanism)
{
    const struct imap_login_options *options = &login->options;

    return *(const bool *)((const char *)options + mechanism->option) &&
           (!mechanism->plaintext || login_may_send_password(login)) &&
           (!mechanism->binding || (options->tls && options->channel_binding));
}

void login_mechanisms_print(struct buf *out, const struct imap_login *login)
{
    for (size_t i = 0; i < ARRAY_COUNT(mechanisms); i++)
        if (is_offered(login, &mechanisms[i]))
            buf_add_string(out, mechanisms[i].capability);
}

static const struct exchange_mechanism *find_mechanism(struct bytes name)
{
    for (size_t i = 0; i < ARRAY_COUNT(mechanisms); i++)
        if (bytes_equal_nocase(mechanisms[i].name, name))
            return &mechanisms[i];
    return NULL;
}

/* Decoded secrets lie in an arena, which does not clear what it frees. */
static void wipe_bytes(struct bytes secret)
{
    if (secret.len > 0)
        explicit_bzero((void *)(uintptr_t)secret.at, secret.len);
}

static void ask(struct imap_login *login, enum imap_login_request_kind kind)
{
    login->request_kind = kind;
    login->state = LOGIN_ASKING;
}

static void refuse_plaintext(struct bytes tag, struct buf *out)
{
    imap_respond(out, tag, IMAP_NO, "PRIVACYREQUIRED", "Start TLS before you log in");
}

void login_refuse_login(const struct imap_login *login, struct bytes tag, struct buf *out)
{
    if (login->options.login)
        refuse_plaintext(tag, out);
    else
        imap_respond(out, tag, IMAP_NO, "CANNOT", "LOGIN is not offered here");
}

/* RFC 4959 s3 */
bool login_run_authenticate(struct imap_login *login, struct cursor *cur, struct arena *arena,
                            struct buf *out)
{
    const struct imap_authenticate_args *args;
    const void *parsed;

    if (!imap_authenticate_parse(cur, &login->grammar, arena, &parsed))
        return false;
    args = parsed;
    login->mechanism = find_mechanism(args->mechanism);
    if (login->mechanism == NULL || !is_offered(login, login->mechanism)) {
        if (login->mechanism != NULL && login->mechanism->plaintext &&
            !login_may_send_password(login))
            refuse_plaintext(login->tag, out);
        else
            imap_respond(out, login->tag, IMAP_NO, "CANNOT", "This mechanism is not offered here");
    } else if (args->has_initial) {
        buf_add(&login->data, args->initial);
        ask(login, IMAP_LOGIN_START);
    } else {
        imap_respond_challenge(out, BYTES(""));
        login->state = LOGIN_FIRST_LINE;
    }
    wipe_bytes(args->initial);
    return true;
}

/* Becomes a PLAIN message (RFC 4616): no authorization identity, NUL, user, NUL, password. */
bool login_run_login(struct imap_login *login, struct cursor *cur, struct arena *arena,
                     struct buf *out)
{
    const struct imap_login_args *args;
    const void *parsed;

    if (!imap_login_parse(cur, &login->grammar, arena, &parsed))
        return false;
    args = parsed;
    if (login_may_run_login(login)) {
        login->mechanism = find_mechanism(BYTES("PLAIN"));
        buf_add_byte(&login->data, 0);
        buf_add(&login->data, args->user);
        buf_add_byte(&login->data, 0);
        buf_add(&login->data, args->password);
        assert(!login->data.overflowed);
        ask(login, IMAP_LOGIN_START);
    } else {
        login_refuse_login(login, login->tag, out);
    }
    wipe_bytes(args->password);
    return true;
}

/* Back to commands; the host hears of it if it has heard of the exchange. */
static void end_exchange(struct imap_login *login)
{
    login->state = login->state == LOGIN_FIRST_LINE ? LOGIN_COMMAND : LOGIN_CANCELLING;
}

/* RFC 9051 s6.2.2: BAD for a line that cancels and for one that is not base64. */
static void break_off(struct imap_login *login, const char *text, struct buf *out)
{
    end_exchange(login);
    imap_respond(out, login->tag, IMAP_BAD, NULL, text);
    login_count_bad(login, out);
}

void login_refuse_line(struct imap_login *login, struct buf *out)
{
    break_off(login, "Answer is too long", out);
}

static void take_data(struct imap_login *login, struct bytes data, struct buf *out)
{
    if (login->state == LOGIN_LAST_LINE) {
        if (data.len > 0)
            break_off(login, "An empty answer was expected", out);
        else
            login->state = LOGIN_HANDING_OFF;
        return;
    }
    buf_add(&login->data, data);
    ask(login, login->state == LOGIN_FIRST_LINE ? IMAP_LOGIN_START : IMAP_LOGIN_CONTINUE);
}

void login_take_line(struct imap_login *login, struct buf *out)
{
    struct arena arena = arena_make(LINE_ARENA_BYTES);
    struct cursor cur = cursor_make(imap_framer_bytes(&login->framer));
    struct bytes data;
    bool cancelled;

    if (!imap_sasl_line_parse(&cur, &arena, &data, &cancelled)) {
        break_off(login, "Answer is not base64", out);
    } else if (cancelled) {
        break_off(login, "Authentication cancelled", out);
    } else {
        take_data(login, data, out);
        wipe_bytes(data);
    }
    arena_done(&arena);
}

struct imap_login_request imap_login_request(const struct imap_login *login)
{
    return (struct imap_login_request){
        .kind = login->request_kind,
        .mechanism = login->mechanism->name,
        .has_data = login->request_kind == IMAP_LOGIN_START,
        .data = buf_bytes(&login->data),
    };
}

/* RFC 9051 s11.7 */
static void fail(struct imap_login *login, const char *code, const char *text, struct buf *out)
{
    imap_respond(out, login->tag, IMAP_NO, code, text);
    login->state = LOGIN_COMMAND;
    login->failures++;
    if (login->failures >= IMAP_LOGIN_FAILURES_MAX)
        login_close(login, "Too many failed logins", out);
}

static void succeed(struct imap_login *login, struct buf *out)
{
    login->state = LOGIN_HANDING_OFF;
    if (buf_is_empty(&login->answer))
        return;
    imap_respond_challenge(out, buf_bytes(&login->answer));
    login->state = LOGIN_LAST_LINE;
}

/* RFC 9051 s7.1 and s11.7: which of name and password was wrong is never said. */
void login_take_answer(struct imap_login *login, struct buf *out)
{
    switch (login->verdict) {
    case IMAP_LOGIN_CHALLENGE:
        imap_respond_challenge(out, buf_bytes(&login->answer));
        login->state = LOGIN_NEXT_LINE;
        break;
    case IMAP_LOGIN_SUCCESS: succeed(login, out); break;
    case IMAP_LOGIN_FAILED:
        fail(login, "AUTHENTICATIONFAILED", "Name or password is wrong", out);
        break;
    case IMAP_LOGIN_NOT_AUTHORIZED:
        fail(login, "AUTHORIZATIONFAILED", "May not act as that user", out);
        break;
    case IMAP_LOGIN_EXPIRED: fail(login, "EXPIRED", "The password has expired", out); break;
    case IMAP_LOGIN_DISABLED:
        fail(login, "CONTACTADMIN", "The account is closed, ask the administrator", out);
        break;
    case IMAP_LOGIN_UNAVAILABLE:
        imap_respond(out, login->tag, IMAP_NO, "UNAVAILABLE",
                     "Login is not possible now, try later");
        login->state = LOGIN_COMMAND;
        break;
    case IMAP_LOGIN_TOO_MANY:
        imap_respond(out, login->tag, IMAP_NO, "LIMIT", "Too many connections or attempts");
        login_close(login, "Too many connections or attempts, try later", out);
        break;
    }
}
