/* Texts kept for searches, against a plain list of them. */
#include "search/texts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "kit/assert_bytes.h"
#include "kit/random.h"

static const struct account_id ann = { "account of ann ." };
static const struct account_id bob = { "account of bob ." };

static struct search_field from_of(const struct account_id *account)
{
    return (struct search_field){ *account, BYTES("From") };
}

static void add(struct search_texts *texts, const struct account_id *account, uint64_t body,
                struct bytes text)
{
    struct search_field field = from_of(account);

    search_texts_add(texts, &field, (struct body_id){ body }, text);
}

static bool get(struct search_texts *texts, const struct account_id *account, uint64_t body,
                struct bytes *out_text)
{
    struct search_field field = { *account, BYTES("fROM") };
    const struct search_page *page = search_texts_page(texts, &field, (struct body_id){ body });

    return page != NULL && search_page_text(page, (struct body_id){ body }, out_text);
}

static void test_keeps_apart(void **state)
{
    struct search_texts *texts = search_texts_new(1 << 20);
    struct search_field subject = { ann, BYTES("Subject") };
    struct bytes text;

    (void)state;
    add(texts, &ann, 5, BYTES("ANN\0"));
    add(texts, &bob, 5, BYTES("BOB\0"));
    add(texts, &ann, 6, BYTES(""));
    add(texts, &ann, 5, BYTES("again\0")); /* a body does not change */
    assert_true(get(texts, &ann, 5, &text));
    ASSERT_BYTES(text, BYTES("ANN\0"));
    assert_true(get(texts, &bob, 5, &text));
    ASSERT_BYTES(text, BYTES("BOB\0"));
    assert_true(get(texts, &ann, 6, &text));
    assert_int_equal(text.len, 0);
    assert_false(get(texts, &ann, 7, &text));
    assert_false(get(texts, &ann, 5 + SEARCH_PAGE_BODIES, &text));
    assert_null(search_texts_page(texts, &subject, (struct body_id){ 5 }));
    search_texts_forget(texts, &ann);
    assert_false(get(texts, &ann, 5, &text));
    assert_true(get(texts, &bob, 5, &text));
    search_texts_free(texts);
    search_texts_forget(NULL, &ann);
    search_texts_free(NULL);
}

static void test_limits(void **state)
{
    static uint8_t bytes[SEARCH_TEXT_BYTES_MAX + 1];
    struct search_texts *texts = search_texts_new(200000);
    struct search_field long_name = { ann, bytes_make(bytes, SEARCH_FIELD_BYTES_MAX + 1) };
    struct bytes text;

    (void)state;
    memset(bytes, 'x', sizeof(bytes));
    add(texts, &ann, 1, bytes_make(bytes, SEARCH_TEXT_BYTES_MAX));
    assert_true(get(texts, &ann, 1, &text));
    add(texts, &ann, 2, bytes_make(bytes, SEARCH_TEXT_BYTES_MAX + 1));
    assert_false(get(texts, &ann, 2, &text));
    search_texts_add(texts, &long_name, (struct body_id){ 1 }, BYTES("x"));
    assert_null(search_texts_page(texts, &long_name, (struct body_id){ 1 }));
    long_name.name.len--;
    search_texts_add(texts, &long_name, (struct body_id){ 1 }, BYTES("x"));
    assert_non_null(search_texts_page(texts, &long_name, (struct body_id){ 1 }));
    /* Pages used least recently go; ann's is asked for each time. */
    for (uint64_t page = 1; page < 40; page++) {
        add(texts, &bob, page * SEARCH_PAGE_BODIES, BYTES("X"));
        assert_true(get(texts, &ann, 1, &text));
        assert_true(search_texts_bytes(texts) <= 200000);
    }
    assert_true(get(texts, &bob, 39 * SEARCH_PAGE_BODIES, &text));
    assert_false(get(texts, &bob, SEARCH_PAGE_BODIES, &text));
    for (uint64_t more = 0; more < 40; more++)
        add(texts, &bob, (100 + more) * SEARCH_PAGE_BODIES, BYTES("X"));
    assert_false(get(texts, &ann, 1, &text));
    assert_true(search_texts_bytes(texts) <= 200000);
    search_texts_free(texts);
}

enum { BODIES = 3 * SEARCH_PAGE_BODIES, WORD_MAX = 12 };

static void test_random(void **state)
{
    const char *given = getenv("ROOST_TEST_SEED");
    struct test_random random = { given == NULL ? (uint64_t)time(NULL)
                                                : strtoull(given, NULL, 10) };
    struct search_texts *texts = search_texts_new(1 << 24);
    static uint8_t words[BODIES][WORD_MAX];
    static size_t lens[BODIES];
    static bool known[BODIES];
    struct search_field field = from_of(&ann);

    (void)state;
    print_message("ROOST_TEST_SEED=%llu\n", (unsigned long long)random.state);
    for (int i = 0; i < 2 * BODIES; i++) {
        uint64_t body = test_random_below(&random, BODIES);

        if (known[body])
            continue;
        known[body] = true;
        lens[body] = (size_t)test_random_below(&random, WORD_MAX);
        for (size_t j = 0; j < lens[body]; j++)
            words[body][j] = (uint8_t)("AB\0"[test_random_below(&random, 3)]);
        if (lens[body] > 0)
            words[body][lens[body] - 1] = 0;
        add(texts, &ann, body, bytes_make(words[body], lens[body]));
    }
    for (int i = 0; i < 200; i++) {
        uint64_t body = test_random_below(&random, BODIES);
        size_t key_len = 1 + (size_t)test_random_below(&random, 6);
        const struct search_page *page = search_texts_page(texts, &field, (struct body_id){ body });
        uint64_t hits[SEARCH_PAGE_BODIES / 64];
        uint8_t key[6];

        for (size_t j = 0; j < key_len; j++)
            key[j] = (uint8_t)("AB"[test_random_below(&random, 2)]);
        assert_non_null(page);
        search_page_find(page, bytes_make(key, key_len), hits);
        body -= body % SEARCH_PAGE_BODIES;
        for (uint64_t place = 0; place < SEARCH_PAGE_BODIES; place++) {
            struct bytes text = bytes_make(words[body + place], lens[body + place]);
            bool wanted =
                known[body + place] && bytes_find(text, 0, bytes_make(key, key_len)) < text.len;

            assert_int_equal(hits[place / 64] >> place % 64 & 1, wanted);
        }
    }
    search_texts_free(texts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keeps_apart),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
