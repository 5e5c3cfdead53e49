/* Names of accounts: rules, folding, addresses. */
#include "auth/name.h"

#include <stdio.h>
#include <string.h>

#include "kit/assert_bytes.h"

static void test_check_accepts(void **state)
{
    static const char *const names[] = {
        "a",
        "demo",
        "Anna.Schmidt",
        "anna@example.org",
        "o'brien",
        "x_y-z",
        "J\xc3\xb6rg",
        "\xe7\x94\xa8\xe6\x88\xb7@\xe4\xbe\x8b.org",
        "a=b",
        "a!b",
        "0",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        struct account_name name;
        struct note why = { "" };

        assert_int_equal(account_name_check(bytes_from_string(names[i]), &name, &why), ERR_OK);
        ASSERT_BYTES(account_name_bytes(&name), bytes_from_string(names[i]));
        assert_string_equal(why.text, "");
    }
}

static void test_check_refuses(void **state)
{
    static const struct {
        const char *name;
        const char *why;
    } cases[] = {
        { "", "empty" },
        { "a/b", "must not hold '/'" },
        { "..", "start with '.'" },
        { "a\\b", "must not hold '\\'" },
        { "a b", "U+0020" },
        { "a\tb", "U+0009" },
        { "a\x7f", "U+007F" },
        { "a\xc2\x85", "U+0085" },
        { "a\xe2\x80\x8b", "U+200B" }, /* zero width space */
        { "a\xe2\x80\xae", "U+202E" }, /* right-to-left override */
        { "a\xc2\xa0", "U+00A0" },
        { "a\xff", "UTF-8" },
        { "a\xed\xa0\x80", "UTF-8" },
        { "a*", "must not hold '*'" },
        { "a%", "must not hold '%'" },
        { "\"a\"", "must not hold '\"'" },
        { "a<b", "must not hold '<'" },
        { "a,b", "must not hold ','" },
        { "a+b", "tag" },
        { "-a", "start with '-'" },
        { "~a", "start with '~'" },
        { "#a", "start with '#'" },
        { "@a", "start with '@'" },
        { "a@", "end with '@'" },
        { "a.", "end with '.'" },
        { "a@b@c", "more than one '@'" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct account_name name = { .len = 7 };
        struct note why = { "" };

        assert_int_equal(account_name_check(bytes_from_string(cases[i].name), &name, &why),
                         ERR_INVALID);
        if (strstr(why.text, cases[i].why) == NULL)
            fail_msg("%s: got \"%s\"", cases[i].name, why.text);
        assert_int_equal(name.len, 7);
    }
    {
        struct account_name name;

        assert_int_equal(account_name_check(bytes_make("a\0b", 3), &name, NULL), ERR_INVALID);
    }
}

static void test_check_limit(void **state)
{
    char text[ACCOUNT_NAME_BYTES_MAX + 1];
    struct account_name name;

    (void)state;
    memset(text, 'a', sizeof(text));
    assert_int_equal(account_name_check(bytes_make(text, 255), &name, NULL), ERR_OK);
    assert_int_equal(name.len, 255);
    assert_int_equal(account_name_check(bytes_make(text, 256), &name, NULL), ERR_INVALID);
    assert_true(account_name_fold(bytes_make(text, 255), &name));
    assert_false(account_name_fold(bytes_make(text, 256), &name));
}

/* RFC 5802 s5.1 */
static void test_check_composes(void **state)
{
    struct account_name name;

    (void)state;
    assert_int_equal(account_name_check(BYTES("Jo\xcc\x88rg"), &name, NULL), ERR_OK);
    ASSERT_BYTES(account_name_bytes(&name), BYTES("J\xc3\xb6rg"));
}

static void test_fold(void **state)
{
    static const struct {
        const char *text;
        const char *key; /* NULL: refused */
    } cases[] = {
        { "Demo", "demo" },
        { "ANNA@Example.ORG", "anna@example.org" },
        { "J\xc3\x96RG", "j\xc3\xb6rg" },
        { "JO\xcc\x88RG", "j\xc3\xb6rg" }, /* decomposed */
        { "stra\xc3\x9f"
          "e",
          "strasse" },
        { "", NULL },
        { "a\xff", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct account_name key;
        bool ok = account_name_fold(bytes_from_string(cases[i].text), &key);

        assert_int_equal(ok, cases[i].key != NULL);
        if (ok)
            ASSERT_BYTES(account_name_bytes(&key), bytes_from_string(cases[i].key));
    }
}

static void test_recipient(void **state)
{
    static const struct {
        const char *address;
        const char *keys; /* separated by blanks */
    } cases[] = {
        { "demo@example.org", "demo@example.org demo" },
        { "Demo+lists@EXAMPLE.ORG", "demo@example.org demo" },
        { "demo@elsewhere.net", "demo@elsewhere.net" },
        { "demo+a+b@elsewhere.net", "demo@elsewhere.net" },
        { "demo", "demo" },
        { "demo+tag", "demo" },
        { "+tag@example.org", "" },
        { "@example.org", "" },
        { "demo@", "" },
        { "", "" },
        { "\"demo\"@example.org", "demo@example.org demo" },
        { "\"de\\mo+x\"@example.org", "demo@example.org demo" },
        { "\"a@b\"@example.org", "a@b@example.org a@b" },
        { "\"demo\\\"@example.org", "" },
        { "\"demo", "" },
        { "J\xc3\x96RG@example.org", "j\xc3\xb6rg@example.org j\xc3\xb6rg" },
        { "x@B\xc3\x9c"
          "CHER.example",
          "x@b\xc3\xbc"
          "cher.example x" },
        { "a\xff@example.org", "" },
    };
    struct bytes domains[] = { BYTES("example.net"), BYTES("Example.org"),
                               BYTES("b\xc3\xbc"
                                     "cher.example") };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct recipient_names names;
        char got[1024] = "";

        recipient_names(bytes_from_string(cases[i].address), domains, ARRAY_COUNT(domains), &names);
        for (size_t k = 0; k < names.count; k++)
            (void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%.*s", k > 0 ? " " : "",
                           BYTES_ARG(account_name_bytes(&names.key[k])));
        assert_string_equal(got, cases[i].keys);
    }
}

static void test_recipient_limit(void **state)
{
    char address[320];
    struct bytes domain = BYTES("example.org");
    struct recipient_names names;

    (void)state;
    memset(address, 'a', 243);
    memcpy(address + 243, "@example.org", 12);
    recipient_names(bytes_make(address, 255), &domain, 1, &names);
    assert_int_equal(names.count, 2);
    memset(address, 'a', 244);
    memcpy(address + 244, "@example.org", 12);
    recipient_names(bytes_make(address, 256), &domain, 1, &names);
    assert_int_equal(names.count, 1);
    memset(address, 'a', 256);
    memcpy(address + 256, "@example.org", 12);
    recipient_names(bytes_make(address, 268), &domain, 1, &names);
    assert_int_equal(names.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_accepts),
        cmocka_unit_test(test_check_refuses),
        cmocka_unit_test(test_check_limit),
        cmocka_unit_test(test_check_composes),
        cmocka_unit_test(test_fold),
        cmocka_unit_test(test_recipient),
        cmocka_unit_test(test_recipient_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
