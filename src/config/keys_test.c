/* The table of settings is whole: every row can be used and explained. */
#include "config/keys.h"

#include <stdio.h>
#include <string.h>

#include "config/settings.h"
#include "kit/assert_bytes.h"

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < config_keys_count; i++) {
        const struct config_key *key = &config_keys[i];
        size_t help_len = strlen(key->help);

        assert_ptr_equal(config_key_find(bytes_from_string(key->name)), key);
        assert_true(help_len > 20 && key->help[help_len - 1] == '.');
        assert_true(strlen(key->name) < NEAREST_BYTES_MAX);
        assert_true(key->min <= key->max || key->type == CONFIG_PATH);
        assert_string_not_equal(config_type_text(key->type), "a value");
        assert_int_equal(key->standard == NULL,
                         strcmp(key->name, "data") == 0 || strcmp(key->name, "run") == 0);
    }
    assert_string_equal(config_keys[0].name, "data");
    assert_string_equal(config_keys[1].name, "run");
    assert_null(config_key_find(BYTES("imap")));
    assert_null(config_key_find(BYTES("")));
}

static void test_every_example_is_taken(void **state)
{
    static const struct config_place place = { .home = "/h" };

    (void)state;
    for (size_t i = 0; i < config_keys_count; i++) {
        struct config_settings settings;
        struct config config;
        struct note why = { "" };
        char text[256];

        (void)snprintf(text, sizeof(text), "%s=%s", config_keys[i].name, config_keys[i].example);
        config_settings_init(&settings);
        assert_int_equal(config_settings_assign(&settings, BYTES("tls.key=/k"), "/", &why), 0);
        assert_int_equal(config_settings_assign(&settings, BYTES("tls.certificate=/c"), "/", &why),
                         0);
        assert_int_equal(config_settings_assign(&settings, bytes_from_string(text), "/", &why), 0);
        assert_int_equal(config_settings_complete(&settings, &place, &why), 0);
        if (config_make(&settings, &config, &why) != ERR_OK)
            fail_msg("%s", why.text);
        config_done(&config);
        config_settings_done(&settings);
    }
}

static void test_sections_are_those_of_the_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < config_keys_count; i++) {
        const char *dot = strchr(config_keys[i].name, '.');
        size_t found = 0;

        for (size_t k = 0; dot != NULL && k < config_sections_count; k++)
            found += strncmp(config_sections[k], config_keys[i].name,
                             (size_t)(dot - config_keys[i].name)) == 0 &&
                     strlen(config_sections[k]) == (size_t)(dot - config_keys[i].name);
        assert_int_equal(found, dot != NULL);
    }
    for (size_t k = 0; k < config_sections_count; k++) {
        size_t keys = 0;

        for (size_t i = 0; i < config_keys_count; i++)
            keys +=
                strncmp(config_keys[i].name, config_sections[k], strlen(config_sections[k])) == 0;
        assert_true(keys > 0);
    }
}

static void test_nearest(void **state)
{
    (void)state;
    assert_string_equal(config_key_nearest(BYTES("imap.lisen")), "imap.listen");
    assert_string_equal(config_key_nearest(BYTES("idle_timeout")), "imap.idle_timeout");
    assert_string_equal(config_key_nearest(BYTES("mail.shard")), "mail.shards");
    assert_null(config_key_nearest(BYTES("listen"))); /* of several */
    assert_null(config_key_nearest(BYTES("")));
    assert_null(config_key_nearest(BYTES("something.else.entirely")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_every_example_is_taken),
        cmocka_unit_test(test_sections_are_those_of_the_keys),
        cmocka_unit_test(test_nearest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
