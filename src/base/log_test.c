/* Log lines: a peer's bytes stay inside their quotes, and every line fits. */
#include "base/log.h"

#include <string.h>

#include "kit/assert_bytes.h"

struct catcher {
    struct log_sink sink;
    int lines;
    enum log_level level;
    size_t len;
    char text[LOG_LINE_BYTES_MAX];
};

static void catch_line(struct log_sink *sink, enum log_level level, struct bytes line)
{
    struct catcher *catcher = CONTAINER_OF(sink, struct catcher, sink);

    catcher->lines++;
    catcher->level = level;
    catcher->len = line.len;
    memcpy(catcher->text, line.at, line.len);
}

static struct bytes caught(const struct catcher *catcher)
{
    return bytes_make(catcher->text, catcher->len);
}

static void test_before_a_sink_is_set_nothing_happens(void **state)
{
    (void)state;
    log_set_sink(NULL, LOG_LEVEL_DEBUG);
    log_event(LOG_LEVEL_ERROR, "start", NULL, NULL);
}

static void test_values(void **state)
{
    struct catcher catcher = { .sink = { catch_line } };
    struct log_line line;

    (void)state;
    log_set_sink(&catcher.sink, LOG_LEVEL_INFO);
    log_begin(&line, LOG_LEVEL_INFO, "login");
    log_bytes(&line, "user", BYTES("ann@example.org"));
    log_bytes(&line, "forged", BYTES("x\r\nevent=\"login\" \\\xe4"));
    log_string(&line, "empty", "");
    log_number(&line, "low", INT64_MIN);
    log_number(&line, "high", INT64_MAX);
    log_end(&line);
    ASSERT_BYTES(caught(&catcher),
                 BYTES("event=login user=ann@example.org"
                       " forged=\"x\\x0d\\x0aevent=\\\"login\\\" \\\\\\xe4\" empty=\"\""
                       " low=-9223372036854775808 high=9223372036854775807"));
    log_set_sink(NULL, LOG_LEVEL_INFO);
}

static void test_levels(void **state)
{
    struct catcher catcher = { .sink = { catch_line } };

    (void)state;
    log_set_sink(&catcher.sink, LOG_LEVEL_WARNING);
    log_event(LOG_LEVEL_INFO, "start", "role", "gate");
    log_event(LOG_LEVEL_DEBUG, "start", "role", "gate");
    assert_int_equal(catcher.lines, 0);
    log_event(LOG_LEVEL_WARNING, "start", "role", "gate");
    log_event(LOG_LEVEL_ERROR, "end", "role", NULL);
    assert_int_equal(catcher.lines, 2);
    assert_int_equal(catcher.level, LOG_LEVEL_ERROR);
    ASSERT_BYTES(caught(&catcher), BYTES("event=end"));
    assert_string_equal(log_level_text(LOG_LEVEL_ERROR), "error");
    assert_string_equal(log_level_text(LOG_LEVEL_DEBUG), "debug");
    log_set_sink(NULL, LOG_LEVEL_INFO);
}

static void test_long_lines_are_cut(void **state)
{
    struct catcher catcher = { .sink = { catch_line } };
    char text[2 * LOG_LINE_BYTES_MAX];
    struct log_line line;

    (void)state;
    memset(text, '\n', sizeof(text));
    log_set_sink(&catcher.sink, LOG_LEVEL_INFO);
    log_begin(&line, LOG_LEVEL_INFO, "long");
    log_bytes(&line, "text", bytes_make(text, sizeof(text)));
    log_number(&line, "after", 1);
    log_end(&line);
    assert_int_equal(catcher.len, LOG_LINE_BYTES_MAX);
    assert_null(memchr(catcher.text, '\n', catcher.len));
    log_set_sink(NULL, LOG_LEVEL_INFO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_before_a_sink_is_set_nothing_happens),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_long_lines_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
