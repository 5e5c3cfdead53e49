/* Commands before the login (RFC 9051 s6.1, s6.2; RFC 2971). */
#include "imap/login/internal.h"
#include "imap/wire/enable.h"
#include "imap/wire/respond.h"

enum {
    /* A refused literal up to this size is read and thrown away; a larger one ends the connection
     * (RFC 7888 s4). */
    SKIPPED_LITERAL_MAX = 64 * 1024,
    ARENA_BYTES = 64 * 1024,
};

struct run {
    struct imap_login *login;
    struct cursor *cur; /* behind the name; complains */
    struct arena *arena;
    struct bytes tag;
    struct bytes rest; /* input behind the command */
    struct buf *out;
};

/* False: the cursor complains, nothing was answered. */
typedef bool command_runner(const struct run *run);

static bool run_capability(const struct run *run)
{
    if (!imap_end_parse(run->cur))
        return false;
    buf_add_string(run->out, "* CAPABILITY ");
    login_capabilities_print(run->out, run->login);
    buf_add_string(run->out, "\r\n");
    imap_respond(run->out, run->tag, IMAP_OK, NULL, "CAPABILITY done");
    return true;
}

static bool run_noop(const struct run *run)
{
    if (!imap_end_parse(run->cur))
        return false;
    imap_respond(run->out, run->tag, IMAP_OK, NULL, "NOOP done");
    return true;
}

static bool run_logout(const struct run *run)
{
    if (!imap_end_parse(run->cur))
        return false;
    login_close(run->login, "Logging out", run->out);
    imap_respond(run->out, run->tag, IMAP_OK, NULL, "LOGOUT done");
    return true;
}

/* No version: strangers have no use for it but one. */
static bool run_id(const struct run *run)
{
    const void *args;

    if (!imap_id_parse(run->cur, &run->login->grammar, run->arena, &args))
        return false;
    buf_add_string(run->out, "* ID (\"name\" \"Roost\")\r\n");
    imap_respond(run->out, run->tag, IMAP_OK, NULL, "ID done");
    return true;
}

static void bad(const struct run *run, const char *text)
{
    imap_respond(run->out, run->tag, IMAP_BAD, NULL, text);
    login_count_bad(run->login, run->out);
}

/* RFC 9051 s6.2.1, s11.2. */
static bool run_starttls(const struct run *run)
{
    if (!imap_end_parse(run->cur))
        return false;
    if (run->login->options.tls) {
        bad(run, "TLS is in use already");
    } else if (!run->login->options.starttls) {
        bad(run, "TLS is not available here");
    } else if (run->rest.len > 0) {
        imap_respond(run->out, run->tag, IMAP_BAD, NULL, "Nothing may follow STARTTLS");
        login_close(run->login, "Commands were sent behind STARTTLS", run->out);
    } else {
        imap_respond(run->out, run->tag, IMAP_OK, NULL, "Begin TLS negotiation now");
        run->login->state = LOGIN_STARTING_TLS;
    }
    return true;
}

static bool run_authenticate(const struct run *run)
{
    return login_run_authenticate(run->login, run->cur, run->arena, run->out);
}

static bool run_login(const struct run *run)
{
    return login_run_login(run->login, run->cur, run->arena, run->out);
}

/* RFC 9051 s3.1 */
static bool run_too_early(const struct run *run)
{
    bad(run, "Log in first");
    return true;
}

static const struct login_command {
    struct bytes name;
    command_runner *run;
    bool literals; /* strings among its arguments may come as literals */
} commands[] = {
    { BYTES("CAPABILITY"), run_capability, false },
    { BYTES("NOOP"), run_noop, false },
    { BYTES("LOGOUT"), run_logout, false },
    { BYTES("ID"), run_id, true },
    { BYTES("STARTTLS"), run_starttls, false },
    { BYTES("AUTHENTICATE"), run_authenticate, false },
    { BYTES("LOGIN"), run_login, true },
    { BYTES("ENABLE"), run_too_early, false },
    { BYTES("SELECT"), run_too_early, false },
    { BYTES("EXAMINE"), run_too_early, false },
    { BYTES("CREATE"), run_too_early, false },
    { BYTES("DELETE"), run_too_early, false },
    { BYTES("RENAME"), run_too_early, false },
    { BYTES("SUBSCRIBE"), run_too_early, false },
    { BYTES("UNSUBSCRIBE"), run_too_early, false },
    { BYTES("LIST"), run_too_early, false },
    { BYTES("LSUB"), run_too_early, false },
    { BYTES("NAMESPACE"), run_too_early, false },
    { BYTES("STATUS"), run_too_early, false },
    { BYTES("APPEND"), run_too_early, false },
    { BYTES("IDLE"), run_too_early, false },
    { BYTES("UNAUTHENTICATE"), run_too_early, false },
    { BYTES("CLOSE"), run_too_early, false },
    { BYTES("UNSELECT"), run_too_early, false },
    { BYTES("CHECK"), run_too_early, false },
    { BYTES("EXPUNGE"), run_too_early, false },
    { BYTES("SEARCH"), run_too_early, false },
    { BYTES("FETCH"), run_too_early, false },
    { BYTES("STORE"), run_too_early, false },
    { BYTES("COPY"), run_too_early, false },
    { BYTES("MOVE"), run_too_early, false },
};

static const struct login_command too_early = { .run = run_too_early };

/* NULL: nobody knows it. Commands on UIDs all need a mailbox. */
static const struct login_command *find_command(const struct imap_command *command)
{
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++)
        if (bytes_equal_nocase(commands[i].name, command->name))
            return command->uid ? &too_early : &commands[i];
    return NULL;
}

static void bad_complaint(struct imap_login *login, struct bytes tag, const struct cursor *cur,
                          struct buf *out)
{
    (void)imap_respond_complaint(out, tag, cur);
    login_count_bad(login, out);
}

/* A browser that was made to speak to this port goes at its first line ("POST / HTTP/1.1"): what it
 * would send further on may be commands that others wrote. */
static void run_found(const struct run *run, const struct imap_command *command)
{
    const struct login_command *found = find_command(command);

    if (found == NULL && bytes_starts_with(command->name, BYTES("/")))
        login_close(run->login, "This is an IMAP server, and you seem to speak HTTP", run->out);
    else if (found == NULL)
        bad(run, "Unknown command: CAPABILITY tells what there is");
    else if (!found->run(run))
        bad_complaint(run->login, run->tag, run->cur, run->out);
}

void login_run_command(struct imap_login *login, struct bytes rest, struct buf *out)
{
    struct arena arena = arena_make(ARENA_BYTES);
    struct cursor cur = cursor_make(imap_framer_bytes(&login->framer));
    struct imap_command command;

    if (!login_count_command(login, out))
        return;
    if (!imap_command_parse(&cur, &command)) {
        bad_complaint(login, command.tag, &cur, out);
    } else {
        struct run run = { login, &cur, &arena, command.tag, rest, out };

        login_keep_tag(login, command.tag);
        run_found(&run, &command);
    }
    arena_done(&arena);
}

/* Answers a command that will not get its literal. */
static void refuse_literal(struct imap_login *login, struct bytes tag, struct imap_literal literal,
                           struct buf *out)
{
    imap_respond(out, tag, IMAP_BAD, NULL,
                 literal.fits ? "No literal is wanted here"
                              : "Literal is too long before the login");
    login_count_bad(login, out);
    if (login->state == LOGIN_CLOSED)
        return;
    if (!literal.synchronising && literal.bytes > SKIPPED_LITERAL_MAX)
        login_close(login, "Literal is too long", out);
    else
        imap_framer_refuse(&login->framer);
}

/* Secrets that must not travel are refused before they are sent. */
static bool is_forbidden_login(const struct imap_login *login, const struct login_command *found)
{
    return found != NULL && found->run == run_login && !login_may_run_login(login);
}

void login_meet_literal(struct imap_login *login, struct buf *out)
{
    struct imap_literal literal = imap_framer_literal(&login->framer);
    struct cursor cur = cursor_make(imap_framer_bytes(&login->framer));
    const struct login_command *found = NULL;
    struct imap_command command;

    if (imap_command_parse(&cur, &command))
        found = find_command(&command);
    if (is_forbidden_login(login, found) && literal.fits) {
        if (!login_count_command(login, out))
            return;
        login_refuse_login(login, command.tag, out);
        imap_framer_refuse(&login->framer);
        return;
    }
    if (found == NULL || !found->literals || !literal.fits) {
        refuse_literal(login, command.tag, literal, out);
        return;
    }
    login->literals++;
    if (login->literals > IMAP_LOGIN_LITERALS_MAX) {
        login_close(login, "Too many literals before the login", out);
        return;
    }
    if (literal.synchronising)
        imap_respond_continue(out, "go ahead");
    imap_framer_accept(&login->framer);
}

void login_capabilities_print(struct buf *out, const struct imap_login *login)
{
    buf_add_string(out, "IMAP4rev1 IMAP4rev2 SASL-IR LITERAL+ ID ENABLE");
    if (login->options.starttls && !login->options.tls)
        buf_add_string(out, " STARTTLS");
    if (!login_may_run_login(login))
        buf_add_string(out, " LOGINDISABLED");
    login_mechanisms_print(out, login);
}
