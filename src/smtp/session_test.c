/* LMTP dialogues with a host made of memory; each is held byte by byte, in small parts and at once.
 */
#include "smtp/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/assert_bytes.h"
#include "kit/guard.h"

enum { TEXT_MAX = 256 * 1024, SIZE_LIMIT = 200 };

struct host {
    struct smtp_session *session;
    struct mono now;
    struct buf out;
    struct buf heard; /* all output so far */
    struct buf spool;
    struct buf delivered; /* "recipient/folder:content|" for each */
    enum smtp_verdict spooling;
    bool closed;
    int asked;
    bool late; /* recipients are told about when nothing else is left to do, the last one first */
    struct {
        unsigned slot;
        enum smtp_verdict verdict;
    } known[SMTP_ASKED_MAX];
    size_t known_count;
};

static struct smtp_options options(void)
{
    return (struct smtp_options){ .host = BYTES("roost"),
                                  .address = BYTES("192.0.2.1:4711"),
                                  .session = 12,
                                  .size_max = SIZE_LIMIT,
                                  .recipients_max = 3,
                                  .timeout_ms = 60000 };
}

static void host_init(struct host *host, const struct smtp_options *with)
{
    *host = (struct host){ .now = { 1000 },
                           .out = buf_make(SMTP_OUTPUT_BYTES + 8192),
                           .heard = buf_make(TEXT_MAX),
                           .spool = buf_make(TEXT_MAX),
                           .delivered = buf_make(TEXT_MAX) };
    host->session = smtp_session_new(with, host->now);
}

static void host_done(struct host *host)
{
    smtp_session_free(host->session);
    buf_done(&host->out);
    buf_done(&host->heard);
    buf_done(&host->spool);
    buf_done(&host->delivered);
}

/* Accounts are what their local part says. */
static enum smtp_verdict verdict_for(struct bytes recipient, struct bytes folder)
{
    if (bytes_starts_with(recipient, BYTES("nobody")))
        return SMTP_NO_ACCOUNT;
    if (bytes_starts_with(recipient, BYTES("down")))
        return SMTP_UNAVAILABLE;
    if (bytes_equal(folder, BYTES("missing")))
        return SMTP_NO_FOLDER;
    return SMTP_ACCEPTED;
}

static enum smtp_verdict delivery_for(struct bytes recipient, struct bytes folder)
{
    if (bytes_starts_with(recipient, BYTES("full")))
        return SMTP_OVER_QUOTA;
    if (bytes_starts_with(recipient, BYTES("disk")))
        return SMTP_NO_SPACE;
    return verdict_for(recipient, folder);
}

static void flush(struct host *host)
{
    assert_false(host->out.overflowed);
    buf_add(&host->heard, buf_bytes(&host->out));
    buf_clear(&host->out);
}

static void spool(struct host *host)
{
    uint64_t offset;
    struct bytes chunk = smtp_session_chunk(host->session, &offset);

    assert_true(chunk.len > 0);
    if (offset == 0)
        buf_clear(&host->spool);
    assert_int_equal(offset, host->spool.len);
    if (host->spooling == SMTP_ACCEPTED)
        buf_add(&host->spool, chunk);
    smtp_session_spooled(host->session, host->spooling);
}

/* From the last recipient to the first: the answers come in the right order all the same. */
static void deliver(struct host *host)
{
    struct bytes none = { NULL, 0 };
    size_t used;

    assert_true(smtp_session_holds_message(host->session));
    for (size_t i = smtp_session_recipient_count(host->session); i > 0; i--) {
        struct smtp_delivery delivery = smtp_session_delivery(host->session, i - 1);
        size_t size = (size_t)smtp_session_size(host->session);
        struct bytes content = bytes_slice(buf_bytes(&host->spool), 0, size);

        assert_int_equal(smtp_session_step(host->session, none, host->now, &used, &host->out),
                         SMTP_PENDING);
        buf_add(&host->delivered, delivery.recipient);
        buf_add_byte(&host->delivered, '/');
        buf_add(&host->delivered, delivery.folder);
        buf_add_byte(&host->delivered, ':');
        buf_add(&host->delivered, content);
        buf_add_byte(&host->delivered, '|');
        smtp_session_delivered(host->session, i - 1,
                               delivery_for(delivery.recipient, delivery.folder));
    }
}

static void look_up(struct host *host)
{
    struct smtp_asked asked = smtp_session_asked(host->session);
    enum smtp_verdict verdict = verdict_for(asked.address, (struct bytes){ NULL, 0 });

    host->asked++;
    assert_true(smtp_session_deadline(host->session).ms == INT64_MAX);
    assert_in_range(host->known_count, 0, SMTP_ASKED_MAX - 1);
    host->known[host->known_count].slot = asked.slot;
    host->known[host->known_count++].verdict = verdict;
}

static void tell_recipient(struct host *host)
{
    assert_true(host->known_count > 0);
    host->known_count--;
    smtp_session_recipient_is(host->session, host->known[host->known_count].slot,
                              host->known[host->known_count].verdict, 0);
}

/* Does what the session wants until it wants input. Answers how much of `in` it used. */
static size_t serve(struct host *host, struct bytes in)
{
    size_t used_in_all = 0;

    for (;;) {
        size_t used;
        enum smtp_want want = smtp_session_step(host->session, bytes_from(in, used_in_all),
                                                host->now, &used, &host->out);

        used_in_all += used;
        flush(host);
        switch (want) {
        case SMTP_INPUT:
            assert_int_equal(used_in_all, in.len);
            assert_int_equal(host->known_count, 0);
            assert_true(smtp_session_deadline(host->session).ms > host->now.ms);
            return used_in_all;
        case SMTP_OUTPUT: break;
        case SMTP_RECIPIENT:
            look_up(host);
            if (!host->late)
                tell_recipient(host);
            break;
        case SMTP_SPOOL: spool(host); break;
        case SMTP_DELIVER: deliver(host); break;
        case SMTP_STARTTLS: smtp_session_tls_started(host->session, BYTES("TLSv1.3")); break;
        case SMTP_CLOSE: host->closed = true; return used_in_all;
        case SMTP_PENDING: tell_recipient(host); break;
        }
    }
}

static void say(struct host *host, struct bytes text, size_t part)
{
    for (size_t at = 0; at < text.len && !host->closed; at += part) {
        struct guard guard;

        (void)serve(host, guard_copy(&guard, bytes_slice(text, at, part)));
        guard_done(&guard);
    }
}

/* Lines of `want` that end with '*' are beginnings. */
static void assert_heard(struct bytes got, const char *want)
{
    struct bytes all = bytes_from_string(want);
    struct bytes rest = got;

    for (size_t at = 0; at < all.len;) {
        size_t end = bytes_find(all, at, BYTES("\r\n"));
        struct bytes line = bytes_slice(all, at, end - at);
        struct bytes heard = bytes_slice(rest, 0, bytes_find(rest, 0, BYTES("\r\n")));

        if (bytes_ends_with(line, BYTES("*"))) {
            line.len--;
            heard = bytes_slice(heard, 0, line.len);
        }
        if (!bytes_equal(heard, line))
            fail_msg("wanted \"%.*s\" in\n%.*s", BYTES_ARG(line), BYTES_ARG(got));
        rest = bytes_from(rest, bytes_find(rest, 0, BYTES("\r\n")) + 2);
        at = end + 2;
    }
    if (rest.len > 0)
        fail_msg("unwanted \"%.*s\"", BYTES_ARG(rest));
}

#define HELLO "LHLO mx\r\n"
#define GREETING "220 roost LMTP Roost\r\n"
#define HELLO_ANSWER \
    "250-roost\r\n250-PIPELINING\r\n250-SIZE 200\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n" \
    "250-CHUNKING\r\n250 ENHANCEDSTATUSCODES\r\n"
#define MAIL "MAIL FROM:<b@x>\r\n"
#define BEGIN HELLO MAIL "RCPT TO:<anna@x>\r\n"
#define BEGIN_ANSWER GREETING HELLO_ANSWER "250 2.1.0*\r\n250 2.1.5 <anna@x>*\r\n"
#define STORED "250 2.0.0 <anna@x> stored as 12-1\r\n"

struct dialogue {
    const char *client;
    const char *server;
    const char *delivered;
    bool closed;
    enum smtp_verdict spooling;
};

static void hold(const struct dialogue *dialogue, const struct smtp_options *with)
{
    struct bytes client = bytes_from_string(dialogue->client);
    static const size_t parts[] = { 1, 2, 7, 64, TEXT_MAX };

    for (size_t i = 0; i < 2 * ARRAY_COUNT(parts); i++) {
        struct host host;

        host_init(&host, with);
        host.late = i % 2 == 1;
        host.spooling = dialogue->spooling;
        (void)serve(&host, (struct bytes){ NULL, 0 });
        say(&host, client, parts[i / 2]);
        assert_heard(buf_bytes(&host.heard), dialogue->server);
        ASSERT_BYTES(buf_bytes(&host.delivered), bytes_from_string(dialogue->delivered));
        assert_int_equal(host.closed, dialogue->closed);
        host_done(&host);
    }
}

static void hold_all(const struct dialogue *dialogues, size_t count)
{
    struct smtp_options with = options();

    for (size_t i = 0; i < count; i++)
        hold(&dialogues[i], &with);
}

static void test_deliveries(void **state)
{
    static const struct dialogue cases[] = {
        { BEGIN "DATA\r\nSubject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n",
          BEGIN_ANSWER "354*\r\n" STORED "221 2.0.0*\r\n", "anna@x/:Subject: x\r\n\r\n.dot\r\n|",
          true, SMTP_ACCEPTED },
        { BEGIN "DATA\r\n.\r\n", BEGIN_ANSWER "354*\r\n" STORED, "anna@x/:|", false,
          SMTP_ACCEPTED },
        /* RFC 2033 section 4.2: one answer for each accepted recipient, in their order. */
        { HELLO MAIL "RCPT TO:<full@x>\r\nRCPT TO:<nobody@x>\r\nRCPT TO:<disk@x>\r\n"
                     "RCPT TO:<anna@x>\r\nDATA\r\nhi\r\n.\r\nNOOP\r\n",
          GREETING HELLO_ANSWER
          "250 2.1.0*\r\n250 2.1.5 <full@x>*\r\n550 5.1.1 <nobody@x>*\r\n250 2.1.5 <disk@x>*\r\n"
          "250 2.1.5 <anna@x>*\r\n354*\r\n452 4.2.2 <full@x>*\r\n452 4.3.1 <disk@x>*\r\n" STORED
          "250 2.0.0*\r\n",
          "anna@x/:hi\r\n|disk@x/:hi\r\n|full@x/:hi\r\n|", false, SMTP_ACCEPTED },
        /* Two messages in one connection. */
        { BEGIN "DATA\r\none\r\n.\r\n" MAIL "RCPT TO:<anna@x>\r\nDATA\r\ntwo\r\n.\r\n",
          BEGIN_ANSWER "354*\r\n" STORED "250 2.1.0*\r\n250 2.1.5*\r\n354*\r\n"
                       "250 2.0.0 <anna@x> stored as 12-2\r\n",
          "anna@x/:one\r\n|anna@x/:two\r\n|", false, SMTP_ACCEPTED },
        /* Bare line ends neither end a message nor vanish. */
        { BEGIN "DATA\r\na\n.\nMAIL FROM:<evil@x>\r\n.\r\n", BEGIN_ANSWER "354*\r\n" STORED,
          "anna@x/:a\n.\nMAIL FROM:<evil@x>\r\n|", false, SMTP_ACCEPTED },
    };

    (void)state;
    hold_all(cases, ARRAY_COUNT(cases));
}

static void test_chunks(void **state)
{
    static const struct dialogue cases[] = {
        { BEGIN "BDAT 7\r\none\r\n.\rBDAT 0\r\nBDAT 4 LAST\r\n\ntwoQUIT\r\n",
          BEGIN_ANSWER "250 2.0.0 7 bytes taken\r\n250 2.0.0 0 bytes taken\r\n" STORED "221*\r\n",
          "anna@x/:one\r\n.\r\ntwo|", true, SMTP_ACCEPTED },
        { BEGIN "BDAT 0 LAST\r\n", BEGIN_ANSWER STORED, "anna@x/:|", false, SMTP_ACCEPTED },
        { HELLO "BDAT 5\r\nQUIT\rBDAT 2 LAST\r\nabRSET\r\n",
          GREETING HELLO_ANSWER "503 5.5.1*\r\n503 5.5.1*\r\n250*\r\n", "", false, SMTP_ACCEPTED },
        { BEGIN "BDAT 3\r\nabcDATA\r\nMAIL FROM:<>\r\nRCPT TO:<a>\r\nRSET\r\nBDAT 1\r\nx",
          BEGIN_ANSWER "250 2.0.0 3*\r\n503*\r\n503*\r\n503*\r\n250*\r\n503*\r\n", "", false,
          SMTP_ACCEPTED },
        { BEGIN "BDAT x\r\n", BEGIN_ANSWER "501 5.5.4*\r\n421 4.7.0*\r\n", "", true,
          SMTP_ACCEPTED },
        /* 201 bytes in two parts */
        { BEGIN "BDAT 100\r\n"
                "0123456789012345678901234567890123456789012345678901234567890123456789012345678901"
                "234567890123456789"
                "BDAT 101\r\n"
                "0123456789012345678901234567890123456789012345678901234567890123456789012345678901"
                "2345678901234567890BDAT 0 LAST\r\n",
          BEGIN_ANSWER "250 2.0.0 100*\r\n552 5.3.4*\r\n552 5.3.4 <anna@x>*\r\n", "", false,
          SMTP_ACCEPTED },
    };

    (void)state;
    hold_all(cases, ARRAY_COUNT(cases));
}

static void test_refusals(void **state)
{
    static const struct dialogue cases[] = {
        { MAIL "RCPT TO:<a>\r\nDATA\r\nSTARTTLS\r\nEHLO mx\r\nHELO mx\r\nLHLO\r\nLHLO a b\r\n",
          GREETING "503 5.5.1*\r\n503 5.5.1*\r\n503 5.5.1*\r\n503 5.5.1*\r\n500 5.5.1*\r\n"
                   "500 5.5.1*\r\n501 5.5.4*\r\n501 5.5.4*\r\n",
          "", false, SMTP_ACCEPTED },
        { HELLO "RCPT TO:<a>\r\nDATA\r\nSTARTTLS\r\nNONSENSE\r\n\r\nDATA now\r\nEXPN x\r\n"
                "VRFY x\r\nHELP\r\nNOOP x\r\nRSET\r\n",
          GREETING HELLO_ANSWER
          "503 5.5.1*\r\n503 5.5.1*\r\n502 5.5.1*\r\n500 5.5.1*\r\n500 5.5.1*\r\n501 5.5.4*\r\n"
          "502 5.5.1*\r\n252 2.5.2*\r\n214 2.0.0*\r\n250 2.0.0*\r\n250 2.0.0*\r\n",
          "", false, SMTP_ACCEPTED },
        { HELLO "MAIL FROM:x\r\nMAIL FROM:<x\r\nMAIL FROM:<x> SIZE=201\r\nMAIL FROM:<x> FOO=1\r\n"
                "MAIL FROM:<\xc3\xa5>\r\n" MAIL MAIL
                "RCPT TO:<\xc3\xa5>\r\nRCPT TO:<>\r\nRCPT TO:a\r\nRCPT TO:<a> XMAILBOX=x\r\n",
          GREETING HELLO_ANSWER
          "501 5.5.2*\r\n501 5.1.7*\r\n552 5.3.4*\r\n555 5.5.4*\r\n553 5.6.7*\r\n250 2.1.0*\r\n"
          "503 5.5.1*\r\n553 5.6.7*\r\n501 5.1.3*\r\n501 5.5.2*\r\n555 5.5.4*\r\n",
          "", false, SMTP_ACCEPTED },
        { HELLO MAIL "RCPT TO:<nobody@x>\r\nRCPT TO:<down@x>\r\nDATA\r\nRSET\r\nDATA\r\n",
          GREETING HELLO_ANSWER
          "250 2.1.0*\r\n550 5.1.1 <nobody@x>*\r\n451 4.3.0 <down@x>*\r\n503 5.5.1*\r\n"
          "250 2.0.0*\r\n503 5.5.1*\r\n",
          "", false, SMTP_ACCEPTED },
        /* What is wrong by itself is said in its turn. */
        { HELLO MAIL "RCPT TO:<anna@x>\r\nRCPT TO:nobody\r\nRCPT TO:<nobody@x>\r\nNOOP\r\n"
                     "RCPT TO:<bert>\r\nNO\rOP\r\nRCPT TO:<carl>\r\nRSET\r\nDATA\r\n",
          GREETING HELLO_ANSWER
          "250 2.1.0*\r\n250 2.1.5 <anna@x>*\r\n501 5.5.2*\r\n550 5.1.1*\r\n250 2.0.0 ok\r\n"
          "250 2.1.5 <bert>*\r\n500 5.5.2*\r\n250 2.1.5 <carl>*\r\n250 2.0.0 forg*\r\n503*\r\n",
          "", false, SMTP_ACCEPTED },
        /* A place that one who is refused leaves is the next one's. */
        { HELLO MAIL "RCPT TO:<a>\r\nRCPT TO:<nobody>\r\nRCPT TO:<c>\r\nRCPT TO:<d>\r\n"
                     "RCPT TO:<e>\r\n",
          GREETING HELLO_ANSWER "250*\r\n250*\r\n550*\r\n250*\r\n250*\r\n452 4.5.3*\r\n", "", false,
          SMTP_ACCEPTED },
        { HELLO MAIL "RCPT TO:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\nRCPT TO:<d>\r\n",
          GREETING HELLO_ANSWER "250*\r\n250*\r\n250*\r\n250*\r\n452 4.5.3*\r\n", "", false,
          SMTP_ACCEPTED },
        /* LHLO forgets a message that was begun. */
        { BEGIN HELLO "DATA\r\n", BEGIN_ANSWER HELLO_ANSWER "503 5.5.1*\r\n", "", false,
          SMTP_ACCEPTED },
        { "NOOP\nNOOP\r\nNO\rOP\r\n", GREETING "500 5.5.2*\r\n250*\r\n500 5.5.2*\r\n", "", false,
          SMTP_ACCEPTED },
        /* The spool is out of order: the message is read to its end, then refused. */
        { BEGIN "RCPT TO:<bert>\r\nDATA\r\none\r\n.two\r\nthree\r\n.\r\nNOOP\r\n",
          BEGIN_ANSWER "250*\r\n354*\r\n452 4.3.1 <anna@x>*\r\n452 4.3.1 <bert>*\r\n250*\r\n", "",
          false, SMTP_NO_SPACE },
    };

    (void)state;
    hold_all(cases, ARRAY_COUNT(cases));
}

static void add_repeated(struct buf *buf, const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++)
        buf_add_string(buf, text);
}

/* At the limit and one past it. */
static void test_size_limit(void **state)
{
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        struct dialogue dialogue = { .server = BEGIN_ANSWER "354*\r\n" STORED "250*\r\n" };
        struct buf client = buf_make(4096);
        struct buf delivered = buf_make(4096);
        struct smtp_options with = options();

        buf_add_string(&client, BEGIN "DATA\r\n");
        add_repeated(&client, "x", SIZE_LIMIT - 2 + more);
        buf_add_string(&client, "\r\n.\r\nNOOP\r\n");
        buf_add_string(&delivered, "anna@x/:");
        add_repeated(&delivered, "x", SIZE_LIMIT - 2);
        buf_add_string(&delivered, "\r\n|");
        buf_add_byte(&client, 0);
        buf_add_byte(&delivered, 0);
        dialogue.client = (const char *)client.at;
        dialogue.delivered = more > 0 ? "" : (const char *)delivered.at;
        if (more > 0)
            dialogue.server = BEGIN_ANSWER "354*\r\n552 5.3.4 <anna@x>*\r\n250*\r\n";
        hold(&dialogue, &with);
        buf_done(&client);
        buf_done(&delivered);
    }
}

static void test_line_limit(void **state)
{
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        struct dialogue dialogue = { .server = GREETING "250*\r\n250*\r\n", .delivered = "" };
        struct buf client = buf_make(2 * 4096);
        struct smtp_options with = options();

        buf_add_string(&client, "NOOP ");
        add_repeated(&client, "x", 4096 - 7 + more);
        buf_add_string(&client, "\r\nNOOP\r\n");
        buf_add_byte(&client, 0);
        dialogue.client = (const char *)client.at;
        if (more > 0)
            dialogue.server = GREETING "500 5.5.2 the line is too long\r\n250*\r\n";
        hold(&dialogue, &with);
        buf_done(&client);
    }
}

static void test_error_limit(void **state)
{
    struct host host;
    struct smtp_options with = options();

    (void)state;
    host_init(&host, &with);
    for (int i = 0; i < SMTP_ERRORS_MAX - 1; i++)
        say(&host, BYTES("WHAT\r\n"), 100);
    assert_false(host.closed);
    say(&host, BYTES("NOOP\r\n"), 100);
    assert_false(host.closed);
    say(&host, BYTES("WHAT\r\nNOOP\r\n"), 100);
    assert_true(host.closed);
    assert_true(bytes_ends_with(buf_bytes(&host.heard), BYTES("421 4.7.0 too many errors\r\n")));
    host_done(&host);
}

static void test_local(void **state)
{
    static const struct dialogue cases[] = {
        { HELLO "MAIL FROM:<> SMTPUTF8\r\nRCPT TO:<\xc3\xa5sa> XMAILBOX=Junk/+C3+A5\r\n"
                "RCPT TO:<a> XMAILBOX=missing\r\nRCPT TO:<b> XMAILBOX=+FF\r\n"
                "DATA\r\nhi\r\n.\r\n",
          GREETING "250-roost\r\n250-PIPELINING\r\n250-SIZE 200\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
                   "250-CHUNKING\r\n250-XMAILBOX\r\n250 ENHANCEDSTATUSCODES\r\n"
                   "250*\r\n250 2.1.5 recipient ok\r\n250*\r\n501 5.5.4*\r\n354*\r\n"
                   "250 2.0.0 stored as 12-1\r\n550 5.2.0 <a>*\r\n",
          "a/missing:hi\r\n|\xc3\xa5sa/Junk/\xc3\xa5:hi\r\n|", false, SMTP_ACCEPTED },
    };
    struct smtp_options with = options();

    (void)state;
    with.local = true;
    hold(&cases[0], &with);
}

static void test_starttls(void **state)
{
    struct smtp_options with = options();
    struct host host;

    (void)state;
    with.starttls = true;
    host_init(&host, &with);
    say(&host, BYTES(BEGIN "STARTTLS\r\n"), 1);
    say(&host, BYTES("MAIL FROM:<>\r\n" HELLO "STARTTLS\r\n"), 1);
    assert_heard(buf_bytes(&host.heard),
                 GREETING "250-roost\r\n250-PIPELINING\r\n250-SIZE 200\r\n250-8BITMIME\r\n"
                          "250-SMTPUTF8\r\n250-CHUNKING\r\n250-STARTTLS\r\n"
                          "250 ENHANCEDSTATUSCODES\r\n250*\r\n250*\r\n220 2.0.0*\r\n503 5.5.1*\r\n"
                          "250-roost\r\n250-PIPELINING\r\n250-SIZE 200\r\n250-8BITMIME\r\n"
                          "250-SMTPUTF8\r\n250-CHUNKING\r\n250 ENHANCEDSTATUSCODES\r\n"
                          "502 5.5.1*\r\n");
    host_done(&host);
    host_init(&host, &with);
    say(&host, BYTES(HELLO), 100);
    say(&host, BYTES("STARTTLS\r\nNOOP\r\n"), 100);
    assert_true(host.closed);
    assert_true(bytes_ends_with(buf_bytes(&host.heard),
                                BYTES("554 5.7.0 nothing may follow STARTTLS\r\n")));
    host_done(&host);
}

static void test_timeout(void **state)
{
    static const char *const places[] = { "", "NOO", BEGIN "DATA\r\nhalf", BEGIN "BDAT 9\r\nhalf" };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
        struct smtp_options with = options();
        struct bytes none = { NULL, 0 };
        struct host host;
        size_t used;

        host_init(&host, &with);
        (void)serve(&host, none);
        host.now.ms += 30000;
        say(&host, bytes_from_string(places[i]), 100);
        assert_int_equal(smtp_session_deadline(host.session).ms, i < 2 ? 61000 : 91000);
        host.now = smtp_session_deadline(host.session);
        host.now.ms--;
        assert_int_equal(smtp_session_step(host.session, none, host.now, &used, &host.out),
                         SMTP_INPUT);
        host.now.ms++;
        assert_int_equal(smtp_session_step(host.session, none, host.now, &used, &host.out),
                         SMTP_CLOSE);
        assert_true(bytes_starts_with(buf_bytes(&host.out), BYTES("421 4.4.2")));
        assert_int_equal(
            smtp_session_step(host.session, BYTES("NOOP\r\n"), host.now, &used, &host.out),
            SMTP_CLOSE);
        host_done(&host);
    }
}

/* A message that is being delivered is answered for before the end. */
static void test_bye(void **state)
{
    struct smtp_options with = options();
    struct bytes none = { NULL, 0 };
    struct host host;
    size_t used = 0;
    struct bytes text = BYTES(BEGIN "DATA\r\n.\r\nNOOP\r\n");

    (void)state;
    host_init(&host, &with);
    for (size_t at = 0; at < text.len; at += used) {
        enum smtp_want want =
            smtp_session_step(host.session, bytes_from(text, at), host.now, &used, &host.out);

        if (want == SMTP_DELIVER)
            break;
        assert_int_equal(want, SMTP_RECIPIENT);
        smtp_session_recipient_is(host.session, 0, SMTP_ACCEPTED, 0);
    }
    smtp_session_bye(host.session);
    assert_int_equal(smtp_session_step(host.session, none, host.now, &used, &host.out),
                     SMTP_PENDING);
    smtp_session_delivered(host.session, 0, SMTP_ACCEPTED);
    assert_int_equal(smtp_session_step(host.session, none, host.now, &used, &host.out), SMTP_CLOSE);
    assert_heard(buf_bytes(&host.out),
                 BEGIN_ANSWER "354*\r\n" STORED "421 4.3.2 the server ends\r\n");
    host_done(&host);
}

/* Recipients that come together are looked up together, up to a limit; what is known of one is said
 * when all before it is. */
static void test_recipients_are_asked_about_side_by_side(void **state)
{
    struct smtp_options with = options();
    struct bytes none = { NULL, 0 };
    struct buf text = buf_make(TEXT_MAX);
    struct host host;
    struct smtp_asked asked;
    size_t used;
    size_t at = 0;

    (void)state;
    with.recipients_max = 100;
    buf_add_string(&text, HELLO MAIL);
    for (int i = 0; i <= SMTP_ASKED_MAX; i++)
        buf_add_format(&text, "RCPT TO:<r%d>\r\n", i);
    buf_add_string(&text, "DATA\r\n");
    host_init(&host, &with);
    for (unsigned i = 0; i < SMTP_ASKED_MAX; i++) {
        assert_int_equal(smtp_session_step(host.session, bytes_from(buf_bytes(&text), at), host.now,
                                           &used, &host.out),
                         SMTP_RECIPIENT);
        at += used;
        asked = smtp_session_asked(host.session);
        assert_int_equal(asked.slot, i);
        assert_int_equal(asked.address.at[1], i < 10 ? '0' + i : '1');
    }
    buf_clear(&host.out);
    assert_int_equal(smtp_session_step(host.session, bytes_from(buf_bytes(&text), at), host.now,
                                       &used, &host.out),
                     SMTP_PENDING);
    assert_int_equal(used, 0);
    assert_int_equal(smtp_session_deadline(host.session).ms, INT64_MAX);
    smtp_session_recipient_is(host.session, 1, SMTP_ACCEPTED, 77);
    assert_int_equal(smtp_session_step(host.session, none, host.now, &used, &host.out),
                     SMTP_PENDING);
    assert_int_equal(host.out.len, 0);
    smtp_session_recipient_is(host.session, 0, SMTP_NO_ACCOUNT, 0);
    assert_int_equal(smtp_session_step(host.session, bytes_from(buf_bytes(&text), at), host.now,
                                       &used, &host.out),
                     SMTP_RECIPIENT); /* there is room for the last one */
    assert_heard(buf_bytes(&host.out), "550 5.1.1 <r0>*\r\n250 2.1.5 <r1>*\r\n");
    assert_int_equal(smtp_session_asked(host.session).slot, 0);
    assert_int_equal(smtp_session_recipient_count(host.session), 1);
    assert_int_equal(smtp_session_delivery(host.session, 0).token, 77);
    smtp_session_bye(host.session); /* not before all of them are answered */
    assert_int_equal(smtp_session_step(host.session, none, host.now, &used, &host.out),
                     SMTP_PENDING);
    smtp_session_recipient_is(host.session, 0, SMTP_ACCEPTED, 0);
    for (unsigned i = 2; i < SMTP_ASKED_MAX; i++)
        smtp_session_recipient_is(host.session, i, SMTP_ACCEPTED, i);
    assert_int_equal(smtp_session_step(host.session, none, host.now, &used, &host.out), SMTP_CLOSE);
    assert_int_equal(smtp_session_recipient_count(host.session), SMTP_ASKED_MAX);
    assert_int_equal(smtp_session_delivery(host.session, 1).token, 2);
    buf_done(&text);
    host_done(&host);
}

/* No clock runs while they are, also when the output had to wait. */
static void test_recipients_and_a_full_output(void **state)
{
    struct smtp_options with = options();
    struct bytes text = BYTES(HELLO MAIL "RCPT TO:<anna@x>\r\nRCPT TO:<bert@x>\r\n");
    struct bytes none = { NULL, 0 };
    struct host host;
    size_t used;

    (void)state;
    host_init(&host, &with);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(smtp_session_step(host.session, text, host.now, &used, &host.out),
                         SMTP_RECIPIENT);
        text = bytes_from(text, used);
    }
    while (host.out.len < SMTP_OUTPUT_BYTES - 1)
        buf_add_byte(&host.out, '.');
    smtp_session_recipient_is(host.session, 0, SMTP_ACCEPTED, 0);
    assert_int_equal(smtp_session_step(host.session, none, host.now, &used, &host.out),
                     SMTP_OUTPUT);
    assert_int_equal(smtp_session_deadline(host.session).ms, 61000);
    buf_clear(&host.out);
    assert_int_equal(smtp_session_step(host.session, none, host.now, &used, &host.out),
                     SMTP_PENDING);
    assert_int_equal(smtp_session_deadline(host.session).ms, INT64_MAX);
    smtp_session_recipient_is(host.session, 1, SMTP_ACCEPTED, 0);
    host.now.ms += 1000 * 1000;
    assert_int_equal(smtp_session_step(host.session, none, host.now, &used, &host.out), SMTP_INPUT);
    assert_int_equal(smtp_session_deadline(host.session).ms, host.now.ms + 60000);
    host_done(&host);
}

/* Answers to thousands of recipients leave in portions that the output has room for. */
static void test_many_recipients(void **state)
{
    struct smtp_options with = options();
    struct host host;
    struct bytes heard;
    size_t answers = 0;

    (void)state;
    with.recipients_max = 2000;
    host_init(&host, &with);
    host.late = true;
    say(&host, BYTES(HELLO MAIL), 100);
    for (int i = 0; i < 2001; i++)
        say(&host, BYTES("RCPT TO:<someone.with.a.name@example.org>\r\n"), 100);
    say(&host, BYTES("DATA\r\n.\r\n"), 100);
    heard = buf_bytes(&host.heard);
    for (size_t at = 0; at < heard.len; at++) {
        at = bytes_find(heard, at, BYTES(" stored as "));
        answers += at < heard.len;
    }
    assert_int_equal(answers, 2000);
    assert_int_equal(host.asked, 2000);
    assert_true(bytes_find(heard, 0, BYTES("452 4.5.3")) < heard.len);
    host_done(&host);
}

static void test_trace(void **state)
{
    struct smtp_options with = options();
    struct buf out = buf_make(4096);
    struct host host;
    size_t used = 0;
    struct bytes text = BYTES(BEGIN "RCPT TO:<bert>\r\nDATA\r\n.\r\n");

    (void)state;
    host_init(&host, &with);
    for (size_t at = 0; at < text.len; at += used) {
        if (smtp_session_step(host.session, bytes_from(text, at), host.now, &used, &host.out) ==
            SMTP_DELIVER)
            break;
        smtp_session_recipient_is(host.session, smtp_session_asked(host.session).slot,
                                  SMTP_ACCEPTED, 0);
    }
    smtp_session_trace(host.session, 1, (struct wall){ 0 }, &out);
    ASSERT_BYTES(buf_bytes(&out), BYTES("Return-Path: <b@x>\r\n"
                                        "Delivered-To: bert\r\n"
                                        "Received: from mx ([192.0.2.1])\r\n"
                                        "\tby roost with LMTP\r\n"
                                        "\tid 12-1;\r\n"
                                        "\tThu, 01 Jan 1970 00:00:00 +0000\r\n"));
    ASSERT_BYTES(smtp_session_sender(host.session), BYTES("b@x"));
    ASSERT_BYTES(smtp_session_id(host.session), BYTES("12-1"));
    buf_done(&out);
    host_done(&host);
}

/* One who pipes commands in and never reads is not kept, nor is one who leaves verdicts unread. */
static void test_who_does_not_read(void **state)
{
    struct smtp_options with = options();
    struct host host;
    size_t used = 0;
    enum smtp_want want = SMTP_INPUT;

    (void)state;
    host_init(&host, &with);
    for (int i = 0; i < 10000 && want == SMTP_INPUT; i++)
        want = smtp_session_step(host.session, BYTES("NOOP\r\n"), host.now, &used, &host.out);
    assert_int_equal(want, SMTP_OUTPUT);
    assert_int_equal(smtp_session_deadline(host.session).ms, 61000);
    host.now.ms = 60999;
    assert_int_equal(smtp_session_step(host.session, BYTES(""), host.now, &used, &host.out),
                     SMTP_OUTPUT);
    assert_int_equal(smtp_session_deadline(host.session).ms, 61000);
    buf_clear(&host.out); /* it has read: all is well for another while */
    assert_int_equal(smtp_session_step(host.session, BYTES(""), host.now, &used, &host.out),
                     SMTP_INPUT);
    assert_int_equal(smtp_session_deadline(host.session).ms, 120999);
    for (want = SMTP_INPUT; want == SMTP_INPUT;)
        want = smtp_session_step(host.session, BYTES("NOOP\r\n"), host.now, &used, &host.out);
    host.now.ms = 120999;
    assert_int_equal(smtp_session_step(host.session, BYTES(""), host.now, &used, &host.out),
                     SMTP_CLOSE);
    host_done(&host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deliveries),
        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_size_limit),
        cmocka_unit_test(test_line_limit),
        cmocka_unit_test(test_error_limit),
        cmocka_unit_test(test_local),
        cmocka_unit_test(test_starttls),
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_bye),
        cmocka_unit_test(test_recipients_are_asked_about_side_by_side),
        cmocka_unit_test(test_recipients_and_a_full_output),
        cmocka_unit_test(test_many_recipients),
        cmocka_unit_test(test_trace),
        cmocka_unit_test(test_who_does_not_read),
    };

    smtp_session_free(NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
