/* Verified logins: held for their time, for their password, within their number. */
#include "auth/login_cache.h"

#include "kit/assert_bytes.h"

enum { KEEP_MS = 600000 };

static const struct accounts_id anna = { { 1 } };
static const struct accounts_id bert = { { 2 } };
static const struct password_hash old_hash = { "$y$old" };
static const struct password_hash new_hash = { "$y$new" };

static struct mono at(int64_t ms)
{
    return (struct mono){ 1000000 + ms };
}

static void test_holds(void **state)
{
    struct login_cache *cache = login_cache_new(10, KEEP_MS);

    (void)state;
    assert_false(login_cache_holds(cache, &anna, &old_hash, BYTES("pw"), at(0)));
    login_cache_put(cache, &anna, &old_hash, BYTES("pw"), at(0));
    assert_true(login_cache_holds(cache, &anna, &old_hash, BYTES("pw"), at(0)));
    assert_false(login_cache_holds(cache, &anna, &old_hash, BYTES("pW"), at(0)));
    assert_false(login_cache_holds(cache, &anna, &old_hash, BYTES(""), at(0)));
    assert_false(login_cache_holds(cache, &bert, &old_hash, BYTES("pw"), at(0)));
    assert_false(login_cache_holds(cache, &anna, &new_hash, BYTES("pw"), at(0)));
    login_cache_free(cache);
}

static void test_expires(void **state)
{
    struct login_cache *cache = login_cache_new(10, KEEP_MS);

    (void)state;
    login_cache_put(cache, &anna, &old_hash, BYTES("pw"), at(0));
    assert_true(login_cache_holds(cache, &anna, &old_hash, BYTES("pw"), at(KEEP_MS - 1)));
    assert_false(login_cache_holds(cache, &anna, &old_hash, BYTES("pw"), at(KEEP_MS)));
    login_cache_put(cache, &anna, &old_hash, BYTES("pw"), at(KEEP_MS));
    assert_true(login_cache_holds(cache, &anna, &old_hash, BYTES("pw"), at(2 * KEEP_MS - 1)));
    login_cache_free(cache);
}

static void test_drop(void **state)
{
    struct login_cache *cache = login_cache_new(10, KEEP_MS);

    (void)state;
    login_cache_put(cache, &anna, &old_hash, BYTES("pw"), at(0));
    login_cache_put(cache, &bert, &old_hash, BYTES("pw"), at(0));
    login_cache_drop(cache, &anna);
    login_cache_drop(cache, &anna);
    assert_false(login_cache_holds(cache, &anna, &old_hash, BYTES("pw"), at(1)));
    assert_true(login_cache_holds(cache, &bert, &old_hash, BYTES("pw"), at(1)));
    login_cache_free(cache);
}

static void test_limit(void **state)
{
    struct login_cache *cache = login_cache_new(3, KEEP_MS);
    struct accounts_id ids[4] = { { { 10 } }, { { 11 } }, { { 12 } }, { { 13 } } };

    (void)state;
    for (size_t i = 0; i < 3; i++)
        login_cache_put(cache, &ids[i], &old_hash, BYTES("pw"), at((int64_t)i));
    login_cache_put(cache, &ids[0], &old_hash, BYTES("pw"), at(3));
    login_cache_put(cache, &ids[3], &old_hash, BYTES("pw"), at(4));
    assert_true(login_cache_holds(cache, &ids[0], &old_hash, BYTES("pw"), at(5)));
    assert_false(login_cache_holds(cache, &ids[1], &old_hash, BYTES("pw"), at(5)));
    assert_true(login_cache_holds(cache, &ids[2], &old_hash, BYTES("pw"), at(5)));
    assert_true(login_cache_holds(cache, &ids[3], &old_hash, BYTES("pw"), at(5)));
    login_cache_free(cache);
}

static void test_off(void **state)
{
    struct login_cache *cache = login_cache_new(3, 0);

    (void)state;
    login_cache_put(cache, &anna, &old_hash, BYTES("pw"), at(0));
    assert_false(login_cache_holds(cache, &anna, &old_hash, BYTES("pw"), at(0)));
    login_cache_free(cache);
}

static void test_fingerprint(void **state)
{
    struct login_cache *cache = login_cache_new(3, KEEP_MS);
    struct login_cache *other = login_cache_new(3, KEEP_MS);
    uint64_t print = login_cache_fingerprint(cache, BYTES("anna"), BYTES("pw"));

    (void)state;
    assert_true(print == login_cache_fingerprint(cache, BYTES("anna"), BYTES("pw")));
    assert_true(print != login_cache_fingerprint(cache, BYTES("annap"), BYTES("w")));
    assert_true(print != login_cache_fingerprint(cache, BYTES("anna"), BYTES("px")));
    assert_true(print != login_cache_fingerprint(other, BYTES("anna"), BYTES("pw")));
    login_cache_free(cache);
    login_cache_free(other);
    login_cache_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holds), cmocka_unit_test(test_expires),
        cmocka_unit_test(test_drop),  cmocka_unit_test(test_limit),
        cmocka_unit_test(test_off),   cmocka_unit_test(test_fingerprint),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
