/* The verbs of LMTP. */
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "smtp/session_internal.h"

enum { RECIPIENT_BYTES = SMTP_MAILBOX_BYTES_MAX + SMTP_FOLDER_BYTES_MAX + 48 };

static const char too_many_recipients[] =
    "452 4.5.3 too many recipients: send the others their own copy";

struct command {
    void (*run)(struct smtp_session *session, struct bytes argument, struct buf *out);
    bool takes_argument; /* else one is an error */
    bool needs_hello;
};

void smtp_refuse(struct smtp_session *session, struct buf *out, const char *text)
{
    session->errors++;
    smtp_reply(out, text);
}

void smtp_transaction_reset(struct smtp_session *session)
{
    struct smtp_transaction *mail = &session->mail;

    arena_done(&mail->arena);
    free(mail->recipients);
    *mail = (struct smtp_transaction){ .arena.budget =
                                           (session->recipients_max + 1) * RECIPIENT_BYTES };
}

static void run_lhlo(struct smtp_session *session, struct bytes argument, struct buf *out)
{
    if (!smtp_hello_check(argument)) {
        smtp_refuse(session, out, "501 5.5.4 LHLO wants your host's name");
        return;
    }
    smtp_transaction_reset(session);
    buf_clear(&session->hello);
    buf_add(&session->hello, argument);
    buf_add_string(out, "250-");
    buf_add(out, buf_bytes(&session->host));
    buf_add_format(out,
                   "\r\n250-PIPELINING\r\n250-SIZE %llu\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
                   "250-CHUNKING\r\n",
                   (unsigned long long)session->size_max);
    if (session->starttls && buf_is_empty(&session->tls_facts))
        smtp_reply(out, "250-STARTTLS");
    if (session->local)
        smtp_reply(out, "250-XMAILBOX");
    smtp_reply(out, "250 ENHANCEDSTATUSCODES");
}

/* RFC 2033 s4.1: HELO and EHLO are not to be understood. */
static void run_hello_of_smtp(struct smtp_session *session, struct bytes argument, struct buf *out)
{
    (void)argument;
    smtp_refuse(session, out, "500 5.5.1 this is LMTP: say LHLO");
}

static const char *parse_text(enum smtp_parse parse, bool of_sender)
{
    switch (parse) {
    case SMTP_BAD_ADDRESS:
        return of_sender ? "501 5.1.7 not an address" : "501 5.1.3 not an address";
    case SMTP_BAD_PARAMETER:
        return "501 5.5.4 a parameter's value makes no sense, or it came twice";
    case SMTP_UNKNOWN_PARAMETER: return "555 5.5.4 a parameter is not known here";
    case SMTP_BAD_SYNTAX:
    case SMTP_PARSED: break;
    }
    return of_sender ? "501 5.5.2 say MAIL FROM:<address>" : "501 5.5.2 say RCPT TO:<address>";
}

static void run_mail(struct smtp_session *session, struct bytes argument, struct buf *out)
{
    struct smtp_transaction *mail = &session->mail;
    struct smtp_mail parsed;
    enum smtp_parse parse;

    if (mail->begun) {
        smtp_refuse(session, out, "503 5.5.1 one message at a time");
        return;
    }
    parse = smtp_mail_parse(argument, &parsed);
    if (parse != SMTP_PARSED) {
        smtp_refuse(session, out, parse_text(parse, true));
        return;
    }
    if (!parsed.utf8 && !utf8_is_ascii(parsed.sender)) { /* RFC 6531 s3.5 */
        smtp_refuse(session, out, "553 5.6.7 such an address needs SMTPUTF8");
        return;
    }
    if (parsed.size > session->size_max) { /* RFC 1870 s6.1 */
        smtp_reply(out, "552 5.3.4 the message is larger than is taken here");
        return;
    }
    mail->begun = true;
    mail->utf8 = parsed.utf8;
    mail->announced = parsed.size;
    mail->sender = arena_copy(&mail->arena, parsed.sender);
    session->messages++;
    (void)snprintf(session->id, sizeof(session->id), "%llu-%llu",
                   (unsigned long long)session->session, (unsigned long long)session->messages);
    smtp_reply(out, "250 2.1.0 sender ok");
}

/* Decodes XMAILBOX into the arena. */
static bool take_folder(struct smtp_transaction *mail, struct bytes text, struct bytes *out_folder)
{
    struct buf decoded = buf_make(SMTP_FOLDER_BYTES_MAX);
    bool ok = smtp_xtext_decode(text, &decoded);

    if (ok) {
        *out_folder = arena_copy(&mail->arena, buf_bytes(&decoded));
        ok = out_folder->at != NULL;
    }
    buf_done(&decoded);
    return ok;
}

/* What is wrong with a RCPT; NULL: it is for the host to say. Refused recipients use up memory as
 * well. RFC 5321 s4.5.3.1.10. */
static const char *read_rcpt(struct smtp_session *session, struct bytes argument,
                             struct smtp_recipient *out_asked)
{
    struct smtp_transaction *mail = &session->mail;
    struct smtp_rcpt parsed;
    enum smtp_parse parse;

    if (!mail->begun || mail->has_content)
        return "503 5.5.1 not now: MAIL, RCPT, then the message";
    parse = smtp_rcpt_parse(argument, session->local, &parsed);
    if (parse != SMTP_PARSED)
        return parse_text(parse, false);
    if (!mail->utf8 && !utf8_is_ascii(parsed.recipient))
        return "553 5.6.7 such an address needs SMTPUTF8";
    if (mail->count + mail->asking.count >= session->recipients_max)
        return too_many_recipients;
    if (parsed.has_folder && !take_folder(mail, parsed.folder, &out_asked->folder))
        return "501 5.5.4 XMAILBOX is not xtext of UTF-8, or too long";
    out_asked->address = arena_copy(&mail->arena, parsed.recipient);
    return out_asked->address.at == NULL ? too_many_recipients : NULL;
}

/* RFC 2920 s3.1: those that come together are looked up together. What can be said at once still
 * comes after the answers to those before. */
static void run_rcpt(struct smtp_session *session, struct bytes argument, struct buf *out)
{
    struct smtp_asking *asking = &session->mail.asking;
    struct smtp_recipient asked = { 0 };
    const char *refusal = read_rcpt(session, argument, &asked);

    if (refusal == NULL) {
        asking->at[(asking->first + asking->count) % SMTP_ASKED_MAX] = asked;
        asking->count++;
    } else if (smtp_is_asking(session)) {
        session->line_waits = true;
    } else if (refusal == too_many_recipients) {
        smtp_reply(out, refusal);
    } else {
        smtp_refuse(session, out, refusal);
    }
}

static void run_data(struct smtp_session *session, struct bytes argument, struct buf *out)
{
    struct smtp_transaction *mail = &session->mail;

    (void)argument;
    if (mail->count == 0 || mail->has_content) { /* RFC 2033 s4.2 */
        smtp_refuse(session, out,
                    mail->has_content ? "503 5.5.1 not after BDAT" : "503 5.5.1 no recipients");
        return;
    }
    mail->has_content = true;
    session->phase = SMTP_PHASE_DATA;
    smtp_reply(out, "354 go ahead, end with a dot alone on a line");
}

/* RFC 3030 s2: whatever is wrong, the bytes that were announced follow and must be taken. */
static void run_bdat(struct smtp_session *session, struct bytes argument, struct buf *out)
{
    struct smtp_transaction *mail = &session->mail;
    struct smtp_bdat parsed;

    if (smtp_bdat_parse(argument, &parsed) != SMTP_PARSED) {
        /* How much is to be skipped is not known: nothing more can be understood. */
        smtp_reply(out, "501 5.5.4 say BDAT size [LAST]");
        session->errors = SMTP_ERRORS_MAX;
        return;
    }
    mail->chunk_left = parsed.size;
    mail->chunk_size = parsed.size;
    mail->last_chunk = parsed.last;
    mail->chunked = mail->count > 0;
    if (mail->chunked)
        mail->has_content = true;
    session->phase = SMTP_PHASE_BDAT;
}

static void run_rset(struct smtp_session *session, struct bytes argument, struct buf *out)
{
    (void)argument;
    smtp_transaction_reset(session);
    smtp_reply(out, "250 2.0.0 forgotten");
}

static void run_noop(struct smtp_session *session, struct bytes argument, struct buf *out)
{
    (void)session;
    (void)argument;
    smtp_reply(out, "250 2.0.0 ok");
}

static void run_quit(struct smtp_session *session, struct bytes argument, struct buf *out)
{
    (void)argument;
    session->phase = SMTP_PHASE_CLOSED;
    smtp_reply(out, "221 2.0.0 bye");
}

/* RFC 5321 s3.5.3: neither yes nor no. */
static void run_vrfy(struct smtp_session *session, struct bytes argument, struct buf *out)
{
    (void)session;
    (void)argument;
    smtp_reply(out, "252 2.5.2 RCPT tells");
}

static void run_expn(struct smtp_session *session, struct bytes argument, struct buf *out)
{
    (void)argument;
    smtp_refuse(session, out, "502 5.5.1 there are no lists here");
}

static void run_help(struct smtp_session *session, struct bytes argument, struct buf *out)
{
    (void)session;
    (void)argument;
    smtp_reply(out, "214 2.0.0 LHLO, MAIL FROM:<>, RCPT TO:<>, DATA, BDAT, RSET, NOOP, QUIT");
}

static void run_starttls(struct smtp_session *session, struct bytes argument, struct buf *out)
{
    (void)argument;
    if (!session->starttls || !buf_is_empty(&session->tls_facts)) {
        smtp_refuse(session, out, "502 5.5.1 no TLS to be started here");
        return;
    }
    if (session->input_follows) {
        /* What came in the clear must not be taken for what was said in private. */
        session->phase = SMTP_PHASE_CLOSED;
        smtp_reply(out, "554 5.7.0 nothing may follow STARTTLS");
        return;
    }
    session->phase = SMTP_PHASE_TLS;
    smtp_reply(out, "220 2.0.0 go ahead");
}

static const struct command commands[SMTP_VERB_COUNT] = {
    /* verb                    run                argument  after LHLO */
    [SMTP_VERB_LHLO] = { run_lhlo, true, false },
    [SMTP_VERB_HELO] = { run_hello_of_smtp, true, false },
    [SMTP_VERB_EHLO] = { run_hello_of_smtp, true, false },
    [SMTP_VERB_MAIL] = { run_mail, true, true },
    [SMTP_VERB_RCPT] = { run_rcpt, true, true },
    [SMTP_VERB_DATA] = { run_data, false, true },
    [SMTP_VERB_BDAT] = { run_bdat, true, false },
    [SMTP_VERB_RSET] = { run_rset, false, false },
    [SMTP_VERB_NOOP] = { run_noop, true, false },
    [SMTP_VERB_QUIT] = { run_quit, false, false },
    [SMTP_VERB_VRFY] = { run_vrfy, true, false },
    [SMTP_VERB_EXPN] = { run_expn, true, false },
    [SMTP_VERB_HELP] = { run_help, true, false },
    [SMTP_VERB_STARTTLS] = { run_starttls, false, true },
};

void smtp_command_run(struct smtp_session *session, struct bytes line, struct buf *out)
{
    struct bytes argument;
    enum smtp_verb verb = smtp_verb_parse(line, &argument);
    const struct command *command = &commands[verb];

    if (command->run == NULL) {
        smtp_refuse(session, out, "500 5.5.1 no such command");
    } else if (!command->takes_argument && argument.len > 0) {
        smtp_refuse(session, out, "501 5.5.4 the command takes no argument");
    } else if (command->needs_hello && buf_is_empty(&session->hello)) {
        smtp_refuse(session, out, "503 5.5.1 say LHLO first");
    } else {
        command->run(session, argument, out);
    }
}
