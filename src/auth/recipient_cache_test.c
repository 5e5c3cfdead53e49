/* The cache of recipients. */
#include "auth/recipient_cache.h"

#include <stdio.h>
#include <string.h>

#include "kit/assert_bytes.h"

static struct accounts_record record_of(uint64_t quota)
{
    return (struct accounts_record){ .quota_bytes = quota };
}

static void test_what_was_put_is_found(void **state)
{
    struct recipient_cache *cache = recipient_cache_new(7);
    struct accounts_record found;
    struct accounts_record anna = record_of(1);

    (void)state;
    assert_false(recipient_cache_find(cache, BYTES("anna"), 0, &found));
    assert_false(recipient_cache_find(cache, BYTES(""), 0, &found));
    recipient_cache_put(cache, BYTES("anna"), 3, &anna);
    assert_true(recipient_cache_find(cache, BYTES("anna"), 3, &found));
    assert_int_equal(found.quota_bytes, 1);
    assert_false(recipient_cache_find(cache, BYTES("Anna"), 3, &found));
    assert_false(recipient_cache_find(cache, BYTES("anna"), 4, &found)); /* something changed */
    anna = record_of(2);
    recipient_cache_put(cache, BYTES("anna"), 4, &anna);
    assert_true(recipient_cache_find(cache, BYTES("anna"), 4, &found));
    assert_int_equal(found.quota_bytes, 2);
    recipient_cache_free(cache);
}

/* More than there are places: each is there or not, and never another one. */
static void test_many(void **state)
{
    enum { MANY = 5 * RECIPIENT_CACHE_ENTRIES };
    struct recipient_cache *cache = recipient_cache_new(1);
    unsigned found = 0;

    (void)state;
    for (uint64_t i = 0; i < MANY; i++) {
        char address[32];
        struct accounts_record record = record_of(i);

        (void)snprintf(address, sizeof(address), "user%llu@example.org", (unsigned long long)i);
        recipient_cache_put(cache, bytes_from_string(address), 1, &record);
    }
    for (uint64_t i = 0; i < MANY; i++) {
        char address[32];
        struct accounts_record record;

        (void)snprintf(address, sizeof(address), "user%llu@example.org", (unsigned long long)i);
        if (!recipient_cache_find(cache, bytes_from_string(address), 1, &record))
            continue;
        assert_int_equal(record.quota_bytes, i);
        found++;
    }
    assert_in_range(found, RECIPIENT_CACHE_ENTRIES / 2, RECIPIENT_CACHE_ENTRIES);
    recipient_cache_free(cache);
}

static void test_a_long_address_is_not_kept(void **state)
{
    struct recipient_cache *cache = recipient_cache_new(1);
    struct accounts_record record = record_of(1);
    uint8_t address[RECIPIENT_CACHE_ADDRESS_MAX + 1];

    (void)state;
    memset(address, 'a', sizeof(address));
    for (size_t len = sizeof(address) - 1; len <= sizeof(address); len++) {
        recipient_cache_put(cache, bytes_make(address, len), 1, &record);
        assert_int_equal(recipient_cache_find(cache, bytes_make(address, len), 1, &record),
                         len <= RECIPIENT_CACHE_ADDRESS_MAX);
    }
    recipient_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_put_is_found),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_a_long_address_is_not_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
