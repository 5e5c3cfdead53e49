/* The server's side of TLS against OpenSSL's own client, over memory. */
#include "sys/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "kit/assert_bytes.h"
#include "sys/clock.h"
#include "sys/selfsigned.h"

enum { ROUNDS_MAX = 50 };

static struct selfsigned make_pair(const char *name)
{
    struct selfsigned pair = { buf_make(10000), buf_make(10000) };
    struct note why = { "" };

    assert_int_equal(selfsigned_make(name, clock_wall(), 30, &pair, &why), ERR_OK);
    return pair;
}

static void pair_done(struct selfsigned *pair)
{
    buf_done(&pair->certificate_pem);
    buf_done(&pair->key_pem);
}

static const uint8_t ticket_keys[TLS_TICKET_KEY_BYTES * 2] = { 1, 2, 3, [80] = 9, [100] = 4 };

static struct tls_context *make_context(const struct selfsigned *pair, struct bytes keys)
{
    const struct tls_settings settings = { .certificate_pem = buf_bytes(&pair->certificate_pem),
                                           .key_pem = buf_bytes(&pair->key_pem),
                                           .ticket_keys = keys };
    struct tls_context *context = NULL;
    struct note why = { "" };

    assert_int_equal(tls_context_new(&settings, &context, &why), ERR_OK);
    return context;
}

/* A client that trusts exactly the pair's certificate. */
struct client {
    SSL_CTX *context;
    SSL *ssl;
    BIO *to_us, *from_us;
};

static void client_init(struct client *client, const struct selfsigned *pair, int version_max)
{
    BIO *bio = BIO_new_mem_buf(pair->certificate_pem.at, (int)pair->certificate_pem.len);
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    client->context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_max_proto_version(client->context, version_max);
    SSL_CTX_set_verify(client->context, SSL_VERIFY_PEER, NULL);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(client->context), certificate);
    SSL_CTX_set_session_cache_mode(client->context, SSL_SESS_CACHE_OFF);
    client->ssl = SSL_new(client->context);
    client->to_us = BIO_new(BIO_s_mem());
    client->from_us = BIO_new(BIO_s_mem());
    SSL_set_bio(client->ssl, client->to_us, client->from_us);
    SSL_set_tlsext_host_name(client->ssl, "mail.example");
    SSL_set1_host(client->ssl, "mail.example");
    SSL_set_connect_state(client->ssl);
    X509_free(certificate);
    BIO_free(bio);
}

static void client_done(struct client *client)
{
    SSL_free(client->ssl);
    SSL_CTX_free(client->context);
}

/* What each side has to say is carried over, `piece` bytes at a time (0: all). */
static enum tls_result carry(struct client *client, struct tls_conn *conn, struct buf *out,
                             size_t piece, enum tls_result (*step)(struct tls_conn *))
{
    char *at = NULL;
    long len = BIO_get_mem_data(client->from_us, &at);
    struct bytes said = bytes_make(at, (size_t)len);
    enum tls_result result = TLS_WANT_INPUT;

    do {
        struct bytes part = bytes_slice(said, 0, piece == 0 ? said.len : piece);

        said = bytes_from(said, part.len);
        tls_conn_feed(conn, part);
        result = step(conn);
    } while (said.len > 0 && result == TLS_WANT_INPUT);
    (void)BIO_reset(client->from_us);
    if (out->len > 0)
        (void)BIO_write(client->to_us, buf_bytes(out).at, (int)out->len);
    buf_clear(out);
    return result;
}

static enum tls_result handshake(struct client *client, struct tls_conn *conn, struct buf *out,
                                 size_t piece)
{
    enum tls_result result = TLS_WANT_INPUT;
    int done = 0;

    for (int i = 0; i < ROUNDS_MAX && (result != TLS_DONE || done != 1); i++) {
        done = SSL_do_handshake(client->ssl);
        if (result == TLS_DONE)
            break;
        result = carry(client, conn, out, piece, tls_conn_handshake);
        if (result == TLS_FAILED)
            break;
    }
    return result;
}

static uint8_t read_room[100];
static size_t read_len;

static enum tls_result read_step(struct tls_conn *conn)
{
    return tls_conn_read(conn, read_room, sizeof(read_room), &read_len);
}

static void run_talk(int version_max, size_t piece, const char *version)
{
    struct selfsigned pair = make_pair("mail.example");
    struct tls_context *context = make_context(&pair, bytes_make(ticket_keys, 80));
    struct buf out = buf_make(100000);
    struct tls_conn *conn = tls_conn_new(context, &out, "imap");
    struct client client;
    struct tls_facts facts;
    uint8_t binding[TLS_BINDING_BYTES];
    char text[16] = "";

    client_init(&client, &pair, version_max);
    assert_int_equal(handshake(&client, conn, &out, piece), TLS_DONE);
    tls_conn_facts(conn, &facts);
    assert_string_equal(facts.version, version);
    assert_string_equal(facts.server_name, "mail.example");
    assert_string_equal(facts.cipher, SSL_get_cipher_name(client.ssl));
    assert_true(facts.has_binding);
    assert_int_equal(SSL_export_keying_material(client.ssl, binding, sizeof(binding),
                                                "EXPORTER-Channel-Binding", 24,
                                                (const unsigned char *)"", 0, 1),
                     1);
    assert_memory_equal(binding, facts.binding, sizeof(binding));
    assert_int_equal(SSL_write(client.ssl, "a LOGIN", 7), 7);
    assert_int_equal(carry(&client, conn, &out, piece, read_step), TLS_DONE);
    ASSERT_BYTES(bytes_make(read_room, read_len), BYTES("a LOGIN"));
    assert_int_equal(tls_conn_write(conn, BYTES("a OK")), TLS_DONE);
    tls_conn_close_output(conn);
    tls_conn_close_output(conn);
    assert_int_equal(carry(&client, conn, &out, 0, read_step), TLS_WANT_INPUT);
    assert_int_equal(SSL_read(client.ssl, text, sizeof(text)), 4);
    assert_string_equal(text, "a OK");
    assert_int_equal(SSL_read(client.ssl, text, sizeof(text)), 0);
    assert_int_equal(SSL_get_error(client.ssl, 0), SSL_ERROR_ZERO_RETURN);
    (void)SSL_shutdown(client.ssl);
    assert_int_equal(carry(&client, conn, &out, 0, read_step), TLS_END);
    client_done(&client);
    tls_conn_free(conn);
    tls_context_free(context);
    buf_done(&out);
    pair_done(&pair);
}

static void test_talk(void **state)
{
    (void)state;
    run_talk(TLS1_3_VERSION, 0, "TLSv1.3");
    run_talk(TLS1_2_VERSION, 0, "TLSv1.2");
    run_talk(TLS1_3_VERSION, 1, "TLSv1.3");
    run_talk(TLS1_2_VERSION, 1, "TLSv1.2");
}

static void test_old_versions_are_refused(void **state)
{
    struct selfsigned pair = make_pair("mail.example");
    struct tls_context *context = make_context(&pair, bytes_make(NULL, 0));
    struct buf out = buf_make(100000);
    struct tls_conn *conn = tls_conn_new(context, &out, NULL);
    struct client client;

    (void)state;
    client_init(&client, &pair, TLS1_1_VERSION);
    SSL_set_security_level(client.ssl, 0);
    assert_int_equal(handshake(&client, conn, &out, 0), TLS_FAILED);
    assert_true(strlen(tls_conn_complaint(conn)) > 0);
    client_done(&client);
    tls_conn_free(conn);
    tls_context_free(context);
    buf_done(&out);
    pair_done(&pair);
}

static struct bytes take_text(BIO *bio)
{
    char *at = NULL;
    long len = BIO_get_mem_data(bio, &at);

    return bytes_make(at, (size_t)len);
}

/* RSA, self-signed, for the client's name. */
static struct selfsigned make_rsa_pair(void)
{
    struct selfsigned pair = { buf_make(10000), buf_make(10000) };
    EVP_PKEY *key = EVP_RSA_gen(2048);
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);
    BIO *texts[] = { BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()) };

    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"mail.example", -1,
                               -1, 0);
    X509_set_issuer_name(certificate, name);
    assert_int_not_equal(X509_sign(certificate, key, EVP_sha256()), 0);
    PEM_write_bio_X509(texts[0], certificate);
    PEM_write_bio_PrivateKey(texts[1], key, NULL, NULL, 0, NULL, NULL);
    buf_add(&pair.certificate_pem, take_text(texts[0]));
    buf_add(&pair.key_pem, take_text(texts[1]));
    BIO_free(texts[0]);
    BIO_free(texts[1]);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return pair;
}

/* RFC 9051 s11.1: the one suite of TLS 1.2 that every client has, with RSA. */
static void test_the_suite_of_all(void **state)
{
    struct selfsigned pair = make_rsa_pair();
    struct tls_context *context = make_context(&pair, bytes_make(NULL, 0));
    struct buf out = buf_make(100000);
    struct tls_conn *conn = tls_conn_new(context, &out, NULL);
    struct client client;

    (void)state;
    client_init(&client, &pair, TLS1_2_VERSION);
    assert_int_equal(SSL_set_cipher_list(client.ssl, "ECDHE-RSA-AES128-GCM-SHA256"), 1);
    assert_int_equal(handshake(&client, conn, &out, 0), TLS_DONE);
    assert_string_equal(SSL_get_cipher_name(client.ssl), "ECDHE-RSA-AES128-GCM-SHA256");
    client_done(&client);
    tls_conn_free(conn);
    tls_context_free(context);
    buf_done(&out);
    pair_done(&pair);
}

static void test_garbage_is_refused(void **state)
{
    struct selfsigned pair = make_pair("mail.example");
    struct tls_context *context = make_context(&pair, bytes_make(NULL, 0));
    struct buf out = buf_make(100000);
    struct tls_conn *conn = tls_conn_new(context, &out, "imap");

    (void)state;
    assert_int_equal(tls_conn_handshake(conn), TLS_WANT_INPUT);
    tls_conn_feed(conn, BYTES("a1 CAPABILITY\r\n"));
    assert_int_equal(tls_conn_handshake(conn), TLS_FAILED);
    assert_true(strlen(tls_conn_complaint(conn)) > 0);
    tls_conn_free(conn);
    tls_context_free(context);
    buf_done(&out);
    pair_done(&pair);
}

static void test_a_full_output_breaks(void **state)
{
    struct selfsigned pair = make_pair("mail.example");
    struct tls_context *context = make_context(&pair, bytes_make(NULL, 0));
    struct buf out = buf_make(100); /* less than a certificate */
    struct tls_conn *conn = tls_conn_new(context, &out, NULL);
    struct client client;

    (void)state;
    client_init(&client, &pair, TLS1_3_VERSION);
    assert_int_equal(handshake(&client, conn, &out, 0), TLS_FAILED);
    assert_string_equal(tls_conn_complaint(conn), "the peer does not read");
    client_done(&client);
    tls_conn_free(conn);
    tls_context_free(context);
    buf_done(&out);
    pair_done(&pair);
}

static void test_alpn(void **state)
{
    static const struct {
        const char *offer, *ours;
        enum tls_result result;
        const char *chosen;
    } rows[] = {
        { "\4imap", "imap", TLS_DONE, "imap" },
        { "\4pop3\4imap", "imap", TLS_DONE, "imap" },
        { "\2h2", "imap", TLS_FAILED, "" },
        { "\2h2", NULL, TLS_DONE, "" },
    };
    struct selfsigned pair = make_pair("mail.example");
    struct tls_context *context = make_context(&pair, bytes_make(NULL, 0));

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf out = buf_make(100000);
        struct tls_conn *conn = tls_conn_new(context, &out, rows[i].ours);
        const unsigned char *chosen = NULL;
        unsigned len = 0;
        struct client client;

        client_init(&client, &pair, TLS1_3_VERSION);
        SSL_set_alpn_protos(client.ssl, (const unsigned char *)rows[i].offer,
                            (unsigned)strlen(rows[i].offer));
        assert_int_equal(handshake(&client, conn, &out, 0), rows[i].result);
        SSL_get0_alpn_selected(client.ssl, &chosen, &len);
        if (rows[i].result == TLS_DONE)
            ASSERT_BYTES(bytes_make(chosen, len), bytes_from_string(rows[i].chosen));
        client_done(&client);
        tls_conn_free(conn);
        buf_done(&out);
    }
    tls_context_free(context);
    pair_done(&pair);
}

/* One connection in `context`; answers whether it resumed `session`, and gives the next one. */
static bool connect_with(struct tls_context *context, const struct selfsigned *pair,
                         SSL_SESSION *session, SSL_SESSION **out_session)
{
    struct buf out = buf_make(100000);
    struct tls_conn *conn = tls_conn_new(context, &out, NULL);
    struct tls_facts facts;
    struct client client;
    char byte;

    client_init(&client, pair, TLS1_3_VERSION);
    if (session != NULL)
        SSL_set_session(client.ssl, session);
    assert_int_equal(handshake(&client, conn, &out, 0), TLS_DONE);
    tls_conn_facts(conn, &facts);
    assert_int_equal(tls_conn_write(conn, BYTES("x")), TLS_DONE);
    assert_int_equal(carry(&client, conn, &out, 0, read_step), TLS_WANT_INPUT);
    assert_int_equal(SSL_read(client.ssl, &byte, 1), 1); /* takes the tickets in */
    SSL_SESSION_free(session);
    *out_session = SSL_get1_session(client.ssl);
    SSL_set_shutdown(client.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    client_done(&client);
    tls_conn_free(conn);
    buf_done(&out);
    return facts.resumed;
}

static void test_tickets_are_shared_by_key(void **state)
{
    struct selfsigned pair = make_pair("mail.example");
    struct bytes old_key = bytes_make(ticket_keys, 80);
    struct bytes new_key = bytes_make(ticket_keys + 80, 80);
    uint8_t both_raw[160];
    struct tls_context *first = make_context(&pair, old_key);
    struct tls_context *second = make_context(&pair, old_key);
    struct tls_context *both;
    struct tls_context *other = make_context(&pair, new_key);
    SSL_SESSION *session = NULL;

    (void)state;
    memcpy(both_raw, new_key.at, 80);
    memcpy(both_raw + 80, old_key.at, 80);
    both = make_context(&pair, bytes_make(both_raw, 160));
    assert_false(connect_with(first, &pair, NULL, &session));
    assert_true(connect_with(second, &pair, session, &session)); /* another process's */
    assert_true(connect_with(both, &pair, session, &session)); /* opens with the older key */
    assert_true(connect_with(other, &pair, session, &session)); /* ... and seals with the newer */
    assert_false(connect_with(first, &pair, session, &session));
    SSL_SESSION_free(session);
    tls_context_free(first);
    tls_context_free(second);
    tls_context_free(both);
    tls_context_free(other);
    pair_done(&pair);
}

static void test_bad_settings(void **state)
{
    struct selfsigned pair = make_pair("mail.example");
    struct selfsigned other = make_pair("mail.example");
    struct bytes good = buf_bytes(&pair.certificate_pem);
    struct bytes key = buf_bytes(&pair.key_pem);
    const struct {
        struct bytes certificate, key, tickets;
        const char *note;
    } rows[] = {
        { BYTES(""), key, BYTES(""), "certificate" },
        { BYTES("no pem"), key, BYTES(""), "certificate" },
        { key, key, BYTES(""), "certificate" },
        { good, BYTES(""), BYTES(""), "not readable" },
        { good, good, BYTES(""), "not readable" },
        { good, buf_bytes(&other.key_pem), BYTES(""), "does not belong" },
        { good, key, BYTES("short"), "80 bytes" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct tls_settings settings = { rows[i].certificate, rows[i].key, rows[i].tickets,
                                               false };
        struct tls_context *context = NULL;
        struct note why = { "" };

        assert_int_equal(tls_context_new(&settings, &context, &why), ERR_INVALID);
        assert_null(context);
        if (strstr(why.text, rows[i].note) == NULL)
            fail_msg("%zu: %s", i, why.text);
    }
    pair_done(&pair);
    pair_done(&other);
}

static void test_a_context_outlives_its_owner(void **state)
{
    struct selfsigned pair = make_pair("mail.example");
    struct tls_context *context = make_context(&pair, bytes_make(ticket_keys, 80));
    struct buf out = buf_make(100000);
    struct tls_conn *conn = tls_conn_new(context, &out, NULL);
    struct client client;

    (void)state;
    tls_context_free(context); /* a reload */
    client_init(&client, &pair, TLS1_3_VERSION);
    assert_int_equal(handshake(&client, conn, &out, 0), TLS_DONE);
    client_done(&client);
    tls_conn_free(conn);
    tls_conn_free(NULL);
    buf_done(&out);
    pair_done(&pair);
}

static void test_unused_input_is_given_back(void **state)
{
    struct selfsigned pair = make_pair("mail.example");
    struct tls_context *context = make_context(&pair, bytes_make(NULL, 0));
    struct buf out = buf_make(100000);
    struct tls_conn *conn = tls_conn_new(context, &out, NULL);
    struct client client;
    struct bytes unused;
    char *at = NULL;
    size_t len;

    (void)state;
    client_init(&client, &pair, TLS1_3_VERSION);
    assert_int_equal(handshake(&client, conn, &out, 0), TLS_DONE);
    (void)SSL_write(client.ssl, "first", 5);
    (void)SSL_write(client.ssl, "second", 6);
    len = (size_t)BIO_get_mem_data(client.from_us, &at);
    tls_conn_feed(conn, bytes_make(at, len));
    assert_int_equal(read_step(conn), TLS_DONE);
    ASSERT_BYTES(bytes_make(read_room, read_len), BYTES("first"));
    assert_false(tls_conn_has_plain(conn));
    unused = tls_conn_take_unused(conn);
    assert_true(unused.len > 6 && unused.len < len);
    assert_int_equal(read_step(conn), TLS_WANT_INPUT);
    tls_conn_feed(conn, unused);
    assert_int_equal(tls_conn_read(conn, read_room, 3, &read_len), TLS_DONE);
    assert_true(tls_conn_has_plain(conn));
    assert_int_equal(read_step(conn), TLS_DONE);
    ASSERT_BYTES(bytes_make(read_room, read_len), BYTES("ond"));
    client_done(&client);
    tls_conn_free(conn);
    tls_context_free(context);
    buf_done(&out);
    pair_done(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_talk),
        cmocka_unit_test(test_old_versions_are_refused),
        cmocka_unit_test(test_garbage_is_refused),
        cmocka_unit_test(test_the_suite_of_all),
        cmocka_unit_test(test_a_full_output_breaks),
        cmocka_unit_test(test_alpn),
        cmocka_unit_test(test_tickets_are_shared_by_key),
        cmocka_unit_test(test_bad_settings),
        cmocka_unit_test(test_a_context_outlives_its_owner),
        cmocka_unit_test(test_unused_input_is_given_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
