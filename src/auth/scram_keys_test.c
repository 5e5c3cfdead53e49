/* SCRAM keys: derived as RFC 5802 says, false ones steady and distinct. */
#include "auth/scram_keys.h"

#include <gsasl.h>
#include <string.h>

#include "kit/assert_bytes.h"

/* Against libgsasl's own derivation, which the product does not use. */
static void test_same_as_library(void **state)
{
    struct scram_keys keys;
    char salted[64];
    char client_key[64];
    char server_key[64];
    char stored_key[64];

    (void)state;
    assert_int_equal(scram_keys_make(BYTES("pencil"), SCRAM_ITERATIONS_MIN, &keys, NULL), ERR_OK);
    assert_int_equal(keys.iterations, SCRAM_ITERATIONS_MIN);
    assert_int_equal(gsasl_scram_secrets_from_password(
                         GSASL_HASH_SHA256, "pencil", SCRAM_ITERATIONS_MIN, (const char *)keys.salt,
                         SCRAM_SALT_BYTES, salted, client_key, server_key, stored_key),
                     GSASL_OK);
    ASSERT_BYTES(bytes_make(keys.stored_key, SCRAM_KEY_BYTES),
                 bytes_make(stored_key, SCRAM_KEY_BYTES));
    ASSERT_BYTES(bytes_make(keys.server_key, SCRAM_KEY_BYTES),
                 bytes_make(server_key, SCRAM_KEY_BYTES));
}

static void test_salts_differ(void **state)
{
    struct scram_keys first;
    struct scram_keys second;

    (void)state;
    assert_int_equal(scram_keys_make(BYTES("pencil"), SCRAM_ITERATIONS_MIN, &first, NULL), ERR_OK);
    assert_int_equal(scram_keys_make(BYTES("pencil"), SCRAM_ITERATIONS_MIN, &second, NULL), ERR_OK);
    assert_memory_not_equal(first.salt, second.salt, SCRAM_SALT_BYTES);
    assert_memory_not_equal(first.stored_key, second.stored_key, SCRAM_KEY_BYTES);
}

static void test_refuses(void **state)
{
    struct scram_keys keys = { .iterations = 7 };
    struct note why = { "" };

    (void)state;
    assert_int_equal(scram_keys_make(BYTES("p"), SCRAM_ITERATIONS_MIN - 1, &keys, &why),
                     ERR_INVALID);
    assert_non_null(strstr(why.text, "iterations"));
    assert_int_equal(scram_keys_make(BYTES("p"), SCRAM_ITERATIONS_MAX + 1, &keys, &why),
                     ERR_INVALID);
    assert_int_equal(scram_keys_make(BYTES(""), SCRAM_ITERATIONS_MIN, &keys, &why), ERR_INVALID);
    assert_int_equal(keys.iterations, 7);
}

static void test_fake_is_steady(void **state)
{
    static const uint8_t secret[SCRAM_SECRET_BYTES] = { 1, 2, 3 };
    static const uint8_t other[SCRAM_SECRET_BYTES] = { 3, 2, 1 };
    struct scram_keys a;
    struct scram_keys again;
    struct scram_keys b;
    struct scram_keys elsewhere;

    (void)state;
    scram_keys_fake(BYTES("nobody"), secret, 123456, &a);
    scram_keys_fake(BYTES("nobody"), secret, 123456, &again);
    scram_keys_fake(BYTES("nobodx"), secret, 123456, &b);
    scram_keys_fake(BYTES("nobody"), other, 123456, &elsewhere);
    assert_int_equal(a.iterations, 123456);
    assert_memory_equal(&a, &again, sizeof(a));
    assert_memory_not_equal(a.salt, b.salt, SCRAM_SALT_BYTES);
    assert_memory_not_equal(a.salt, elsewhere.salt, SCRAM_SALT_BYTES);
    assert_memory_not_equal(a.stored_key, a.server_key, SCRAM_KEY_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_as_library),
        cmocka_unit_test(test_salts_differ),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_fake_is_steady),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
