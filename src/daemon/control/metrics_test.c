/* The text of the page: heads, labels, escapes, what is missing and what makes no sense. */
#include "daemon/control/metrics.h"

#include <string.h>

#include "kit/assert_bytes.h"

enum { PAGE_BYTES_MAX = 1024 * 1024 };

static const char *print(const char *status, struct metrics_process *processes, size_t count)
{
    static char text[PAGE_BYTES_MAX];
    json_t *json = status == NULL ? NULL : metrics_parse(bytes_from_string(status));
    struct buf out = buf_make(PAGE_BYTES_MAX - 1);

    metrics_print(&out, json, processes, count);
    assert_false(out.overflowed);
    memcpy(text, out.at, out.len);
    text[out.len] = '\0';
    for (size_t i = 0; i < count; i++)
        json_decref(processes[i].stats);
    json_decref(json);
    buf_done(&out);
    return text;
}

static struct metrics_process process(enum ipc_role role, unsigned index, const char *stats)
{
    return (struct metrics_process){ role, index,
                                     stats == NULL ? NULL
                                                   : metrics_parse(bytes_from_string(stats)) };
}

#define ASSERT_HAS(text, part) assert_non_null(strstr(text, part))
#define ASSERT_LACKS(text, part) assert_null(strstr(text, part))

static void test_every_family_has_its_head(void **state)
{
    const char *text = print(NULL, NULL, 0);
    const char *line = text;
    unsigned families = 0;

    (void)state;
    for (const char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        char name[100], type[20], next[200];

        if (sscanf(line, "# TYPE %99s %19s\n", name, type) != 2)
            continue;
        families++;
        assert_true(strcmp(type, "gauge") == 0 || strcmp(type, "counter") == 0 ||
                    strcmp(type, "info") == 0);
        assert_int_equal(strncmp(name, "roost_", 6), 0);
        assert_null(strstr(name, "_total")); /* that is the samples' */
        (void)snprintf(next, sizeof(next), "# UNIT %s ", name);
        if (strncmp(end + 1, next, strlen(next)) == 0)
            end = strchr(end + 1, '\n');
        (void)snprintf(next, sizeof(next), "# HELP %s ", name);
        assert_int_equal(strncmp(end + 1, next, strlen(next)), 0);
        assert_null(memchr(end + 1, '\\', strcspn(end + 1, "\n"))); /* no help needs escapes */
        assert_null(memchr(end + 1, '"', strcspn(end + 1, "\n")));
    }
    assert_true(families > 15);
    ASSERT_HAS(text, "# TYPE roost_log_appended_bytes counter\n# UNIT roost_log_appended_bytes "
                     "bytes\n# HELP roost_log_appended_bytes ");
    ASSERT_HAS(text, "\nroost_build_info{version=\"" ROOST_VERSION "\"} 1\n");
    assert_string_equal(text + strlen(text) - 7, "\n# EOF\n");
    assert_ptr_equal(strstr(text, "# EOF"), text + strlen(text) - 6);
}

static void test_processes(void **state)
{
    struct metrics_process asked[] = { process(IPC_ROLE_CONTROL, 0, "{}"),
                                       process(IPC_ROLE_MAIL, 0, "{\"accounts_open\":3}"),
                                       process(IPC_ROLE_MAIL, 1, NULL),
                                       process(IPC_ROLE_MAIL, 4, NULL) };
    const char *text = print("{\"started\":1700000000,\"processes\":["
                             "{\"role\":\"control\",\"index\":0,\"restarts\":0},"
                             "{\"role\":\"mail\",\"index\":0,\"restarts\":2},"
                             "{\"role\":\"mail\",\"index\":1,\"restarts\":5},"
                             "{\"role\":\"gate\",\"index\":0,\"restarts\":0}]}",
                             asked, ARRAY_COUNT(asked));

    (void)state;
    ASSERT_HAS(text, "\nroost_start_time_seconds 1700000000\n");
    ASSERT_HAS(text, "\nroost_up{role=\"supervisor\",process=\"0\"} 1\n");
    ASSERT_HAS(text, "\nroost_up{role=\"control\",process=\"0\"} 1\n");
    ASSERT_HAS(text, "\nroost_up{role=\"mail\",process=\"0\"} 1\n");
    ASSERT_HAS(text, "\nroost_up{role=\"mail\",process=\"1\"} 0\n");
    ASSERT_HAS(text, "\nroost_up{role=\"gate\",process=\"0\"} 0\n"); /* never came up */
    ASSERT_LACKS(text, "roost_up{role=\"mail\",process=\"4\"}"); /* is needed no more */
    ASSERT_HAS(text, "\nroost_restarts_total{role=\"mail\",process=\"1\"} 5\n");
    ASSERT_HAS(text, "\nroost_accounts_open{process=\"0\"} 3\n");
    ASSERT_LACKS(text, "roost_accounts_open{process=\"1\"}");
}

static void test_without_the_supervisor(void **state)
{
    struct metrics_process asked[] = { process(IPC_ROLE_GATE, 0, "{}"),
                                       process(IPC_ROLE_TLS, 1, NULL) };
    const char *text = print(NULL, asked, ARRAY_COUNT(asked));

    (void)state;
    ASSERT_HAS(text, "\nroost_up{role=\"supervisor\",process=\"0\"} 0\n");
    ASSERT_HAS(text, "\nroost_up{role=\"gate\",process=\"0\"} 1\n");
    ASSERT_HAS(text, "\nroost_up{role=\"tls\",process=\"1\"} 0\n");
    ASSERT_LACKS(text, "\nroost_start_time_seconds ");
    ASSERT_LACKS(text, "\nroost_restarts_total{");
}

static void test_labels(void **state)
{
    struct metrics_process asked[] = {
        process(IPC_ROLE_AUTH, 0, "{\"logins_total\":{\"PLAIN\":{\"ok\":7,\"denied\":2}}}"),
        process(IPC_ROLE_MAIL, 0, "{\"failures_total\":{\"a\\\\b\\\"c\\nd\\u00e4\":1}}"),
    };
    const char *text = print(NULL, asked, ARRAY_COUNT(asked));

    (void)state;
    ASSERT_HAS(text, "\nroost_logins_total{process=\"0\",mechanism=\"PLAIN\",result=\"ok\"} 7\n");
    ASSERT_HAS(text,
               "\nroost_logins_total{process=\"0\",mechanism=\"PLAIN\",result=\"denied\"} 2\n");
    ASSERT_HAS(text,
               "\nroost_account_failures_total{process=\"0\",at=\"a\\\\b\\\"c\\nd\xc3\xa4\"} 1\n");
}

static void test_what_makes_no_sense_is_left_out(void **state)
{
    struct metrics_process asked[] = {
        process(IPC_ROLE_GATE, 0, "{\"accounts_open\":1,\"connections\":{\"imap\":7}}"),
        process(IPC_ROLE_MAIL, 0, "{\"accounts_open\":-1,\"log_syncs_total\":1.5}"),
        process(IPC_ROLE_MAIL, 1, "{\"accounts_open\":{\"x\":1},\"log_syncs_total\":\"2\"}"),
        process(IPC_ROLE_MAIL, 2, "[1]"),
        process(IPC_ROLE_MAIL, 3, "{\"accounts_open\":1,\"accounts_open\":2}"),
    };
    const char *text = print(NULL, asked, ARRAY_COUNT(asked));

    (void)state;
    ASSERT_LACKS(text, "roost_accounts_open{");
    ASSERT_LACKS(text, "roost_log_syncs_total{");
    ASSERT_LACKS(text, "roost_gate_connections{");
    ASSERT_HAS(text, "\nroost_up{role=\"mail\",process=\"1\"} 1\n");
    ASSERT_HAS(text, "\nroost_up{role=\"mail\",process=\"2\"} 0\n");
    ASSERT_HAS(text, "\nroost_up{role=\"mail\",process=\"3\"} 0\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_family_has_its_head),       cmocka_unit_test(test_processes),
        cmocka_unit_test(test_without_the_supervisor),          cmocka_unit_test(test_labels),
        cmocka_unit_test(test_what_makes_no_sense_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
