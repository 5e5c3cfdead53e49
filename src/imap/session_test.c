/* Plays every dialogue of test/script/imap against sessions in memory, whole and byte by byte. */
#include "imap/session.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kit/imap_host.h"
#include "message/charset.h"

enum { SCRIPTS_MAX = 500 };

static void play(void **state)
{
    static const struct imap_host_options ways[] = {
        { .chunk = 1000000 },
        { .chunk = 1 },
        { .chunk = 7, .always_cold = true },
        { .chunk = 1000, .step_cost = 1 },
    };
    char complaint[2048];

    for (size_t i = 0; i < ARRAY_COUNT(ways); i++)
        if (!imap_host_play(*state, &ways[i], complaint, sizeof(complaint)))
            fail_msg("%s, %zu bytes at a time: %s", (const char *)*state, ways[i].chunk, complaint);
}

static size_t find_scripts(const char *folder, struct CMUnitTest *tests)
{
    struct dirent **names;
    int count = scandir(folder, &names, NULL, alphasort);
    size_t found = 0;

    for (int i = 0; i < count; i++) {
        if (bytes_ends_with(bytes_from_string(names[i]->d_name), BYTES(".txt"))) {
            size_t len = strlen(folder) + strlen(names[i]->d_name) + 2;
            char *path = malloc(len);

            assert_true(path != NULL && found < SCRIPTS_MAX);
            snprintf(path, len, "%s/%s", folder, names[i]->d_name);
            tests[found++] = (struct CMUnitTest){ path, play, NULL, NULL, path };
        }
        free(names[i]);
    }
    free(names);
    return found;
}

int main(int argc, char **argv)
{
    static struct CMUnitTest tests[SCRIPTS_MAX];
    size_t count = argc == 2 ? find_scripts(argv[1], tests) : 0;
    int failed;

    if (count == 0) {
        fprintf(stderr, "usage: session_test FOLDER (with dialogues in it)\n");
        return 2;
    }
    (void)charset_open_all();
    failed = _cmocka_run_group_tests("dialogues", tests, count, NULL, NULL);
    for (size_t i = 0; i < count; i++)
        free((char *)tests[i].name);
    charset_close_all();
    return failed;
}
