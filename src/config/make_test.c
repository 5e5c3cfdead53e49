/* Settings become values; bad ones are refused with what a good one looks like. RFC 7677 s3. */
#include <string.h>

#include "config/settings.h"
#include "kit/assert_bytes.h"

/* Defaults of root, and these assignments. */
static enum err make(const char *const *assignments, struct config *out_config, struct note *why)
{
    static const struct config_place place = { .is_root = true };
    struct config_settings settings;
    enum err err = ERR_OK;

    config_settings_init(&settings);
    for (; *assignments != NULL; assignments++)
        assert_int_equal(
            config_settings_assign(&settings, bytes_from_string(*assignments), "/", why), ERR_OK);
    assert_int_equal(config_settings_complete(&settings, &place, why), ERR_OK);
    err = config_make(&settings, out_config, why);
    config_settings_done(&settings);
    return err;
}

static void test_defaults(void **state)
{
    static const char *const none[] = { NULL };
    struct config config;
    struct note why = { "" };

    (void)state;
    if (make(none, &config, &why) != ERR_OK)
        fail_msg("%s", why.text);
    assert_string_equal(config.data, "/var/lib/roost");
    assert_int_equal(config.imap_listen.count, 2);
    assert_string_equal(config.imap_listen.at[1].host, "::1");
    assert_int_equal(config.lmtp_listen.count, 2);
    assert_string_equal(config.lmtp_listen.at[1].path, "/run/roost/lmtp");
    assert_int_equal(config.imap_idle_timeout_ms, 30 * 60 * 1000);
    assert_int_equal(config.mail_message_bytes_max, 50 * 1024 * 1024);
    assert_int_equal(config.mail_durability, CONFIG_DURABILITY_NORMAL);
    assert_int_equal(config.mail_compression, CONFIG_COMPRESSION_NONE);
    assert_int_equal(config.auth_mechanisms.count, 4);
    ASSERT_BYTES(config.auth_mechanisms.at[2], BYTES("SCRAM-SHA-256"));
    assert_true(config.sandbox_required);
    assert_string_equal(config.tls_key, "");
    config_done(&config);
    config_done(&config);
}

static void test_values(void **state)
{
    static const char *const some[] = {
        "domains=example.org\texample.net",
        "imap.listen=",
        "mail.durability=STRICT",
        "mail.compression=zstd",
        "sandbox.required=off",
        "mail.quota=5G",
        "log.level=debug",
        "auth.mechanisms=plain",
        NULL,
    };
    struct config config;

    (void)state;
    assert_int_equal(make(some, &config, NULL), ERR_OK);
    assert_int_equal(config.domains.count, 2);
    ASSERT_BYTES(config.domains.at[1], BYTES("example.net"));
    assert_int_equal(config.domains.at[1].at[config.domains.at[1].len], '\0');
    assert_int_equal(config.imap_listen.count, 0);
    assert_int_equal(config.mail_durability, CONFIG_DURABILITY_STRICT);
    assert_int_equal(config.mail_compression, CONFIG_COMPRESSION_ZSTD);
    assert_false(config.sandbox_required);
    assert_true(config.mail_quota_bytes == UINT64_C(5) << 30);
    assert_int_equal(config.log_level, 3);
    config_done(&config);
}

static void test_refused(void **state)
{
    static const struct {
        const char *assignment;
        const char *complaint;
    } cases[] = {
        { "data=", "--set: data = : expected a path that begins with /; for example /srv/mail" },
        { "imap.idle_timeout=30x", "--set: imap.idle_timeout = 30x: expected a duration such as "
                                   "30s, 10m, 2h or 7d, from 30m to 7d; for example 45m" },
        { "imap.idle_timeout=29m", "--set: imap.idle_timeout = 29m: expected a duration" },
        { "imap.idle_timeout=8d", "--set: imap.idle_timeout = 8d: expected a duration" },
        { "mail.shards=1025", "--set: mail.shards = 1025: expected a number, from 0 to 1024" },
        { "mail.shards=-1", "--set: mail.shards = -1: expected a number" },
        { "mail.message_bytes_max=1K", "--set: mail.message_bytes_max = 1K: expected a size" },
        { "mail.durability=full", "--set: mail.durability = full: expected one of normal, strict" },
        { "sandbox.required=maybe", "--set: sandbox.required = maybe: expected yes or no" },
        { "auth.mechanisms=PLAIN CRAM-MD5", "--set: auth.mechanisms = PLAIN CRAM-MD5: expected" },
        { "auth.scram_iterations=99999", "--set: auth.scram_iterations = 99999: expected" },
        { "imap.listen=1143", "--set: imap.listen = 1143: expected a port" },
        { "imap.listen=a:1 a:1 a:1 a:1 a:1 a:1 a:1 a:1 a:1 a:1 a:1 a:1 a:1 a:1 a:1 a:1 a:1",
          "--set: imap.listen" },
        { "domains=example.org, example.net",
          "--set: domains = example.org, example.net: expected words parted by blanks, not by" },
        { "gate.proxy_from=192.0.2.1,192.0.2.2", "--set: gate.proxy_from = 192.0.2.1,192.0.2.2: "
                                                 "expected words parted by blanks" },
        { "imaps.listen=*:1143", "imap.listen and imaps.listen both have port 1143 of the same" },
        { "metrics.listen=[::1]:1993", "imaps.listen and metrics.listen both have port 1993" },
        { "imap.listen=unix:/run/roost/lmtp,mode=0600",
          "imap.listen and lmtp.listen both have unix:/run/roost/lmtp: only one can listen there" },
        { "lmtp.listen=127.0.0.1:24 127.0.0.1:24",
          "lmtp.listen and lmtp.listen both have port 24" },
        { "tls.key=/k", "tls.key is set but tls.certificate is not" },
        { "auth.failure_delay=1m", "auth.failure_delay is above auth.failure_delay_max" },
        { "imap.literal_bytes_max=3M", "imap.command_bytes_max is below imap.literal_bytes_max" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const char *const assignments[] = { cases[i].assignment, NULL };
        struct config config = { .log_level = 77 };
        struct note why = { "" };

        assert_int_equal(make(assignments, &config, &why), ERR_INVALID);
        if (strncmp(why.text, cases[i].complaint, strlen(cases[i].complaint)) != 0)
            fail_msg("%s", why.text);
        assert_int_equal(config.log_level, 77);
    }
}

static void test_roles_parse_the_canonical_text(void **state)
{
    struct config config;
    struct note why = { "" };

    (void)state;
    assert_int_equal(config_parse(BYTES("mail.shards = 7\ndata = /d\n"), &config, &why), ERR_OK);
    assert_int_equal(config.mail_shards, 7);
    assert_string_equal(config.data, "/d");
    config_done(&config);
    assert_int_equal(config_parse(BYTES("mail.shards = x\n"), &config, &why), ERR_INVALID);
    assert_int_equal(config_parse(BYTES("nonsense"), &config, &why), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_roles_parse_the_canonical_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
