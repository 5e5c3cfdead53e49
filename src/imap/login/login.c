/* The session before the login: states, clock, and what each step does (RFC 9051 s3.1). */
#include "imap/login/login.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "imap/login/internal.h"
#include "imap/wire/respond.h"

/* RFC 4959 s6 */
static const struct imap_frame_limits frame_limits = {
    .line_bytes_max = IMAP_LOGIN_LINE_BYTES,
    .literal_bytes_max = IMAP_LOGIN_LITERAL_BYTES,
    .command_bytes_max = IMAP_LOGIN_COMMAND_BYTES,
};

static_assert(IMAP_LOGIN_SASL_LINE_BYTES <= IMAP_LOGIN_COMMAND_BYTES,
              "the framer holds a line of an exchange");

struct imap_login *imap_login_new(const struct imap_login_options *options, struct mono now)
{
    struct imap_login *login = calloc(1, sizeof(*login));

    if (login == NULL)
        abort();
    login->options = *options;
    login->state = options->resumed ? LOGIN_COMMAND : LOGIN_FRESH;
    login->grammar = imap_grammar_make();
    login->data = buf_make(IMAP_LOGIN_COMMAND_BYTES);
    login->answer = buf_make(IMAP_LOGIN_SASL_LINE_BYTES);
    login->deadline.ms = now.ms + options->timeout_ms;
    imap_framer_init(&login->framer, &frame_limits);
    return login;
}

static void wipe(struct buf *secret)
{
    if (secret->at != NULL)
        explicit_bzero(secret->at, secret->capacity);
    buf_done(secret);
}

void imap_login_free(struct imap_login *login)
{
    if (login == NULL)
        return;
    imap_framer_done(&login->framer);
    wipe(&login->data);
    wipe(&login->answer);
    free(login);
}

void login_close(struct imap_login *login, const char *text, struct buf *out)
{
    imap_respond(out, IMAP_UNTAGGED, IMAP_BYE, NULL, text);
    login->state = LOGIN_CLOSED;
}

void login_count_bad(struct imap_login *login, struct buf *out)
{
    login->bads++;
    if (login->bads >= IMAP_LOGIN_BAD_MAX)
        login_close(login, "Too many commands that were not understood", out);
}

bool login_count_command(struct imap_login *login, struct buf *out)
{
    login->commands++;
    if (login->commands <= IMAP_LOGIN_COMMANDS_MAX)
        return true;
    login_close(login, "Too many commands before the login", out);
    return false;
}

void login_keep_tag(struct imap_login *login, struct bytes tag)
{
    assert(tag.len <= sizeof(login->tag_space));
    memcpy(login->tag_space, tag.at, tag.len);
    login->tag = bytes_make(login->tag_space, tag.len);
}

static void greet(struct imap_login *login, struct buf *out)
{
    imap_respond_code_begin(out, IMAP_UNTAGGED, IMAP_OK);
    buf_add_string(out, "CAPABILITY ");
    login_capabilities_print(out, login);
    imap_respond_code_end(out, "Roost ready");
    login->state = LOGIN_COMMAND;
}

static void refuse_frame(struct imap_login *login, struct buf *out)
{
    struct cursor cur = cursor_make(imap_framer_bytes(&login->framer));
    struct bytes tag;

    if (imap_framer_trouble(&login->framer) == IMAP_FRAME_LITERAL_TOO_LONG) {
        login_close(login, "Literal is too long", out);
        return;
    }
    if (!imap_tag_parse(&cur, &tag))
        tag = IMAP_UNTAGGED;
    imap_respond(out, tag, IMAP_BAD, NULL, "Command is too long before the login");
    login_count_bad(login, out);
}

/* False when the input is used up. */
static bool read_command(struct imap_login *login, struct bytes *in, struct buf *out)
{
    switch (imap_framer_next(&login->framer, in)) {
    case IMAP_FRAME_MORE: return false;
    case IMAP_FRAME_LITERAL: login_meet_literal(login, out); return true;
    case IMAP_FRAME_BAD: refuse_frame(login, out); return true;
    case IMAP_FRAME_DONE: break;
    }
    login_run_command(login, *in, out);
    imap_framer_wipe(&login->framer);
    return true;
}

static bool read_line(struct imap_login *login, struct bytes *in, struct buf *out)
{
    switch (imap_framer_next_line(&login->framer, in, IMAP_LOGIN_SASL_LINE_BYTES)) {
    case IMAP_FRAME_MORE: return false;
    case IMAP_FRAME_LITERAL:
    case IMAP_FRAME_BAD: login_refuse_line(login, out); return true;
    case IMAP_FRAME_DONE: break;
    }
    login_take_line(login, out);
    imap_framer_wipe(&login->framer);
    return true;
}

/* The client does not pay for the time that the host takes. */
static void stop_waiting(struct imap_login *login, struct mono now)
{
    login->host_done = false;
    login->deadline.ms += now.ms - login->asked_at.ms;
}

static void take_answer(struct imap_login *login, struct buf *out)
{
    wipe(&login->data);
    login_take_answer(login, out);
    wipe(&login->answer);
}

/* One act. False when there is nothing to do now but what the state wants. */
static bool act(struct imap_login *login, struct bytes *in, struct buf *out)
{
    switch (login->state) {
    case LOGIN_FRESH: greet(login, out); return true;
    case LOGIN_COMMAND: return read_command(login, in, out);
    case LOGIN_FIRST_LINE:
    case LOGIN_NEXT_LINE:
    case LOGIN_LAST_LINE: return read_line(login, in, out);
    case LOGIN_ANSWERED: take_answer(login, out); return true;
    case LOGIN_STARTING_TLS:
        /* RFC 9051 s6.2.1: what a stranger may have slipped in is never believed. */
        if (in->len > 0)
            login_close(login, "Nothing may follow STARTTLS", out);
        return false;
    case LOGIN_ASKING:
    case LOGIN_CANCELLING:
    case LOGIN_HANDING_OFF:
    case LOGIN_CLOSED: break;
    }
    return false;
}

static bool waits_for_client(const struct imap_login *login)
{
    return login->state == LOGIN_FRESH || login->state == LOGIN_COMMAND ||
           login->state == LOGIN_FIRST_LINE || login->state == LOGIN_NEXT_LINE ||
           login->state == LOGIN_LAST_LINE;
}

static enum imap_login_want want_of(struct imap_login *login)
{
    switch (login->state) {
    case LOGIN_ASKING: return IMAP_LOGIN_AUTH;
    case LOGIN_CANCELLING:
        login->state = LOGIN_COMMAND;
        login->request_kind = IMAP_LOGIN_CANCEL;
        return IMAP_LOGIN_AUTH;
    case LOGIN_STARTING_TLS: return IMAP_LOGIN_STARTTLS;
    case LOGIN_HANDING_OFF: return IMAP_LOGIN_HANDOFF;
    case LOGIN_CLOSED: return IMAP_LOGIN_CLOSE;
    case LOGIN_FRESH:
    case LOGIN_COMMAND:
    case LOGIN_FIRST_LINE:
    case LOGIN_NEXT_LINE:
    case LOGIN_LAST_LINE:
    case LOGIN_ANSWERED: break;
    }
    return IMAP_LOGIN_INPUT;
}

enum imap_login_want imap_login_step(struct imap_login *login, struct bytes in, struct mono now,
                                     size_t *out_used, struct buf *out)
{
    struct bytes rest = in;
    bool waited = !waits_for_client(login) && login->state != LOGIN_ANSWERED;

    if (login->host_done)
        stop_waiting(login, now);
    if (login->bye != NULL && login->state != LOGIN_CLOSED)
        login_close(login, login->bye, out);
    while (act(login, &rest, out))
        ;
    if (waits_for_client(login) && now.ms >= imap_login_deadline(login).ms)
        login_close(login, "Autologout: no login in time", out);
    *out_used = in.len - rest.len;
    if (!waited)
        login->asked_at = now;
    return want_of(login);
}

struct mono imap_login_deadline(const struct imap_login *login)
{
    return waits_for_client(login) ? login->deadline : (struct mono){ INT64_MAX };
}

void imap_login_answer(struct imap_login *login, enum imap_login_verdict verdict, struct bytes data)
{
    assert(login->state == LOGIN_ASKING);
    login->verdict = verdict;
    buf_add(&login->answer, data);
    if (login->answer.overflowed)
        login->verdict = IMAP_LOGIN_UNAVAILABLE;
    login->state = LOGIN_ANSWERED;
    login->host_done = true;
}

void imap_login_tls_started(struct imap_login *login, bool channel_binding)
{
    assert(login->state == LOGIN_STARTING_TLS);
    login->options.tls = true;
    login->options.channel_binding = channel_binding;
    login->state = LOGIN_COMMAND;
    login->host_done = true;
}

struct bytes imap_login_tag(const struct imap_login *login)
{
    return login->tag;
}

void imap_login_handoff_failed(struct imap_login *login)
{
    assert(login->state == LOGIN_HANDING_OFF);
    login->verdict = IMAP_LOGIN_UNAVAILABLE;
    login->state = LOGIN_ANSWERED;
    login->host_done = true;
}

void imap_login_bye(struct imap_login *login, const char *text)
{
    login->bye = text;
}
