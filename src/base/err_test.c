/* Errors have names of their own, notes are one line that always ends. */
#include "base/err.h"

#include <string.h>

#include "kit/assert_bytes.h"

static void test_every_error_has_its_own_name(void **state)
{
    (void)state;
    for (int a = ERR_OK; a <= ERR_CLOSED; a++) {
        assert_string_not_equal(err_text((enum err)a), "unknown error");
        for (int b = ERR_OK; b < a; b++)
            assert_string_not_equal(err_text((enum err)a), err_text((enum err)b));
    }
    assert_string_equal(err_text((enum err)99), "unknown error");
}

static void test_notes(void **state)
{
    struct note note = { "" };
    char long_text[2 * NOTE_BYTES_MAX];

    (void)state;
    assert_int_equal(note_fail(&note, ERR_IO, "cannot read %s", "log"), ERR_IO);
    assert_string_equal(note.text, "cannot read log");
    memset(long_text, 'x', sizeof(long_text));
    long_text[sizeof(long_text) - 1] = '\0';
    note_set(&note, "%s", long_text);
    assert_int_equal(strlen(note.text), NOTE_BYTES_MAX - 1);
    note_set(NULL, "nobody listens");
    assert_int_equal(note_fail(NULL, ERR_BUSY, "nobody listens"), ERR_BUSY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_error_has_its_own_name),
        cmocka_unit_test(test_notes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
