/* The file, the assignments and the defaults come together in that order. */
#include "config/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kit/assert_bytes.h"

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void test_load(void **state)
{
    static const char *const assignments[] = { "mail.shards=3", "data=here" };
    char path[] = "/tmp/roost-load-XXXXXX";
    struct config_request request = {
        .file = path,
        .assignments = assignments,
        .assignments_count = 2,
        .directory = "/cwd",
        .place = { .home = "/h" },
    };
    struct config_settings settings;
    struct config config;
    struct note why = { "" };
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    write_file(path, "data = /x\nmail.shards = 2\nmail.workers = 5\n");
    config_settings_init(&settings);
    assert_int_equal(config_load(&request, &settings, &why), ERR_OK);
    assert_int_equal(config_make(&settings, &config, &why), ERR_OK);
    assert_string_equal(config.data, "/cwd/here");
    assert_string_equal(config.run, "/cwd/here/run");
    assert_int_equal(config.mail_shards, 3);
    assert_int_equal(config.mail_workers, 5);
    config_done(&config);
    config_settings_done(&settings);

    write_file(path, "mail.worker = 5\n");
    config_settings_init(&settings);
    assert_int_equal(config_load(&request, &settings, &why), ERR_INVALID);
    assert_non_null(strstr(why.text, path));
    assert_non_null(strstr(why.text, ":1: no setting \"mail.worker\"; did you mean mail.workers?"));
    config_settings_done(&settings);

    assert_int_equal(unlink(path), 0);
    config_settings_init(&settings);
    assert_int_equal(config_load(&request, &settings, &why), ERR_NOT_FOUND);
    assert_non_null(strstr(why.text, path));
    config_settings_done(&settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
