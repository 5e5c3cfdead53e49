/* Whole messages from files: our own fixtures, and any corpus that is at hand. However a message is
 * cut into pieces, the summary is the same, reads back, and its parts lie inside the message. */
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "message/message_test.h"
#include "message/summary.h"

enum { PATH_BYTES = 2048, DEPTH_MAX = 8, FILE_BYTES_MAX = 16 * 1024 * 1024 };

static uint32_t seed = 42;

static size_t random_below(size_t limit)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % limit;
}

static void encode(struct bytes raw, size_t step_max, bool is_random, struct buf *out)
{
    struct arena arena = arena_make(MESSAGE_ARENA_BUDGET);
    struct message_parser *parser = message_parser_new(&arena, &MESSAGE_LIMITS_DEFAULT);

    while (raw.len > 0) {
        size_t step = is_random ? 1 + random_below(step_max) : step_max;
        message_parser_feed(parser, bytes_slice(raw, 0, step));
        raw = bytes_from(raw, step);
    }
    buf_clear(out);
    summary_encode(message_parser_finish(parser), out);
    assert_false(out->overflowed);
    arena_done(&arena);
}

static void check_ranges(const struct summary *s)
{
    struct summary_part part;
    size_t position = 0;
    uint32_t count = 0;

    for (; summary_part_next(s, &position, &part); count++)
        assert_true(part.body_offset + part.body_bytes <= s->message_bytes);
    assert_int_equal(position, s->parts.len);
    assert_int_equal(count, s->part_count);
}

static void check_message(struct bytes raw)
{
    struct buf whole = buf_make(SUMMARY_BYTES_MAX), pieces = buf_make(SUMMARY_BYTES_MAX);
    struct summary s;

    encode(raw, raw.len + 1, false, &whole);
    encode(raw, 1, false, &pieces);
    ASSERT_BYTES(buf_bytes(&pieces), buf_bytes(&whole));
    encode(raw, 300, true, &pieces);
    ASSERT_BYTES(buf_bytes(&pieces), buf_bytes(&whole));
    assert_true(summary_decode(buf_bytes(&whole), &s));
    assert_int_equal(s.message_bytes, raw.len);
    check_ranges(&s);
    buf_done(&whole);
    buf_done(&pieces);
}

static void check_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct buf raw = buf_make(FILE_BYTES_MAX);
    size_t got = 1;

    assert_non_null(file);
    while (got > 0) {
        uint8_t *into = buf_reserve(&raw, 65536);
        assert_non_null(into);
        got = fread(into, 1, 65536, file);
        buf_commit(&raw, got);
    }
    (void)fclose(file);
    check_message(buf_bytes(&raw));
    buf_done(&raw);
}

/* All regular files below; answers how many. */
static size_t check_folder(const char *path, int depth)
{
    DIR *folder = opendir(path);
    size_t count = 0;

    if (folder == NULL || depth == DEPTH_MAX)
        return 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char inner[PATH_BYTES];
        struct stat status;
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (stat(inner, &status) != 0)
            continue;
        if (S_ISDIR(status.st_mode)) {
            count += check_folder(inner, depth + 1);
        } else if (S_ISREG(status.st_mode)) {
            check_file(inner);
            count++;
        }
    }
    (void)closedir(folder);
    return count;
}

static void test_fixtures(void **state)
{
    (void)state;
    assert_in_range(check_folder(ROOST_SOURCE_ROOT "/test/fixtures/mail", 0), 8, 1000);
}

static void test_corpus(void **state)
{
    const char *path = getenv("ROOST_CORPUS");

    (void)state;
    size_t count = check_folder(path != NULL ? path : ROOST_SOURCE_ROOT "/../shared/corpus", 0);
    print_message("%zu corpus files, seed 42\n", count);
    if (count == 0)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixtures),
        cmocka_unit_test(test_corpus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
