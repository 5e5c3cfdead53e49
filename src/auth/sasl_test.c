/* Whole SASL exchanges: PLAIN, LOGIN, and SCRAM against a client written here from RFC 5802 and
 * against libgsasl's. RFC 4616 s2. */
#include "auth/sasl.h"

#include <gsasl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kit/assert_bytes.h"

enum { ITERATIONS = 100000, BINDING_BYTES = 32 };

static const uint8_t binding[BINDING_BYTES] = "0123456789abcdefghijklmnopqrstu";

struct world {
    char directory[64];
    struct accounts *accounts;
    struct login_cache *cache;
    struct sasl *sasl;
};

static const struct mono now = { 1000000 };

static void add(struct world *world, const char *name, const char *password, bool scram)
{
    struct accounts_policy policy = { .scram_iterations = scram ? ITERATIONS : 0 };
    struct accounts_secret secret;
    struct accounts_record record;

    assert_int_equal(accounts_secret_make(bytes_from_string(password), &policy, (struct wall){ 0 },
                                          &secret, NULL),
                     ERR_OK);
    assert_int_equal(accounts_add(world->accounts, bytes_from_string(name), &secret, &record, NULL),
                     ERR_OK);
}

static int build(void **state)
{
    static struct world world;
    struct note why = { "" };

    (void)snprintf(world.directory, sizeof(world.directory), "/tmp/roost-sasl-XXXXXX");
    assert_non_null(mkdtemp(world.directory));
    if (accounts_open(world.directory, &world.accounts, &why) != ERR_OK)
        fail_msg("%s", why.text);
    world.cache = login_cache_new(100, 600000);
    world.sasl = sasl_new(&(struct sasl_options){ .accounts = world.accounts,
                                                  .cache = world.cache,
                                                  .scheme = PASSWORD_YESCRYPT,
                                                  .scram_iterations = ITERATIONS });
    add(&world, "anna", "pencil", true);
    add(&world, "J\xc3\xb6rg", "pa\xc3\x9fwort", true);
    add(&world, "plain", "only", false);
    add(&world, "gone", "away", true);
    assert_int_equal(accounts_set_limits(world.accounts, BYTES("gone"), 0, true, NULL), ERR_OK);
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    char path[96];

    sasl_free(world->sasl);
    login_cache_free(world->cache);
    accounts_close(world->accounts);
    (void)snprintf(path, sizeof(path), "%s/accounts.db", world->directory);
    (void)unlink(path);
    (void)rmdir(world->directory);
    return 0;
}

static struct sasl_exchange *start(struct world *world, const char *mechanism, bool with_binding)
{
    struct sasl_client client = { .tls = true };

    if (with_binding)
        client.channel_binding = bytes_make(binding, BINDING_BYTES);
    return sasl_exchange_new(world->sasl, bytes_from_string(mechanism), &client);
}

static enum sasl_outcome one_step(struct world *world, const char *mechanism, struct bytes in,
                                  char name[ACCOUNT_NAME_BYTES_MAX + 1])
{
    struct sasl_exchange *exchange = start(world, mechanism, false);
    enum sasl_outcome outcome;

    assert_non_null(exchange);
    outcome = sasl_exchange_step(exchange, in, now);
    if (outcome == SASL_SUCCESS)
        (void)snprintf(name, ACCOUNT_NAME_BYTES_MAX + 1, "%.*s",
                       BYTES_ARG(account_name_bytes(&sasl_exchange_record(exchange)->name)));
    sasl_exchange_free(exchange);
    return outcome;
}

static void test_plain(void **state)
{
    static const struct {
        struct bytes message;
        enum sasl_outcome outcome;
        const char *name;
    } cases[] = {
        { { (const uint8_t *)"\0anna\0pencil", 12 }, SASL_SUCCESS, "anna" },
        { { (const uint8_t *)"\0ANNA\0pencil", 12 }, SASL_SUCCESS, "anna" },
        { { (const uint8_t *)"anna\0anna\0pencil", 16 }, SASL_SUCCESS, "anna" },
        { { (const uint8_t *)"\0J\xc3\x96rg\0pa\xc3\x9fwort", 15 }, SASL_SUCCESS, "J\xc3\xb6rg" },
        { { (const uint8_t *)"\0anna\0Pencil", 12 }, SASL_DENIED, NULL },
        { { (const uint8_t *)"\0anna\0pencil2", 13 }, SASL_DENIED, NULL },
        { { (const uint8_t *)"plain\0anna\0pencil", 17 }, SASL_DENIED, NULL },
        { { (const uint8_t *)"\0nobody\0pencil", 14 }, SASL_DENIED, NULL },
        { { (const uint8_t *)"\0gone\0away", 10 }, SASL_DENIED, NULL },
        { { (const uint8_t *)"\0a\xff\0pencil", 10 }, SASL_INVALID, NULL },
        { { (const uint8_t *)"anna", 4 }, SASL_INVALID, NULL },
        { { (const uint8_t *)"\0anna", 5 }, SASL_INVALID, NULL },
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char name[ACCOUNT_NAME_BYTES_MAX + 1];
        enum sasl_outcome outcome = one_step(*state, "PLAIN", cases[i].message, name);

        if (outcome != cases[i].outcome)
            fail_msg("case %zu: outcome %d", i, (int)outcome);
        if (outcome == SASL_SUCCESS)
            assert_string_equal(name, cases[i].name);
    }
}

static void test_plain_in_two_steps(void **state)
{
    struct sasl_exchange *exchange = start(*state, "PLAIN", true);

    assert_int_equal(sasl_exchange_step(exchange, (struct bytes){ NULL, 0 }, now), SASL_CHALLENGE);
    assert_int_equal(sasl_exchange_output(exchange).len, 0);
    assert_int_equal(sasl_exchange_step(exchange, BYTES("\0anna\0wrong"), now), SASL_DENIED);
    ASSERT_BYTES(sasl_exchange_name(exchange), BYTES("anna"));
    assert_true(sasl_exchange_fingerprint(exchange) != 0);
    sasl_exchange_free(exchange);
}

static void test_login(void **state)
{
    struct sasl_exchange *exchange = start(*state, "LOGIN", true);

    assert_int_equal(sasl_exchange_step(exchange, BYTES(""), now), SASL_CHALLENGE);
    ASSERT_BYTES(sasl_exchange_output(exchange), BYTES("User Name"));
    assert_int_equal(sasl_exchange_step(exchange, BYTES("anna"), now), SASL_CHALLENGE);
    ASSERT_BYTES(sasl_exchange_output(exchange), BYTES("Password"));
    assert_int_equal(sasl_exchange_step(exchange, BYTES("pencil"), now), SASL_SUCCESS);
    sasl_exchange_free(exchange);
}

/* A second login with the same password needs no hash; a changed one is seen at once. */
static void test_cache(void **state)
{
    struct world *world = *state;
    struct accounts_secret secret = { 0 };
    struct accounts_record record;
    char name[ACCOUNT_NAME_BYTES_MAX + 1];

    add(world, "cached", "first", false);
    assert_int_equal(one_step(world, "PLAIN", BYTES("\0cached\0first"), name), SASL_SUCCESS);
    assert_int_equal(accounts_find(world->accounts, BYTES("cached"), &record, &secret), ERR_OK);
    assert_true(login_cache_holds(world->cache, &record.id, &secret.hash, BYTES("first"), now));
    assert_int_equal(one_step(world, "PLAIN", BYTES("\0cached\0wrong"), name), SASL_DENIED);
    assert_false(login_cache_holds(world->cache, &record.id, &secret.hash, BYTES("wrong"), now));
    assert_int_equal(password_hash(BYTES("second"), PASSWORD_YESCRYPT, &secret.hash, NULL), ERR_OK);
    assert_int_equal(
        accounts_set_password(world->accounts, BYTES("cached"), &secret, &record, NULL), ERR_OK);
    assert_int_equal(one_step(world, "PLAIN", BYTES("\0cached\0first"), name), SASL_DENIED);
    assert_int_equal(one_step(world, "PLAIN", BYTES("\0cached\0second"), name), SASL_SUCCESS);
    assert_int_equal(accounts_set_limits(world->accounts, BYTES("cached"), 0, true, NULL), ERR_OK);
    assert_int_equal(one_step(world, "PLAIN", BYTES("\0cached\0second"), name), SASL_DENIED);
}

static void test_what_is_allowed(void **state)
{
    static const struct {
        const char *mechanism;
        bool tls;
        bool loopback;
        bool binding;
        bool allowed;
    } cases[] = {
        { "PLAIN", true, false, false, true },
        { "PLAIN", false, true, false, true },
        { "PLAIN", false, false, false, false },
        { "LOGIN", false, false, false, false },
        { "LOGIN", false, true, false, true },
        { "SCRAM-SHA-256", false, false, false, true },
        { "SCRAM-SHA-256-PLUS", true, false, true, true },
        { "SCRAM-SHA-256-PLUS", true, false, false, false },
        { "SCRAM-SHA-1", true, true, true, false },
        { "CRAM-MD5", true, true, true, false },
        { "plain", true, true, true, false },
        { "", true, true, true, false },
    };
    struct world *world = *state;

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct sasl_client client = { .tls = cases[i].tls, .loopback = cases[i].loopback };
        struct sasl_exchange *exchange;

        if (cases[i].binding)
            client.channel_binding = bytes_make(binding, BINDING_BYTES);
        exchange = sasl_exchange_new(world->sasl, bytes_from_string(cases[i].mechanism), &client);
        assert_int_equal(exchange != NULL, cases[i].allowed);
        sasl_exchange_free(exchange);
    }
}

static void test_limits(void **state)
{
    static uint8_t large[SASL_MESSAGE_BYTES_MAX + 1];
    struct sasl_exchange *exchange = start(*state, "PLAIN", false);

    memset(large, 'a', sizeof(large));
    large[0] = 0;
    large[5] = 0;
    assert_int_equal(sasl_exchange_step(exchange, bytes_make(large, sizeof(large)), now),
                     SASL_INVALID);
    sasl_exchange_free(exchange);
    exchange = start(*state, "PLAIN", false);
    assert_int_equal(sasl_exchange_step(exchange, bytes_make(large, sizeof(large) - 1), now),
                     SASL_DENIED);
    sasl_exchange_free(exchange);
}

/* A client after RFC 5802 section 3 and 5, from its text alone. */
struct scram_client {
    const char *gs2; /* "n,,", "y,,", "p=tls-exporter,," */
    bool bound; /* sends the channel's bytes */
    char bare[256]; /* client-first-message-bare */
    char server_first[512];
    uint8_t server_signature[32];
    bool spoil_proof;
    bool spoil_nonce;
};

static void base64(const uint8_t *at, size_t len, char *out)
{
    EVP_EncodeBlock((unsigned char *)out, at, (int)len);
}

static void mac(const uint8_t *key, const char *text, uint8_t out[32])
{
    assert_non_null(HMAC(EVP_sha256(), key, 32, (const uint8_t *)text, strlen(text), out, NULL));
}

static void client_first(struct scram_client *client, const char *name, char *out, size_t out_bytes)
{
    (void)snprintf(client->bare, sizeof(client->bare), "n=%s,r=rOprNGfwEbeRWgbNEkqO", name);
    (void)snprintf(out, out_bytes, "%s%s", client->gs2, client->bare);
}

static void read_server_first(struct scram_client *client, char nonce[128], uint8_t *salt,
                              int *salt_len, int *iterations)
{
    char salt_text[128];
    size_t text_len;

    assert_int_equal(
        sscanf(client->server_first, "r=%127[^,],s=%127[^,],i=%d", nonce, salt_text, iterations),
        3);
    text_len = strlen(salt_text);
    *salt_len = EVP_DecodeBlock(salt, (const unsigned char *)salt_text, (int)text_len);
    while (text_len > 0 && salt_text[--text_len] == '=')
        (*salt_len)--;
}

static void client_final(struct scram_client *client, const char *password, char *out,
                         size_t out_bytes)
{
    uint8_t salt[128], salted[32], client_key[32], stored[32], signature[32], server_key[32];
    char nonce[128], cbind[256], without_proof[512], auth_message[1400], proof[64];
    int salt_len = 0, iterations = 0;
    uint8_t cbind_raw[96];
    size_t cbind_len = strlen(client->gs2);

    read_server_first(client, nonce, salt, &salt_len, &iterations);
    assert_true(iterations >= ITERATIONS);
    assert_memory_equal(nonce, "rOprNGfwEbeRWgbNEkqO", 20);
    assert_true(strlen(nonce) > 30);
    memcpy(cbind_raw, client->gs2, cbind_len);
    if (client->bound) {
        memcpy(cbind_raw + cbind_len, binding, BINDING_BYTES);
        cbind_len += BINDING_BYTES;
    }
    base64(cbind_raw, cbind_len, cbind);
    if (client->spoil_nonce)
        nonce[25] ^= 1;
    (void)snprintf(without_proof, sizeof(without_proof), "c=%s,r=%s", cbind, nonce);
    (void)snprintf(auth_message, sizeof(auth_message), "%s,%s,%s", client->bare,
                   client->server_first, without_proof);
    PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt, salt_len, iterations, EVP_sha256(), 32,
                      salted);
    mac(salted, "Client Key", client_key);
    SHA256(client_key, 32, stored);
    mac(stored, auth_message, signature);
    for (size_t i = 0; i < 32; i++)
        client_key[i] ^= signature[i];
    client_key[7] ^= client->spoil_proof;
    mac(salted, "Server Key", server_key);
    mac(server_key, auth_message, client->server_signature);
    base64(client_key, 32, proof);
    (void)snprintf(out, out_bytes, "%s,p=%s", without_proof, proof);
}

/* The whole exchange; where it ends early, that outcome. */
static enum sasl_outcome scram(struct world *world, const char *mechanism, bool with_binding,
                               struct scram_client *client, const char *credentials[2])
{
    struct sasl_exchange *exchange = start(world, mechanism, with_binding);
    enum sasl_outcome outcome;
    char message[1024];

    assert_non_null(exchange);
    client_first(client, credentials[0], message, sizeof(message));
    outcome = sasl_exchange_step(exchange, bytes_from_string(message), now);
    if (outcome == SASL_CHALLENGE) {
        (void)snprintf(client->server_first, sizeof(client->server_first), "%.*s",
                       BYTES_ARG(sasl_exchange_output(exchange)));
        client_final(client, credentials[1], message, sizeof(message));
        outcome = sasl_exchange_step(exchange, bytes_from_string(message), now);
    }
    if (outcome == SASL_CHALLENGE) {
        char want[80] = "v=";

        base64(client->server_signature, 32, want + 2);
        ASSERT_BYTES(sasl_exchange_output(exchange), bytes_from_string(want));
        outcome = sasl_exchange_step(exchange, BYTES(""), now);
    }
    sasl_exchange_free(exchange);
    return outcome;
}

static void test_scram(void **state)
{
    static const struct {
        const char *mechanism;
        bool with_binding; /* the server has one */
        struct scram_client client;
        const char *credentials[2];
        enum sasl_outcome outcome;
    } cases[] = {
        { "SCRAM-SHA-256", false, { .gs2 = "n,," }, { "anna", "pencil" }, SASL_SUCCESS },
        { "SCRAM-SHA-256", true, { .gs2 = "n,," }, { "anna", "pencil" }, SASL_SUCCESS },
        { "SCRAM-SHA-256", false, { .gs2 = "y,," }, { "anna", "pencil" }, SASL_SUCCESS },
        { "SCRAM-SHA-256", false, { .gs2 = "n,," }, { "ANNA", "pencil" }, SASL_SUCCESS },
        { "SCRAM-SHA-256", false, { .gs2 = "n,a=anna," }, { "anna", "pencil" }, SASL_SUCCESS },
        { "SCRAM-SHA-256",
          false,
          { .gs2 = "n,," },
          { "J\xc3\xb6rg", "pa\xc3\x9fwort" },
          SASL_SUCCESS },
        { "SCRAM-SHA-256-PLUS",
          true,
          { .gs2 = "p=tls-exporter,,", .bound = true },
          { "anna", "pencil" },
          SASL_SUCCESS },
        /* RFC 5802 section 6: somebody hid -PLUS from the client. */
        { "SCRAM-SHA-256", true, { .gs2 = "y,," }, { "anna", "pencil" }, SASL_DENIED },
        { "SCRAM-SHA-256", false, { .gs2 = "n,a=plain," }, { "anna", "pencil" }, SASL_DENIED },
        { "SCRAM-SHA-256", false, { .gs2 = "n,," }, { "anna", "Pencil" }, SASL_DENIED },
        { "SCRAM-SHA-256", false, { .gs2 = "n,," }, { "nobody", "pencil" }, SASL_DENIED },
        { "SCRAM-SHA-256", false, { .gs2 = "n,," }, { "gone", "away" }, SASL_DENIED },
        { "SCRAM-SHA-256", false, { .gs2 = "n,," }, { "plain", "only" }, SASL_DENIED },
        { "SCRAM-SHA-256",
          false,
          { .gs2 = "n,,", .spoil_proof = true },
          { "anna", "pencil" },
          SASL_DENIED },
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct scram_client client = cases[i].client;
        const char *credentials[2] = { cases[i].credentials[0], cases[i].credentials[1] };
        enum sasl_outcome outcome =
            scram(*state, cases[i].mechanism, cases[i].with_binding, &client, credentials);

        if (outcome != cases[i].outcome)
            fail_msg("case %zu: outcome %d", i, (int)outcome);
    }
}

/* Neither may get through; which of the two refusals it is does not matter. */
static void test_scram_broken(void **state)
{
    static const struct {
        const char *mechanism;
        struct scram_client client;
    } cases[] = {
        { "SCRAM-SHA-256", { .gs2 = "n,,", .spoil_nonce = true } },
        { "SCRAM-SHA-256-PLUS", { .gs2 = "p=tls-exporter,,", .bound = false } },
        { "SCRAM-SHA-256-PLUS", { .gs2 = "p=tls-unique,,", .bound = true } },
        { "SCRAM-SHA-256-PLUS", { .gs2 = "n,,", .bound = false } },
        { "SCRAM-SHA-256-PLUS", { .gs2 = "y,,", .bound = false } },
        { "SCRAM-SHA-256", { .gs2 = "q,," } },
    };
    const char *credentials[2] = { "anna", "pencil" };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct scram_client client = cases[i].client;
        enum sasl_outcome outcome = scram(*state, cases[i].mechanism, true, &client, credentials);

        if (outcome != SASL_DENIED && outcome != SASL_INVALID)
            fail_msg("case %zu: outcome %d", i, (int)outcome);
    }
}

static void first_answer(struct world *world, const char *name, char salt[128])
{
    struct sasl_exchange *exchange = start(world, "SCRAM-SHA-256", false);
    struct scram_client client = { .gs2 = "n,," };
    char message[256];
    char nonce[128];
    char text[512];
    int iterations = 0;

    client_first(&client, name, message, sizeof(message));
    assert_int_equal(sasl_exchange_step(exchange, bytes_from_string(message), now), SASL_CHALLENGE);
    (void)snprintf(text, sizeof(text), "%.*s", BYTES_ARG(sasl_exchange_output(exchange)));
    assert_int_equal(sscanf(text, "r=%127[^,],s=%127[^,],i=%d", nonce, salt, &iterations), 3);
    assert_int_equal(iterations, ITERATIONS);
    assert_int_equal(strlen(salt), 24);
    sasl_exchange_free(exchange);
}

/* Asking twice must not tell a name that exists from one that does not. */
static void test_scram_hides_names(void **state)
{
    char known[2][128];
    char unknown[2][128];
    char other[128];

    first_answer(*state, "anna", known[0]);
    first_answer(*state, "Anna", known[1]);
    first_answer(*state, "nobody", unknown[0]);
    first_answer(*state, "Nobody", unknown[1]);
    first_answer(*state, "plain", other);
    assert_string_equal(known[0], known[1]);
    assert_string_equal(unknown[0], unknown[1]);
    assert_string_not_equal(unknown[0], other);
}

/* Without an initial response the client speaks second, and is held to the same rules. */
static void test_scram_late_start(void **state)
{
    static const struct {
        const char *gs2;
        enum sasl_outcome outcome;
    } cases[] = { { "n,,", SASL_CHALLENGE }, { "y,,", SASL_DENIED } };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct sasl_exchange *exchange = start(*state, "SCRAM-SHA-256", true);
        struct scram_client client = { .gs2 = cases[i].gs2 };
        char message[256];

        client_first(&client, "anna", message, sizeof(message));
        assert_int_equal(sasl_exchange_step(exchange, BYTES(""), now), SASL_CHALLENGE);
        assert_int_equal(sasl_exchange_output(exchange).len, 0);
        assert_int_equal(sasl_exchange_step(exchange, bytes_from_string(message), now),
                         cases[i].outcome);
        sasl_exchange_free(exchange);
    }
}

/* The last challenge must be answered with nothing. */
static void test_scram_end(void **state)
{
    struct sasl_exchange *exchange = start(*state, "SCRAM-SHA-256", false);
    struct scram_client client = { .gs2 = "n,," };
    char message[1024];

    client_first(&client, "anna", message, sizeof(message));
    assert_int_equal(sasl_exchange_step(exchange, bytes_from_string(message), now), SASL_CHALLENGE);
    (void)snprintf(client.server_first, sizeof(client.server_first), "%.*s",
                   BYTES_ARG(sasl_exchange_output(exchange)));
    client_final(&client, "pencil", message, sizeof(message));
    assert_int_equal(sasl_exchange_step(exchange, bytes_from_string(message), now), SASL_CHALLENGE);
    assert_int_equal(sasl_exchange_step(exchange, BYTES("more"), now), SASL_INVALID);
    sasl_exchange_free(exchange);
}

static int client_answers(Gsasl *library, Gsasl_session *session, Gsasl_property property)
{
    char text[128];

    (void)library;
    switch ((int)property) {
    case GSASL_AUTHID: return gsasl_property_set(session, property, "anna");
    case GSASL_PASSWORD: return gsasl_property_set(session, property, "pencil");
    case GSASL_CB_TLS_EXPORTER:
        base64(binding, BINDING_BYTES, text);
        return gsasl_property_set(session, property, text);
    default: return GSASL_NO_CALLBACK;
    }
}

static void test_library_client(void **state)
{
    static const char *const mechanisms[] = { "SCRAM-SHA-256-PLUS", "PLAIN", "LOGIN" };
    Gsasl *library = NULL;

    assert_int_equal(gsasl_init(&library), GSASL_OK);
    gsasl_callback_set(library, client_answers);
    for (size_t i = 0; i < ARRAY_COUNT(mechanisms); i++) {
        struct sasl_exchange *exchange = start(*state, mechanisms[i], true);
        enum sasl_outcome outcome = SASL_CHALLENGE;
        Gsasl_session *session = NULL;
        struct bytes challenge = { NULL, 0 };

        assert_int_equal(gsasl_client_start(library, mechanisms[i], &session), GSASL_OK);
        for (int step = 0; outcome == SASL_CHALLENGE && step < 5; step++) {
            char *out = NULL;
            size_t out_len = 0;

            if (i != 2 || step > 0)
                assert_true(gsasl_step(session, (const char *)challenge.at, challenge.len, &out,
                                       &out_len) <= GSASL_NEEDS_MORE);
            outcome = sasl_exchange_step(exchange, bytes_make(out, out_len), now);
            challenge = sasl_exchange_output(exchange);
            free(out);
        }
        assert_int_equal(outcome, SASL_SUCCESS);
        gsasl_finish(session);
        sasl_exchange_free(exchange);
    }
    gsasl_done(library);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_plain_in_two_steps),
        cmocka_unit_test(test_login),
        cmocka_unit_test(test_cache),
        cmocka_unit_test(test_what_is_allowed),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_scram),
        cmocka_unit_test(test_scram_broken),
        cmocka_unit_test(test_scram_hides_names),
        cmocka_unit_test(test_scram_end),
        cmocka_unit_test(test_library_client),
        cmocka_unit_test(test_scram_late_start),
    };

    return cmocka_run_group_tests(tests, build, tear_down);
}
