/* The file's grammar: what is read, and the line that a complaint names. */
#include "config/settings.h"

#include <string.h>

#include "kit/assert_bytes.h"

static struct config_setting *find(struct config_settings *settings, const char *name)
{
    return &settings->at[config_key_find(bytes_from_string(name)) - config_keys];
}

static void test_the_forms(void **state)
{
    static const char text[] = "# Roost\r\n"
                               "data = /srv/mail ; here\r\n"
                               "imap.idle_timeout=45m\n"
                               "\n"
                               "[ imap ]\n"
                               "  listen = 127.0.0.1:1143   # loopback\n"
                               "      [::1]:1143\n"
                               "# in between\n"
                               "\tunix:/x;y,mode=0600\n"
                               "  line_bytes_max = 32K\n"
                               "tls.processes = 3\n"
                               "[lmtp]\n"
                               "listen =\n"
                               "[mail]\n"
                               "shards = 2";
    struct config_settings settings;
    struct note why = { "" };

    (void)state;
    config_settings_init(&settings);
    if (config_settings_read(&settings, bytes_from_string(text), "x.conf", &why) != ERR_OK)
        fail_msg("%s", why.text);
    ASSERT_BYTES(find(&settings, "data")->text, BYTES("/srv/mail"));
    ASSERT_BYTES(find(&settings, "imap.idle_timeout")->text, BYTES("45m"));
    ASSERT_BYTES(find(&settings, "imap.listen")->text,
                 BYTES("127.0.0.1:1143 [::1]:1143 unix:/x;y,mode=0600"));
    assert_int_equal(find(&settings, "imap.listen")->line, 6);
    ASSERT_BYTES(find(&settings, "imap.line_bytes_max")->text, BYTES("32K"));
    ASSERT_BYTES(find(&settings, "tls.processes")->text, BYTES("3"));
    ASSERT_BYTES(find(&settings, "lmtp.listen")->text, BYTES(""));
    assert_int_equal(find(&settings, "lmtp.listen")->origin, CONFIG_ORIGIN_FILE);
    ASSERT_BYTES(find(&settings, "mail.shards")->text, BYTES("2"));
    assert_int_equal(find(&settings, "mail.shards")->line, 15);
    assert_int_equal(find(&settings, "run")->origin, CONFIG_ORIGIN_DEFAULT);
    config_settings_done(&settings);
}

static void test_refused(void **state)
{
    static const struct {
        const char *text;
        const char *complaint;
    } cases[] = {
        { "imap.lisen = x\n", "f:1: no setting \"imap.lisen\"; did you mean imap.listen?" },
        { "\n[imap]\nlisten = x\nlitsen = y\n",
          "f:4: no setting \"imap.litsen\"; did you mean imap.listen?" },
        { "colour = x\n", "f:1: no setting \"colour\"; `roost config` lists them all" },
        { "[imap]\ndata = /x\n", "f:2: \"data\" belongs above the first [section]" },
        { "[imp]\n", "f:1: no section [imp]; did you mean [imap]?" },
        { "[]\n", "f:1: no section []" },
        { "[imap\n", "f:1: ] is missing" },
        { "[\n", "f:1: ] is missing" },
        { "data /x\n", "f:1: \"data /x\" is neither key = value nor [section]" },
        { "= /x\n", "f:1: \"= /x\" is neither" },
        { "data = /x\n\n data = /y\n", "f:3: data is set a second time, first on line 1" },
        { "data = /x\x01\n", "f:1: a control character" },
        { "mail.shards = 1\n[mail]\nshards = 2", "f:3: mail.shards is set a second time" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct config_settings settings;
        struct note why = { "" };

        config_settings_init(&settings);
        assert_int_equal(
            config_settings_read(&settings, bytes_from_string(cases[i].text), "f", &why),
            ERR_INVALID);
        if (strncmp(why.text, cases[i].complaint, strlen(cases[i].complaint)) != 0)
            fail_msg("case %zu: %s", i, why.text);
        config_settings_done(&settings);
    }
}

static void test_limits(void **state)
{
    static char text[CONFIG_TEXT_BYTES_MAX + 1];
    struct config_settings settings;
    struct note why = { "" };
    size_t head = strlen("domains = ");

    (void)state;
    memset(text, '#', sizeof(text));
    config_settings_init(&settings);
    assert_int_equal(config_settings_read(&settings, bytes_make(text, sizeof(text) - 1), "f", &why),
                     ERR_OK);
    assert_int_equal(config_settings_read(&settings, bytes_make(text, sizeof(text)), "f", &why),
                     ERR_LIMIT);
    memset(text, 'a', sizeof(text));
    memcpy(text, "domains = ", head);
    assert_int_equal(config_settings_read(
                         &settings, bytes_make(text, head + CONFIG_VALUE_BYTES_MAX + 1), "f", &why),
                     ERR_LIMIT);
    assert_int_equal(
        config_settings_read(&settings, bytes_make(text, head + CONFIG_VALUE_BYTES_MAX), "f", &why),
        ERR_OK);
    config_settings_done(&settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_forms),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
