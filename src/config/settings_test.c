/* Defaults by place, --set, what ${run} stands for, and the canonical text there and back. */
#include "config/settings.h"

#include <string.h>

#include "kit/assert_bytes.h"

static struct bytes text_of(const struct config_settings *settings, const char *name)
{
    return settings->at[config_key_find(bytes_from_string(name)) - config_keys].text;
}

static void test_default_places(void **state)
{
    static const struct {
        struct config_place place;
        const char *data;
        const char *run;
    } cases[] = {
        { { .is_root = true, .home = "/h" }, "/var/lib/roost", "/run/roost" },
        { { .home = "/h" }, "/h/.local/share/roost", "/h/.local/share/roost/run" },
        { { .home = "/h", .data_home = "/d", .runtime_dir = "/r" }, "/d/roost", "/r/roost" },
        { { .home = "/h", .data_home = "relative", .runtime_dir = "" },
          "/h/.local/share/roost",
          "/h/.local/share/roost/run" },
        { { .home = NULL }, "", "/run" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct config_settings settings;

        config_settings_init(&settings);
        assert_int_equal(config_settings_complete(&settings, &cases[i].place, NULL), ERR_OK);
        ASSERT_BYTES(text_of(&settings, "data"), bytes_from_string(cases[i].data));
        ASSERT_BYTES(text_of(&settings, "run"), bytes_from_string(cases[i].run));
        config_settings_done(&settings);
    }
}

static void test_assignments(void **state)
{
    struct config_settings settings;
    struct note why = { "" };
    struct config_place place = { .home = "/h" };

    (void)state;
    config_settings_init(&settings);
    assert_int_equal(config_settings_assign(&settings, BYTES("data=mail"), "/cwd", &why), ERR_OK);
    assert_int_equal(config_settings_assign(&settings, BYTES("run = ${data}/r"), "/cwd", &why),
                     ERR_OK);
    assert_int_equal(config_settings_assign(&settings, BYTES("lmtp.listen=unix:${run}/a unix:/$b"),
                                            "/cwd", &why),
                     ERR_OK);
    assert_int_equal(config_settings_assign(&settings, BYTES("mail.shards=1"), "/cwd", &why), 0);
    assert_int_equal(config_settings_assign(&settings, BYTES("mail.shards=2"), "/cwd", &why), 0);
    assert_int_equal(config_settings_complete(&settings, &place, &why), ERR_OK);
    ASSERT_BYTES(text_of(&settings, "data"), BYTES("/cwd/mail"));
    ASSERT_BYTES(text_of(&settings, "run"), BYTES("/cwd/mail/r"));
    ASSERT_BYTES(text_of(&settings, "lmtp.listen"), BYTES("unix:/cwd/mail/r/a unix:/$b"));
    ASSERT_BYTES(text_of(&settings, "mail.shards"), BYTES("2"));
    config_settings_done(&settings);
}

static void test_refused_assignments(void **state)
{
    static const struct {
        const char *text;
        const char *complaint;
    } cases[] = {
        { "data", "--set data: write KEY=VALUE" },
        { "mail.shard=1", "--set: no setting \"mail.shard\"; did you mean mail.shards?" },
        { "=1", "--set: no setting \"\"" },
        { "what=1", "--set: no setting \"what\"; `roost config`" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct config_settings settings;
        struct note why = { "" };

        config_settings_init(&settings);
        assert_int_equal(
            config_settings_assign(&settings, bytes_from_string(cases[i].text), "/", &why),
            ERR_INVALID);
        if (strncmp(why.text, cases[i].complaint, strlen(cases[i].complaint)) != 0)
            fail_msg("%s", why.text);
        config_settings_done(&settings);
    }
}

static void test_the_later_way_wins_and_origins_are_kept(void **state)
{
    struct config_settings settings;
    struct config_place place = { .is_root = true };
    struct buf out = buf_make(1000);

    (void)state;
    config_settings_init(&settings);
    assert_int_equal(config_settings_read(&settings, BYTES("\nrun = /r\ndata = /a\n"), "f", NULL),
                     ERR_OK);
    assert_int_equal(config_settings_assign(&settings, BYTES("data=/b"), "/", NULL), ERR_OK);
    assert_int_equal(config_settings_complete(&settings, &place, NULL), ERR_OK);
    ASSERT_BYTES(text_of(&settings, "data"), BYTES("/b"));
    for (size_t i = 0; i < 3; i++) {
        config_setting_origin_print(&settings, i, &out);
        buf_add_byte(&out, ' ');
    }
    ASSERT_BYTES(buf_bytes(&out), BYTES("--set f:2 default "));
    buf_done(&out);
    config_settings_done(&settings);
}

static void test_canonical_text_comes_back(void **state)
{
    struct config_settings settings;
    struct config_settings again;
    struct config_place place = { .is_root = true };
    struct buf first = buf_make(CONFIG_TEXT_BYTES_MAX);
    struct buf second = buf_make(CONFIG_TEXT_BYTES_MAX);

    (void)state;
    config_settings_init(&settings);
    config_settings_init(&again);
    assert_int_equal(
        config_settings_assign(&settings, BYTES("data=/a #b ${run}= [c]; d"), "/", NULL), 0);
    assert_int_equal(
        config_settings_assign(&settings, BYTES("lmtp.listen=unix:${run}/x"), "/", NULL), ERR_OK);
    assert_int_equal(config_settings_complete(&settings, &place, NULL), ERR_OK);
    config_settings_print(&settings, &first);
    assert_int_equal(config_settings_read_canonical(&again, buf_bytes(&first), NULL), ERR_OK);
    config_settings_print(&again, &second);
    ASSERT_BYTES(buf_bytes(&second), buf_bytes(&first));
    assert_true(bytes_starts_with(buf_bytes(&first), BYTES("data = /a #b ${run}= [c]; d\nrun = ")));
    assert_int_equal(config_settings_read_canonical(&again, BYTES("what = 1\n"), NULL),
                     ERR_INVALID);
    assert_int_equal(config_settings_read_canonical(&again, BYTES("data\n"), NULL), ERR_INVALID);
    assert_int_equal(config_settings_complete(&again, &place, NULL), ERR_OK);
    buf_clear(&second);
    config_settings_print(&again, &second);
    ASSERT_BYTES(buf_bytes(&second), buf_bytes(&first));
    buf_done(&first);
    buf_done(&second);
    config_settings_done(&settings);
    config_settings_done(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default_places),
        cmocka_unit_test(test_assignments),
        cmocka_unit_test(test_refused_assignments),
        cmocka_unit_test(test_the_later_way_wins_and_origins_are_kept),
        cmocka_unit_test(test_canonical_text_comes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
