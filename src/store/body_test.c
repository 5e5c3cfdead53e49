/* Bodies and summaries on their way in and out, on a disk that makes one wait. */
#include "store/body.h"

#include <stdlib.h>
#include <string.h>

#include "kit/assert_bytes.h"
#include "kit/desk.h"
#include "kit/mem_vfs.h"
#include "message/summary.h"
#include "store/account_state.h"
#include "store/summary_index.h"

enum { LARGE_BYTES = 400 * 1024 };

static const char mail[] = "Subject: x\r\n\r\nbody\r\n";

static char *large_text(void)
{
    char *text = malloc(LARGE_BYTES);

    for (size_t i = 0; i < LARGE_BYTES; i++)
        text[i] = i % 64 == 63 ? '\n' : (char)('A' + i * 7 % 53);
    memcpy(text, "Subject: large one\n\n", 20);
    return text;
}

/* An INBOX with a small and a large message, reopened, so that nothing waits in memory. */
static void open_with_mail(struct desk *desk, bool compress)
{
    char *text = large_text();

    desk_init(desk, mem_vfs_new(1));
    desk->options.compress = compress;
    assert_int_equal(desk_open(desk), ERR_OK);
    assert_int_equal(
        desk_append(desk, desk_mailbox(desk, "INBOX"), bytes_from_string(mail), 0, NULL), ERR_OK);
    assert_int_equal(
        desk_append(desk, desk_mailbox(desk, "INBOX"), bytes_make(text, LARGE_BYTES), 0, NULL),
        ERR_OK);
    free(text);
    desk_close(desk);
    assert_int_equal(desk_open(desk), ERR_OK);
}

static struct body_id body_of(struct desk *desk, uint32_t seqno)
{
    struct view *view = view_open(desk_mailbox(desk, "INBOX"));
    struct row row;

    view_row(view, (struct seqno){ seqno }, &row);
    view_close(view);
    return row.body;
}

static void done(struct desk *desk)
{
    desk_close(desk);
    assert_int_equal(mem_vfs_open_files(desk->vfs), 0);
    mem_vfs_free(desk->vfs);
}

static void test_ranges(void **context)
{
    static const struct {
        uint64_t offset;
        size_t len;
        enum err err;
    } cases[] = {
        { 0, 1, ERR_OK },
        { 65535, 2, ERR_OK },
        { 65536, 65536, ERR_OK },
        { 1000, 300000, ERR_OK },
        { LARGE_BYTES - 1, 1, ERR_OK },
        { LARGE_BYTES, 0, ERR_OK },
        { LARGE_BYTES, 1, ERR_INVALID },
        { LARGE_BYTES + 1, 0, ERR_INVALID },
        { 1, LARGE_BYTES, ERR_INVALID },
        { UINT64_MAX, 1, ERR_INVALID },
    };
    char *text = large_text();
    char *into = malloc(LARGE_BYTES);
    struct body_id large;
    struct desk desk;

    open_with_mail(&desk, *context != NULL);
    large = body_of(&desk, 2);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        enum err err =
            body_read(desk.account, (struct body_piece){ large, cases[i].offset, cases[i].len },
                      into, &desk.waker);

        assert_int_equal(err, cases[i].err);
        if (err == ERR_OK)
            assert_memory_equal(into, text + cases[i].offset, cases[i].len);
    }
    assert_int_equal(
        body_read(desk.account, (struct body_piece){ { 77 }, 0, 1 }, into, &desk.waker),
        ERR_NOT_FOUND);
    free(text);
    free(into);
    done(&desk);
}

static void fail_on_wake(struct waker *waker)
{
    (void)waker;
    fail();
}

/* Of all body segments. */
static size_t large_stored(struct desk *desk)
{
    size_t bytes = 0;

    for (unsigned i = 0; mem_vfs_path(desk->vfs, i) != NULL; i++) {
        const char *path = mem_vfs_path(desk->vfs, i);

        if (strstr(path, ".body") != NULL)
            bytes += mem_vfs_file(desk->vfs, path).len;
    }
    return bytes;
}

static void test_the_setting_counts(void **context)
{
    struct desk desk;

    open_with_mail(&desk, *context != NULL);
    assert_int_equal(large_stored(&desk) < LARGE_BYTES / 2, *context != NULL);
    done(&desk);
}

static void test_waiting_for_the_disk(void **context)
{
    struct waker other = { fail_on_wake };
    struct body_id large;
    struct desk desk;
    char into[100];

    open_with_mail(&desk, *context != NULL);
    large = body_of(&desk, 2);
    mem_vfs_chill(desk.vfs);
    assert_int_equal(
        body_read(desk.account, (struct body_piece){ large, 70000, 100 }, into, &desk.waker),
        ERR_BUSY);
    assert_int_equal(
        body_read(desk.account, (struct body_piece){ large, 70000, 100 }, into, &desk.waker),
        ERR_BUSY);
    assert_int_equal(
        body_read(desk.account, (struct body_piece){ large, 70000, 100 }, into, &other), ERR_BUSY);
    assert_true(account_is_busy(desk.account));
    body_waker_forget(desk.account, &other);
    desk.wakes = 0;
    desk_settle(&desk);
    assert_int_equal(desk.wakes, 1);
    assert_int_equal(
        body_read(desk.account, (struct body_piece){ large, 70000, 100 }, into, &desk.waker),
        ERR_OK);
    assert_int_equal(desk.account->load_count, 0);
    done(&desk);
}

static void test_wrong_bytes_are_not_given_out(void **context)
{
    struct body_id small;
    struct summary summary;
    struct desk desk;
    char into[100] = "";
    uint64_t at = 0;

    open_with_mail(&desk, *context != NULL);
    small = body_of(&desk, 1);
    for (unsigned i = 0; mem_vfs_path(desk.vfs, i) != NULL; i++) {
        const char *path = mem_vfs_path(desk.vfs, i);
        struct bytes file = mem_vfs_file(desk.vfs, path);

        at = bytes_find(file, 0, BYTES("body\r\n"));
        if (strncmp(path, "log/", 4) == 0 && at < file.len)
            mem_vfs_damage(desk.vfs, path, at, 1);
    }
    assert_int_equal(body_read(desk.account, (struct body_piece){ small, 0, 3 }, into, &desk.waker),
                     ERR_CORRUPT);
    assert_int_equal(into[0], '\0');
    /* The summary was made when the body was whole. */
    assert_int_equal(body_summary(desk.account, small, &desk.waker, &summary), ERR_OK);
    done(&desk);
}

/* What a FETCH of many bodies comes down to. */
static void test_a_small_body_is_one_read(void **context)
{
    struct body_id small;
    struct desk desk;
    char into[100];

    (void)context;
    open_with_mail(&desk, false);
    small = body_of(&desk, 1);
    for (int i = 0; i < 3; i++) {
        uint64_t before = mem_vfs_reads(desk.vfs);

        assert_int_equal(
            body_read(desk.account, (struct body_piece){ small, 4, 10 }, into, &desk.waker),
            ERR_OK);
        assert_memory_equal(into, mail + 4, 10);
        assert_int_equal(mem_vfs_reads(desk.vfs) - before, 1);
    }
    done(&desk);
}

static void assert_summaries(struct desk *desk)
{
    static const char *const subjects[] = { "X", "LARGE ONE" };

    for (uint32_t i = 1; i <= 2; i++) {
        struct summary summary;
        enum err err;

        while ((err = body_summary(desk->account, body_of(desk, i), &desk->waker, &summary)) ==
               ERR_BUSY)
            desk_settle(desk);
        assert_int_equal(err, ERR_OK);
        assert_int_equal(summary.message_bytes, i == 1 ? strlen(mail) : LARGE_BYTES);
        assert_true(bytes_equal_nocase(summary.subject, bytes_from_string(subjects[i - 1])));
    }
}

static size_t summaries_written(const struct desk *desk)
{
    return mem_vfs_file(desk->vfs, "summary").len - SUMMARY_HEAD_BYTES;
}

static void rest_a_second(struct desk *desk)
{
    for (unsigned i = 0; i <= 10; i++)
        (void)desk_tick(desk);
}

/* Nothing is written between a message and its answer: summaries wait for each other. */
static void test_summaries_are_written_together(void **context)
{
    enum { COUNT = 300 };
    struct desk desk;

    open_with_mail(&desk, *context != NULL);
    rest_a_second(&desk);
    assert_true(summaries_written(&desk) > 0);
    for (unsigned i = 0, written = 0; i < COUNT; i++) {
        size_t before = summaries_written(&desk);

        assert_int_equal(
            desk_append(&desk, desk_mailbox(&desk, "INBOX"), bytes_from_string(mail), 0, NULL),
            ERR_OK);
        desk_sync(&desk);
        assert_int_equal(summaries_written(&desk), before);
        (void)account_tick(desk.account, desk.mono, desk.now);
        written += summaries_written(&desk) > before;
        if (i == COUNT - 1)
            assert_in_range(written, 1, COUNT / 20);
    }
    assert_int_equal(account_tick(desk.account, desk.mono, desk.now).ms, desk.mono.ms + 1000);
    rest_a_second(&desk);
    assert_true(account_tick(desk.account, desk.mono, desk.now).ms > desk.mono.ms + 1000);
    done(&desk);
}

static void test_summaries_are_disposable(void **context)
{
    static const char *const paths[] = { "summary", "summary.index" };
    struct desk desk;
    uint64_t size;

    open_with_mail(&desk, *context != NULL);
    assert_summaries(&desk);
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        /* Removed while it is open, and while it is closed for the time being. */
        mem_vfs_remove(desk.vfs, paths[i]);
        assert_summaries(&desk);
        account_trim(desk.account);
        assert_summaries(&desk);
        desk_close(&desk);
        mem_vfs_remove(desk.vfs, paths[i]);
        assert_int_equal(desk_open(&desk), ERR_OK);
        assert_summaries(&desk);
        assert_summaries(&desk);
    }
    rest_a_second(&desk);
    size = mem_vfs_file(desk.vfs, "summary").len;
    assert_true(size > 1000);
    for (uint64_t at = 0; at < size; at += 13) {
        mem_vfs_damage(desk.vfs, "summary", at, 0x40);
        assert_summaries(&desk);
    }
    mem_vfs_chill(desk.vfs);
    assert_summaries(&desk);
    done(&desk);
}

static void test_a_body_waits_in_the_batch(void **context)
{
    struct buf text = buf_make(1000);
    struct summary summary;
    struct desk desk;

    open_with_mail(&desk, *context != NULL);
    assert_int_equal(
        desk_append(&desk, desk_mailbox(&desk, "INBOX"), bytes_from_string(mail), 0, NULL), ERR_OK);
    /* The clean mark stands: nothing is on the disk before its job has run. */
    assert_true(account_durable(desk.account) < account_gate(desk.account));
    assert_int_equal(body_summary(desk.account, body_of(&desk, 3), &desk.waker, &summary), ERR_OK);
    assert_int_equal(desk_read(&desk, body_of(&desk, 3), &text), ERR_OK);
    ASSERT_BYTES(buf_bytes(&text), bytes_from_string(mail));
    buf_done(&text);
    done(&desk);
}

static void test_writer_refusals(void **context)
{
    struct body_writer *writer;
    struct desk desk;
    size_t taken = 7;

    open_with_mail(&desk, *context != NULL);
    assert_int_equal(
        body_writer_open(desk.account, RECORD_BODY_BYTES_MAX + 1, &desk.waker, &writer), ERR_LIMIT);
    assert_int_equal(body_writer_open(desk.account, 5, &desk.waker, &writer), ERR_OK);
    assert_int_equal(body_writer_add(writer, BYTES("123456"), &taken), ERR_LIMIT);
    assert_int_equal(taken, 7);
    assert_int_equal(body_writer_add(writer, BYTES("12345"), &taken), ERR_OK);
    assert_int_equal(taken, 5);
    assert_int_equal(body_writer_add(writer, BYTES("6"), &taken), ERR_LIMIT);
    assert_int_equal(body_writer_finish(writer), ERR_OK);
    assert_int_equal(body_writer_finish(writer), ERR_OK);
    assert_int_equal(body_writer_add(writer, BYTES(""), &taken), ERR_CONFLICT);
    assert_int_equal(body_writer_size(writer), 5);
    body_writer_free(writer);
    body_writer_free(NULL);
    done(&desk);
}

static void test_a_slow_disk_holds_the_writer_back(void **context)
{
    struct body_writer *writer;
    char *text = large_text();
    struct desk desk;
    size_t taken;
    size_t sent = 0;
    enum err err;

    open_with_mail(&desk, *context != NULL);
    assert_int_equal(body_writer_open(desk.account, 1 << 30, &desk.waker, &writer), ERR_OK);
    while ((err = body_writer_add(writer, bytes_make(text, LARGE_BYTES), &taken)) == ERR_OK)
        sent += taken;
    assert_int_equal(err, ERR_BUSY);
    assert_int_equal(taken, 0);
    assert_true(sent <= 1024 * 1024); /* no more than its two buffers */
    desk.wakes = 0;
    desk_settle(&desk);
    assert_true(desk.wakes > 0);
    assert_int_equal(body_writer_add(writer, bytes_make(text, 10), &taken), ERR_OK);
    assert_int_equal(body_writer_finish(writer), ERR_BUSY);
    body_writer_free(writer); /* its job is still to run */
    free(text);
    done(&desk);
}

struct bell {
    struct waker waker;
    unsigned rung;
};

static void ring(struct waker *waker)
{
    CONTAINER_OF(waker, struct bell, waker)->rung++;
}

/* A large index of summaries is read when it is first needed, once for all that wait for it. */
static void test_an_index_is_read_once_for_all(void **context)
{
    enum { COUNT = 3000, WAITING = 3 };
    struct bell bells[WAITING] = { { { ring }, 0 }, { { ring }, 0 }, { { ring }, 0 } };
    struct summary summary;
    struct body_id body;
    struct desk desk;

    (void)context;
    desk_init(&desk, mem_vfs_new(1));
    assert_int_equal(desk_open(&desk), ERR_OK);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(
            desk_append(&desk, desk_mailbox(&desk, "INBOX"), bytes_from_string(mail), 0, NULL),
            ERR_OK);
    desk_close(&desk);
    assert_int_equal(desk_open(&desk), ERR_OK);
    body = body_of(&desk, COUNT / 2);
    for (int i = 0; i < WAITING; i++)
        assert_int_equal(body_summary(desk.account, body, &bells[i].waker, &summary), ERR_BUSY);
    assert_int_equal(body_summary(desk.account, body, &bells[0].waker, &summary), ERR_BUSY);
    body_waker_forget(desk.account, &bells[1].waker); /* its session has gone */
    assert_true(jobs_run(&desk.jobs));
    assert_false(jobs_run(&desk.jobs));
    desk_settle(&desk);
    assert_int_equal(bells[0].rung, 1);
    assert_int_equal(bells[1].rung, 0);
    assert_int_equal(bells[2].rung, 1);
    for (int i = 0; i < WAITING; i++)
        assert_int_equal(body_summary(desk.account, body, &bells[i].waker, &summary), ERR_OK);
    assert_int_equal(summary.message_bytes, strlen(mail));
    done(&desk);
}

int main(void)
{
    static bool compress = true;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_waiting_for_the_disk),
        cmocka_unit_test(test_wrong_bytes_are_not_given_out),
        cmocka_unit_test(test_a_small_body_is_one_read),
        cmocka_unit_test(test_summaries_are_written_together),
        cmocka_unit_test(test_summaries_are_disposable),
        cmocka_unit_test(test_a_body_waits_in_the_batch),
        cmocka_unit_test(test_writer_refusals),
        cmocka_unit_test(test_an_index_is_read_once_for_all),
        cmocka_unit_test(test_a_slow_disk_holds_the_writer_back),
        cmocka_unit_test(test_the_setting_counts),
        { "test_the_setting_counts, packed", test_the_setting_counts, NULL, NULL, &compress },
        { "test_ranges, packed", test_ranges, NULL, NULL, &compress },
        { "test_waiting_for_the_disk, packed", test_waiting_for_the_disk, NULL, NULL, &compress },
        { "test_summaries_are_disposable, packed", test_summaries_are_disposable, NULL, NULL,
          &compress },
        { "test_a_body_waits_in_the_batch, packed", test_a_body_waits_in_the_batch, NULL, NULL,
          &compress },
        { "test_a_slow_disk_holds_the_writer_back, packed", test_a_slow_disk_holds_the_writer_back,
          NULL, NULL, &compress },
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
