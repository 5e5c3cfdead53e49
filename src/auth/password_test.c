/* Password hashes: our own, those of others, refusals. RFC 4616 s2; RFC 5802 s2.2. */
#include "auth/password.h"

#include <string.h>
#include <time.h>

#include "kit/assert_bytes.h"

static struct password_hash hash_of(const char *text)
{
    struct password_hash hash;

    assert_true(strlen(text) < sizeof(hash.text));
    memcpy(hash.text, text, strlen(text) + 1);
    return hash;
}

static void test_round_trip(void **state)
{
    static const struct {
        enum password_scheme scheme;
        const char *prefix;
    } cases[] = { { PASSWORD_YESCRYPT, "$y$" }, { PASSWORD_ARGON2ID, "$argon2id$" } };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct password_hash first;
        struct password_hash second;
        struct note why;

        assert_int_equal(password_hash(BYTES("secret"), cases[i].scheme, &first, &why), ERR_OK);
        assert_int_equal(password_hash(BYTES("secret"), cases[i].scheme, &second, &why), ERR_OK);
        assert_int_equal(strncmp(first.text, cases[i].prefix, strlen(cases[i].prefix)), 0);
        assert_string_not_equal(first.text, second.text);
        assert_true(password_verify(BYTES("secret"), &first));
        assert_true(password_verify(BYTES("secret"), &second));
        assert_false(password_verify(BYTES("Secret"), &first));
        assert_false(password_verify(BYTES("secret "), &first));
        assert_false(password_verify(BYTES(""), &first));
    }
}

/* Made by the openssl, mkpasswd and argon2 programs. */
static void test_others(void **state)
{
    static const char *const hashes[] = {
        "$2b$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW",
        "$6$rounds=5000$saltsaltsalt$VQCHS9jZgaZl0Mz8sqN5nA3FDB2mZS2F"
        "VgYEe0e4sFYq/qRvjoS1fr5tPcf7bV5VL3IUbzNg9QpxpMaPXE2jT1",
        "$argon2id$v=19$m=1024,t=1,p=1$YW5vdGhlciBzYWx"
        "0$WlX6MpkiKzF5yu5sLHZ03GMRqeve+fI6iQ/koUdFDEU",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(hashes); i++) {
        struct password_hash hash = hash_of(hashes[i]);

        assert_true(password_verify(BYTES("open sesame"), &hash));
        assert_false(password_verify(BYTES("open sesamE"), &hash));
    }
}

static void test_unusable_hashes(void **state)
{
    static const char *const hashes[] = {
        "",
        "*",
        "!",
        "open sesame",
        "$1$salt$qJH7.N4xYta3aEG/dfqo/0",
        "$y$",
        "$6$",
        "$argon2id$",
        "$argon2id$v=19$m=1,t=1,p=1$",
        "abJnggxhB/yWI",
        "$y$j9T$x$*0",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(hashes); i++) {
        struct password_hash hash = hash_of(hashes[i]);

        assert_false(password_verify(BYTES("open sesame"), &hash));
    }
}

static void test_impossible_passwords(void **state)
{
    char text[PASSWORD_BYTES_MAX + 1];
    struct bytes cases[] = { BYTES(""), bytes_make(text, sizeof(text)), BYTES("a\0b"),
                             BYTES("a\nb"), BYTES("a\r") };
    struct password_hash hash;
    struct note why;

    (void)state;
    memset(text, 'p', sizeof(text));
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        why.text[0] = '\0';
        assert_int_equal(password_hash(cases[i], PASSWORD_YESCRYPT, &hash, &why), ERR_INVALID);
        assert_true(why.text[0] != '\0');
        password_verify_nobody(cases[i], PASSWORD_YESCRYPT);
    }
    assert_int_equal(password_hash(bytes_make(text, 255), PASSWORD_YESCRYPT, &hash, &why), ERR_OK);
    assert_true(password_verify(bytes_make(text, 255), &hash));
    assert_false(password_verify(bytes_make(text, 254), &hash));
    assert_false(password_verify(bytes_make(text, 256), &hash));
}

/* RFC 4013 section 3, and what it prohibits taken as it is. */
static void test_prepare(void **state)
{
    static const struct {
        const char *given;
        const char *prepared;
    } cases[] = {
        { "plain", "plain" },         { "I\xc2\xadX", "IX" }, /* soft hyphen */
        { "\xc2\xaa", "a" }, /* NFKC */
        { "a\xc2\xa0z", "a z" }, /* no-break space */
        { "tab\there", "tab\there" }, /* prohibited */
        { "\xff\xfe", "\xff\xfe" }, /* not UTF-8 */
        { "\xc2\xad", "\xc2\xad" }, /* would be empty */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct password_prepared prepared;

        assert_int_equal(password_prepare(bytes_from_string(cases[i].given), &prepared, NULL),
                         ERR_OK);
        ASSERT_BYTES(bytes_make(prepared.text, prepared.len), bytes_from_string(cases[i].prepared));
        password_wipe(&prepared);
        assert_int_equal(prepared.len, 0);
    }
}

/* An unknown name must cost what a known one costs: the processor's time of both is compared, with
 * room for a busy machine. */
static void test_nobody_costs_the_same(void **state)
{
    static const enum password_scheme schemes[] = { PASSWORD_YESCRYPT, PASSWORD_ARGON2ID };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(schemes); i++) {
        struct password_hash hash;
        clock_t start;
        clock_t known;
        clock_t nobody;

        assert_int_equal(password_hash(BYTES("secret"), schemes[i], &hash, NULL), ERR_OK);
        start = clock();
        for (int round = 0; round < 4; round++)
            assert_false(password_verify(BYTES("guess"), &hash));
        known = clock() - start;
        start = clock();
        for (int round = 0; round < 4; round++)
            password_verify_nobody(BYTES("guess"), schemes[i]);
        nobody = clock() - start;
        assert_true(nobody > known / 3 && nobody < known * 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),      cmocka_unit_test(test_others),
        cmocka_unit_test(test_unusable_hashes), cmocka_unit_test(test_impossible_passwords),
        cmocka_unit_test(test_prepare),         cmocka_unit_test(test_nobody_costs_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
