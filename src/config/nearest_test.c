/* Mistyped names find the right one, and strange ones none. */
#include "config/nearest.h"

#include "kit/assert_bytes.h"

static void test_distance(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        size_t distance;
    } cases[] = {
        { "", "", 0 },
        { "", "abc", 3 },
        { "abc", "", 3 },
        { "listen", "listen", 0 },
        { "Listen", "lISTEN", 0 },
        { "litsen", "listen", 1 },
        { "kitten", "sitting", 3 },
        { "ab", "ba", 1 },
        { "abcd", "badc", 2 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        assert_int_equal(
            nearest_distance(bytes_from_string(cases[i].a), bytes_from_string(cases[i].b)),
            cases[i].distance);
}

static const char *find(const char *word)
{
    struct nearest nearest = nearest_make(bytes_from_string(word));

    nearest_offer(&nearest, "imap.listen");
    nearest_offer(&nearest, "imaps.listen");
    nearest_offer(&nearest, "run");
    nearest_offer(&nearest, "data");
    return nearest.name;
}

static void test_offers(void **state)
{
    char long_word[NEAREST_BYTES_MAX + 2];

    (void)state;
    assert_string_equal(find("imap.lsiten"), "imap.listen");
    assert_string_equal(find("imaps.lsten"), "imaps.listen");
    assert_string_equal(find("dat"), "data");
    assert_string_equal(find("rnu"), "run");
    assert_null(find("xyz"));
    assert_null(find(""));
    for (size_t i = 0; i < sizeof(long_word); i++)
        long_word[i] = i + 1 < sizeof(long_word) ? 'a' : '\0';
    assert_null(find(long_word));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distance),
        cmocka_unit_test(test_offers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
