/* Every message there and back, cut at every byte, with bytes left over, with fields out of bounds.
 */
#include "ipc/codec.h"

#include <stdlib.h>
#include <string.h>

#include "ipc/request_table.h"
#include "kit/assert_bytes.h"

#define CLIENT \
    { \
        .session = 77, .address = BYTES("192.0.2.1:4711"), .loopback = true, .tls = true, \
        .tls_facts = BYTES("TLSv1.3 TLS_AES_256_GCM_SHA384") \
    }
#define RAW \
    { \
        { \
            1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 \
        } \
    }
#define NUMBER UINT64_C(0x1122334455667788)
#define DATA \
    { \
        .auth_data = { NUMBER, BYTES("cj1hYmM\0=") } \
    }
#define ASK \
    { \
        .request = { NUMBER } \
    }
#define TEXT_ANSWER \
    { \
        .text_answer = { NUMBER, IPC_LIMIT, BYTES("{\"a\": 1}") } \
    }
#define ANSWERED \
    { \
        .answer = { NUMBER, IPC_EXPIRED } \
    }
#define ACCOUNT \
    { \
        .account = { NUMBER, BYTES("alice"), BYTES("sesame") } \
    }
#define TICKET \
    { \
        .ticket_announce = { \
            NUMBER, \
            RAW, \
            258, \
            5, \
            6, \
            IPC_SERVICE_IMAP, \
            RAW, \
            BYTES("alice"), \
            UINT64_C(1) << 40 \
        } \
    }
#define DROP \
    { \
        .account_drop = { NUMBER, RAW } \
    }

/* No field of a sample is zero, so that a forgotten one shows. */
static struct ipc_message samples[] = {
    { IPC_CONFIG, { { 0 } } },
    { IPC_DIRECTORY, { { 0 } } },
    { IPC_CERTIFICATE, { { 0 } } },
    { IPC_MEMORY, { { 0 } } },
    { IPC_STOP, { { 0 } } },
    { IPC_READY, { { 0 } } },
    { IPC_LISTENER, { .listener = { IPC_SERVICE_LMTP, true, true, BYTES("127.0.0.1:24") } } },
    { IPC_PEER, { .peer = { IPC_ROLE_MAIL, 513, NUMBER } } },
    { IPC_REFUSED, { .peer = { IPC_ROLE_GATE, 513, NUMBER } } },
    { IPC_TLS_TICKETS, { .tls_tickets = { BYTES("0123456789") } } },
    { IPC_PLACE, { .place = { RAW, 513 } } },
    { IPC_START, { .start = { IPC_ROLE_GATE, 513, NUMBER, 1025, true } } },
    { IPC_STATUS, ASK },
    { IPC_STATUS_ANSWER, TEXT_ANSWER },
    { IPC_RELOAD, ASK },
    { IPC_RELOAD_ANSWER, TEXT_ANSWER },
    { IPC_AUTH_START,
      { .auth_start = { NUMBER, IPC_SERVICE_IMAP, CLIENT, BYTES("PLAIN"), true, BYTES("\0a\0b"),
                        BYTES("binding") } } },
    { IPC_AUTH_CONTINUE, DATA },
    { IPC_AUTH_CANCEL, ASK },
    { IPC_AUTH_CHALLENGE, DATA },
    { IPC_AUTH_RESULT,
      { .auth_result = { NUMBER, IPC_DENIED, BYTES("v=x"), RAW, 258, BYTES("alice"),
                         BYTES("no") } } },
    { IPC_RECIPIENT,
      { .recipient = { NUMBER, IPC_SERVICE_LMTP, 78, BYTES("a@example.org"), 123456789012 } } },
    { IPC_RECIPIENT_RESULT,
      { .recipient_result = { NUMBER, IPC_NOT_FOUND, RAW, 258, BYTES("alice") } } },
    { IPC_TICKET, TICKET },
    { IPC_TICKET_ANSWER, ANSWERED },
    { IPC_DELIVERY_TICKET, TICKET },
    { IPC_HANDOFF,
      { .handoff = { NUMBER, RAW, IPC_SERVICE_IMAP, CLIENT, BYTES("a1"), BYTES("v=x"),
                     BYTES("a2 SELECT") } } },
    { IPC_HANDOFF_ANSWER, ANSWERED },
    { IPC_DELIVER,
      { .deliver = { NUMBER, RAW, true, IPC_SERVICE_LMTP, CLIENT, BYTES("a@example.org"),
                     BYTES("Junk"), BYTES("Return-Path: <>\r\n"), 99,
                     BYTES("Subject: x\r\n\r\n") } } },
    { IPC_DELIVER_ANSWER, { .deliver_answer = { NUMBER, IPC_OVER_QUOTA, BYTES("full") } } },
    { IPC_HAND_BACK, { .hand_back = { IPC_SERVICE_IMAP, CLIENT, BYTES("a LOGOUT") } } },
    { IPC_TLS_START, { .tls_start = { NUMBER, IPC_SERVICE_POP3, 79 } } },
    { IPC_TLS_ANSWER,
      { .tls_answer = { NUMBER, IPC_UNSUPPORTED, BYTES("TLSv1.2 x"), BYTES("mail.example"),
                        BYTES("binding"), BYTES("alert") } } },
    { IPC_ACCOUNT_ADD, ACCOUNT },
    { IPC_ACCOUNT_LIST, ASK },
    { IPC_ACCOUNT_COPY, ASK },
    { IPC_ACCOUNT_SHOW, ACCOUNT },
    { IPC_ACCOUNT_PASSWORD, ACCOUNT },
    { IPC_ACCOUNT_REMOVE, ACCOUNT },
    { IPC_ACCOUNT_ANSWER, { .account_answer = { NUMBER, IPC_EXISTS, true, BYTES("{}") } } },
    { IPC_ACCOUNT_DROP, DROP },
    { IPC_ACCOUNT_DROP_ANSWER, ANSWERED },
    { IPC_ACCOUNT_LOGOUT, DROP },
    { IPC_STATS, ASK },
    { IPC_STATS_ANSWER, TEXT_ANSWER },
    { IPC_MAINTAIN,
      { .maintain = { NUMBER, RAW, UINT64_C(1) << 40, BYTES("verify"), BYTES("{\"a\":1}"),
                      BYTES("uid 0") } } },
    { IPC_MAINTAIN_CONTINUE, ASK },
    { IPC_MAINTAIN_CANCEL, ASK },
    { IPC_MAINTAIN_ANSWER, { .account_answer = { NUMBER, IPC_INVALID, true, BYTES("[]") } } },
};

/* Is there, in the sample, a `struct bytes` at this place? Its pointer cannot be compared. */
static bool same_bytes_at(const uint8_t *sample, const uint8_t *got, size_t offset)
{
    struct bytes a;
    struct bytes b;

    memcpy(&a, sample + offset, sizeof(a));
    memcpy(&b, got + offset, sizeof(b));
    return a.len == b.len && a.len > 0 && a.len < 100 && bytes_equal(a, b);
}

static void assert_same(const struct ipc_message *sample, const struct ipc_message *got)
{
    const uint8_t *a = (const uint8_t *)sample;
    const uint8_t *b = (const uint8_t *)got;
    size_t offset = 0;

    while (offset < sizeof(*sample)) {
        if (memcmp(a + offset, b + offset, sizeof(void *)) == 0) {
            offset += sizeof(void *);
        } else {
            assert_true(offset + sizeof(struct bytes) <= sizeof(*sample));
            assert_true(same_bytes_at(a, b, offset));
            offset += sizeof(struct bytes);
        }
    }
}

static void test_every_message_comes_back(void **state)
{
    size_t rule_count;

    (void)state;
    (void)ipc_rules(&rule_count);
    assert_int_equal(rule_count, ARRAY_COUNT(samples));
    for (size_t i = 0; i < ARRAY_COUNT(samples); i++) {
        struct buf packet = buf_make(IPC_BYTES_MAX);
        struct ipc_message got;

        assert_non_null(ipc_rule_find(samples[i].type));
        assert_true(ipc_encode(&samples[i], &packet));
        assert_true(ipc_decode(buf_bytes(&packet), &got));
        assert_same(&samples[i], &got);
        buf_done(&packet);
    }
}

static void test_cut_or_longer_packets_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(samples); i++) {
        struct buf packet = buf_make(IPC_BYTES_MAX);
        struct ipc_message got = { .type = IPC_CONFIG };

        assert_true(ipc_encode(&samples[i], &packet));
        for (size_t cut = 0; cut < packet.len; cut++) {
            uint8_t *part = malloc(cut + 1); /* its end is where the sanitizer looks */

            assert_non_null(part);
            memcpy(part + 1, buf_bytes(&packet).at, cut);
            assert_false(ipc_decode(bytes_make(part + 1, cut), &got));
            free(part);
        }
        buf_put_u8(&packet, 0);
        assert_false(ipc_decode(buf_bytes(&packet), &got));
        assert_int_equal(got.type, IPC_CONFIG);
        buf_done(&packet);
    }
}

static void test_unknown_types_are_refused(void **state)
{
    struct ipc_message got;
    struct buf packet = buf_make(IPC_BYTES_MAX);
    struct ipc_message unknown = { .type = (enum ipc_type)999 };

    (void)state;
    assert_false(ipc_decode(BYTES(""), &got));
    assert_false(ipc_decode(BYTES("\0\0"), &got));
    assert_false(ipc_decode(BYTES("\xff\xff"), &got));
    assert_false(ipc_encode(&unknown, &packet));
    assert_int_equal(packet.len, 0);
}

static void test_enumerations_have_a_range(void **state)
{
    struct ipc_message got;

    (void)state;
    /* listener: service 5 is the last; then two booleans and an empty name */
    assert_true(ipc_decode(BYTES("\x03\0\x05\0\x01\0"), &got));
    assert_false(ipc_decode(BYTES("\x03\0\x06\0\x01\0"), &got));
    assert_false(ipc_decode(BYTES("\x03\0\x04\x02\x01\0"), &got));
    /* peer: role 5 is the last */
    assert_true(ipc_decode(BYTES("\x04\0\x05\0\0\0\0\0\0\0\0\0\0"), &got));
    assert_false(ipc_decode(BYTES("\x04\0\x06\0\0\0\0\0\0\0\0\0\0"), &got));
    /* ticket answer: result 11 is the last */
    assert_true(ipc_decode(BYTES("\x28\0\0\0\0\0\0\0\0\0\x0b"), &got));
    assert_false(ipc_decode(BYTES("\x28\0\0\0\0\0\0\0\0\0\x0c"), &got));
}

static void test_fields_have_a_maximum(void **state)
{
    static uint8_t long_text[IPC_BYTES_MAX];
    struct ipc_message message = { .type = IPC_HANDOFF };
    struct buf packet = buf_make(IPC_BYTES_MAX);
    struct ipc_message got;

    (void)state;
    buf_put_u8(&packet, 7);
    message.handoff.unread = bytes_make(long_text, 32 * 1024 + 1);
    assert_false(ipc_encode(&message, &packet));
    assert_int_equal(packet.len, 1);
    message.handoff.unread.len--;
    assert_true(ipc_encode(&message, &packet));
    buf_consume(&packet, 1);
    assert_true(ipc_decode(buf_bytes(&packet), &got));
    assert_int_equal(got.handoff.unread.len, 32 * 1024);

    /* The same bound holds for what a stranger made: type, number, then 1,001 bytes of text. */
    buf_clear(&packet);
    buf_put_u16(&packet, IPC_DELIVER_ANSWER);
    buf_put_u64(&packet, 1);
    buf_put_u8(&packet, IPC_OK);
    buf_put_bytes(&packet, bytes_make(long_text, IPC_TEXT_BYTES_MAX + 1));
    assert_false(ipc_decode(buf_bytes(&packet), &got));
    buf_done(&packet);
}

static void test_a_small_buf_is_no_half_packet(void **state)
{
    struct buf packet = buf_make(17); /* one less than the listener packet has */

    (void)state;
    assert_int_equal(samples[6].type, IPC_LISTENER);
    assert_false(ipc_encode(&samples[6], &packet));
    assert_int_equal(packet.len, 0);
    buf_done(&packet);
    packet = buf_make(18);
    assert_true(ipc_encode(&samples[6], &packet));
    buf_done(&packet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_message_comes_back),
        cmocka_unit_test(test_cut_or_longer_packets_are_refused),
        cmocka_unit_test(test_unknown_types_are_refused),
        cmocka_unit_test(test_enumerations_have_a_range),
        cmocka_unit_test(test_fields_have_a_maximum),
        cmocka_unit_test(test_a_small_buf_is_no_half_packet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
