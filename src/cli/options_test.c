/* Command lines: the forms of an option, and what the wrong ones are told. */
#include "cli/options.h"

#include <string.h>

#include "kit/assert_bytes.h"

static bool quiet;
static const char *mailbox;
static const struct option own[] = {
    { .name = "--quiet", .flag = &quiet },
    { .name = "--mailbox", .value = &mailbox },
};

static enum err parse(const char *const *words, struct options *options, struct note *why)
{
    struct arguments arguments = { .at = (char *const *)(uintptr_t)words };

    while (words[arguments.count] != NULL)
        arguments.count++;
    quiet = false;
    mailbox = NULL;
    return options_parse(arguments, own, ARRAY_COUNT(own), options, why);
}

static void test_forms(void **state)
{
    static const char *const words[] = { "add",  "--set",     "a=1", "--mailbox=x=y", "--config",
                                         "file", "--set=b=2", "ann", "--quiet",       "-",
                                         "--",   "--help",    NULL };
    struct options options;
    struct note why = { "" };

    (void)state;
    assert_int_equal(parse(words, &options, &why), ERR_OK);
    assert_true(quiet);
    assert_false(options.help);
    assert_string_equal(mailbox, "x=y");
    assert_string_equal(options.file, "file");
    assert_int_equal(options.sets_count, 2);
    assert_string_equal(options.sets[0], "a=1");
    assert_string_equal(options.sets[1], "b=2");
    assert_int_equal(options.words_count, 4);
    assert_string_equal(options.words[2], "-");
    assert_string_equal(options.words[3], "--help");
}

static void test_help(void **state)
{
    static const char *const long_form[] = { "--help", NULL };
    static const char *const short_form[] = { "-h", NULL };
    struct options options;

    (void)state;
    assert_int_equal(parse(long_form, &options, NULL), ERR_OK);
    assert_true(options.help);
    assert_int_equal(parse(short_form, &options, NULL), ERR_OK);
    assert_true(options.help);
}

static void test_refused(void **state)
{
    static const struct {
        const char *const words[11];
        const char *complaint;
    } cases[] = {
        { { "--mailbxo", "x" }, "no option --mailbxo; did you mean --mailbox?" },
        { { "--confg=x" }, "no option --confg; did you mean --config?" },
        { { "-x" }, "no option -x; --help lists them" },
        { { "--mailbox" }, "--mailbox wants a value" },
        { { "--set" }, "--set wants a value" },
        { { "--quiet=yes" }, "--quiet takes no value" },
        { { "1", "2", "3", "4", "5", "6", "7", "8", "9" }, "\"9\" is one word too many" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct options options;
        struct note why = { "" };

        assert_int_equal(parse(cases[i].words, &options, &why), ERR_INVALID);
        assert_string_equal(why.text, cases[i].complaint);
    }
}

static void test_too_many_sets(void **state)
{
    const char *words[2 * OPTIONS_SETS_MAX + 3];
    struct options options;
    size_t count = 0;

    (void)state;
    while (count < 2 * (size_t)OPTIONS_SETS_MAX) {
        words[count++] = "--set";
        words[count++] = "a=1";
    }
    words[count] = NULL;
    assert_int_equal(parse(words, &options, NULL), ERR_OK);
    words[count++] = "--set=a=1";
    words[count] = NULL;
    assert_int_equal(parse(words, &options, NULL), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_help),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_too_many_sets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
