/* LMTP from the client's side: what is sent for which answers, and the body's dots and line ends.
 */
#include "cli/lmtp.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kit/assert_bytes.h"
#include "sys/fd.h"

struct test_order {
    struct lmtp_order order;
    struct bytes rest;
};

static size_t read_message(struct lmtp_order *order, void *into, size_t len)
{
    struct test_order *test = CONTAINER_OF(order, struct test_order, order);
    struct bytes part = bytes_slice(test->rest, 0, len);

    if (part.len > 0)
        memcpy(into, part.at, part.len);
    test->rest = bytes_from(test->rest, part.len);
    return part.len;
}

struct talk_case {
    const char *replies;
    const char *mailbox;
    bool read_fails;
    enum err err;
    unsigned code;
    const char *sent;
};

#define GREETING "220 roost LMTP\r\n"
#define OFFERS "250-roost\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
#define HELLO "LHLO localhost\r\n"
#define MAIL "MAIL FROM:<bob@example.org> BODY=8BITMIME SMTPUTF8\r\n"
#define RCPT "RCPT TO:<\xc3\xa5sa>\r\n"

static const struct talk_case talks[] = {
    { GREETING OFFERS "250 ok\r\n250 ok\r\n354 go\r\n250 2.0.0 done\r\n", "", false, ERR_OK, 250,
      HELLO MAIL RCPT "DATA\r\nA: b\r\n\r\n..\r\n.\r\nQUIT\r\n" },
    { GREETING "250 roost\r\n250 ok\r\n550 5.1.1 nobody\r\n", "", false, ERR_OK, 550,
      HELLO "MAIL FROM:<bob@example.org>\r\n" RCPT },
    { GREETING OFFERS "250 ok\r\n250 ok\r\n354 go\r\n452-4.3.1 disk\r\n452 4.3.1 full\r\n",
      "Junk/\xc3\xa5 +1", false, ERR_OK, 452,
      HELLO MAIL "RCPT TO:<\xc3\xa5sa> XMAILBOX=Junk/+C3+A5+20+2B1\r\n"
                 "DATA\r\nA: b\r\n\r\n..\r\n.\r\n" },
    { "421 4.3.2 too many\r\n", "", false, ERR_OK, 421, "" },
    { GREETING OFFERS "250 ok\r\n250 ok\r\n354 go\r\n", "", true, ERR_IO, 0,
      HELLO MAIL RCPT "DATA\r\nA: b\r\n\r\n..\r\n" },
    { GREETING OFFERS "250 ok\r\n250 ok\r\n354 go\r\n", "", false, ERR_BUSY, 0,
      HELLO MAIL RCPT "DATA\r\nA: b\r\n\r\n..\r\n.\r\n" },
    { "HTTP/1.1 400\r\n", "", false, ERR_CORRUPT, 0, "" },
    { "199 odd\r\n", "", false, ERR_CORRUPT, 0, "" },
    { "2200\r\n", "", false, ERR_CORRUPT, 0, "" },
};

static void run_talk(const struct talk_case *talk)
{
    struct test_order test = {
        .order = { .sender = BYTES("bob@example.org"),
                   .recipient = BYTES("\xc3\xa5sa"),
                   .mailbox = bytes_from_string(talk->mailbox),
                   .read_failed = talk->read_fails,
                   .read = read_message },
        .rest = BYTES("A: b\n\n.\n"),
    };
    struct lmtp_outcome outcome = { 0 };
    struct note why = { "" };
    struct dialog dialog;
    char sent[1024];
    int pair[2];
    ssize_t len;

    assert_int_equal(fd_pair_stream(pair), ERR_OK);
    assert_int_equal(write(pair[1], talk->replies, strlen(talk->replies)), strlen(talk->replies));
    dialog_init(&dialog, pair[0], 30);
    assert_int_equal(lmtp_deliver(&dialog, &test.order, &outcome, &why), talk->err);
    assert_int_equal(outcome.code, talk->code);
    len = read(pair[1], sent, sizeof(sent));
    ASSERT_BYTES(bytes_make(sent, len < 0 ? 0 : (size_t)len), bytes_from_string(talk->sent));
    assert_int_equal(why.text[0] == '\0', talk->err == ERR_OK);
    close(pair[1]);
    dialog_done(&dialog);
}

static void test_talks(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(talks); i++)
        run_talk(&talks[i]);
}

static void test_bodies(void **state)
{
    static const struct {
        const char *in;
        const char *out;
    } cases[] = {
        { "", ".\r\n" },
        { "a", "a\r\n.\r\n" },
        { "a\n", "a\r\n.\r\n" },
        { "a\r\n", "a\r\n.\r\n" },
        { "a\r", "a\r\n.\r\n" },
        { "\n\n", "\r\n\r\n.\r\n" },
        { ".\n..\na.\n", "..\r\n...\r\na.\r\n.\r\n" },
        { "a\r.\r\n", "a\r.\r\n.\r\n" },
        { "\r\n.", "\r\n..\r\n.\r\n" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct bytes in = bytes_from_string(cases[i].in);

        for (size_t piece = 1; piece <= 3; piece++) {
            struct buf out = buf_make(1000);
            struct lmtp_body body = { 0 };

            for (size_t at = 0; at < in.len; at += piece)
                lmtp_body_add(&body, bytes_slice(in, at, piece), &out);
            lmtp_body_end(&body, &out);
            ASSERT_BYTES(buf_bytes(&out), bytes_from_string(cases[i].out));
            buf_done(&out);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_talks),
        cmocka_unit_test(test_bodies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
