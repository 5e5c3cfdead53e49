/* Verification names exactly what was hit, and nothing in a log that is whole. */
#include "store/verify.h"

#include <stdio.h>
#include <stdlib.h>

#include "kit/desk.h"
#include "kit/log_changes.h"
#include "kit/random.h"
#include "store/record.h"
#include "store/segment.h"
#include "sys/vfs.h"

enum {
    FLIPS = 4000,
    COST_FLIPS = 1500,
    SMALL = 40,
    ALL = 42,
    LARGE_BYTES = 300 * 1000,
    PIECE_BYTES = 10000,
    FILES_MAX = 32
};

static const char log_1[] = "log/0000000000000004.log";

/* All of it, in small pieces. */
static struct verify *verify_all(struct vfs *vfs, uint64_t durable)
{
    struct verify *verify = verify_new(vfs, durable);
    struct verify_counts counts;

    while (!verify_is_done(verify))
        assert_int_equal(verify_read(verify, PIECE_BYTES, NULL), ERR_OK);
    counts = verify_counts(verify);
    assert_int_equal(counts.bytes, counts.bytes_total);
    return verify;
}

static size_t count_findings(struct vfs *vfs, uint64_t durable)
{
    struct verify *verify = verify_all(vfs, durable);
    size_t count;

    (void)verify_findings(verify, &count);
    verify_free(verify);
    return count;
}

/* An account with small bodies in its log, each flagged by a change of its own, and two in segments
 * of their own. Open. */
static void fill_account(struct desk *desk, struct vfs *vfs)
{
    static uint8_t large[LARGE_BYTES];
    struct mailbox *inbox;

    memset(large, 'x', sizeof(large));
    desk_init(desk, vfs);
    assert_int_equal(desk_open(desk), ERR_OK);
    inbox = desk_mailbox(desk, "INBOX");
    for (uint32_t i = 1; i <= SMALL; i++) {
        struct desk_store seen = { .uids = { 1, i }, .mode = FLAGS_ADD, .flags = FLAG_SEEN };

        assert_int_equal(desk_append(desk, inbox, bytes_make(large, i * 37), 0, NULL), ERR_OK);
        assert_int_equal(desk_flags(desk, inbox, seen, NULL), ERR_OK);
    }
    assert_int_equal(desk_append(desk, inbox, bytes_make(large, sizeof(large)), 0, NULL), ERR_OK);
    assert_int_equal(desk_append(desk, inbox, bytes_make(large, 70000), 0, NULL), ERR_OK);
    desk_sync(desk);
}

static struct vfs *disk_of_account(uint64_t *out_durable)
{
    struct vfs *vfs = mem_vfs_new(11);
    struct desk desk;

    fill_account(&desk, vfs);
    *out_durable = account_durable(desk.account);
    desk_close(&desk);
    return vfs;
}

/* A log of several segments. */
static struct vfs *disk_of_segments(uint64_t *out_durable)
{
    struct vfs *vfs = mem_vfs_new(4);
    struct log_bench bench;

    bench_init(&bench, vfs);
    bench.options.segment_bytes = 12000;
    bench_start(&bench, 1000);
    for (unsigned i = 1; i <= 100; i++) {
        assert_int_equal(bench_change(&bench, i, 150, true), ERR_OK);
        jobs_settle(&bench.jobs);
    }
    assert_int_equal(log_sync_now(bench.log), ERR_OK);
    *out_durable = log_durable(bench.log);
    bench_close(&bench);
    return vfs;
}

/* The model: what a flip at `at` of an undamaged segment should be found as. */

static enum verify_kind kind_of(const struct record_header *header)
{
    return header->type == RECORD_BODY   ? VERIFY_BODY
           : header->type == RECORD_BASE ? VERIFY_BASE
                                         : VERIFY_CHANGE;
}

/* In the record whose header stands at `offset`; what lies between records is nobody's. */
static bool expect_in_record(uint64_t at, uint64_t offset, const struct record_header *header,
                             struct verify_finding *out)
{
    uint64_t end = offset + RECORD_HEADER_BYTES + record_framed_bytes(header->length);

    *out = (struct verify_finding){ .offset = offset, .length = record_bytes(header->length) };
    if (at < offset + RECORD_HEADER_BYTES) {
        out->kind = VERIFY_STRETCH;
        return true;
    }
    out->kind = kind_of(header);
    return at < end;
}

static bool expect_in_body(struct bytes file, uint64_t at, struct record_key key,
                           struct verify_finding *out)
{
    uint64_t offset = file.len - RECORD_HEADER_BYTES;
    struct record_header header;

    assert_true(record_header_decode(bytes_from(file, offset), key, offset, &header));
    *out = (struct verify_finding){ .kind = at >= offset ? VERIFY_STRETCH : VERIFY_BODY,
                                    .offset = SEGMENT_BODY_AT,
                                    .length = file.len - SEGMENT_BODY_AT };
    return at >= offset || at < SEGMENT_BODY_AT + record_framed_bytes(header.length);
}

/* False: nothing is to be found. `file` is as it was. */
static bool expect(struct bytes file, uint64_t number, uint64_t at, struct verify_finding *out)
{
    uint64_t offset = SEGMENT_RECORDS_AT;
    struct record_header header;
    struct segment segment;
    struct record_key key;
    bool is_body = segment_kind(number) == SEGMENT_BODY;

    assert_int_equal(segment_header_decode(bytes_slice(file, 0, SEGMENT_HEADER_BYTES), &segment),
                     ERR_OK);
    key = record_key_make(segment.id);
    if (at < SEGMENT_HEADER_BYTES) {
        *out = (struct verify_finding){ .kind = is_body ? VERIFY_SEGMENT : VERIFY_COPY,
                                        .length = is_body ? file.len : SEGMENT_HEADER_BYTES };
        return true;
    }
    if (is_body)
        return expect_in_body(file, at, key, out);
    if (at >= SEGMENT_COPY_AT && at < SEGMENT_COPY_AT + SEGMENT_HEADER_BYTES) {
        *out = (struct verify_finding){ .kind = VERIFY_COPY,
                                        .offset = SEGMENT_COPY_AT,
                                        .length = SEGMENT_HEADER_BYTES };
        return true;
    }
    while (at >= offset && record_header_decode(bytes_slice(file, offset, RECORD_HEADER_BYTES), key,
                                                offset, &header)) {
        if (at < offset + record_bytes(header.length))
            return expect_in_record(at, offset, &header, out);
        offset += record_bytes(header.length);
    }
    return false;
}

struct files {
    const char *path[FILES_MAX];
    uint64_t number[FILES_MAX];
    size_t count;
};

static void list_files(struct vfs *vfs, struct files *out)
{
    const char *path;

    *out = (struct files){ .count = 0 };
    for (unsigned i = 0; (path = mem_vfs_path(vfs, i)) != NULL; i++) {
        struct bytes name = bytes_from_string(path);

        if (!bytes_starts_with(name, BYTES("log/")) ||
            !segment_name_parse(bytes_from(name, 4), &out->number[out->count]))
            continue;
        assert_true(out->count < FILES_MAX);
        out->path[out->count++] = path;
    }
    assert_true(out->count > 1);
}

static struct bytes copy_of(struct bytes bytes)
{
    uint8_t *copy = malloc(bytes.len);

    assert_non_null(copy);
    memcpy(copy, bytes.at, bytes.len);
    return bytes_make(copy, bytes.len);
}

/* One flip in one file: found as the model says, or not at all. */
static void flip_one(struct vfs *vfs, uint64_t durable, const struct files *files,
                     struct test_random *random)
{
    size_t which = test_random_below(random, files->count);
    const char *path = files->path[which];
    struct bytes before = copy_of(mem_vfs_file(vfs, path));
    uint64_t at = test_random_below(random, before.len);
    uint8_t bits = (uint8_t)(1U << test_random_below(random, 8));
    const struct verify_finding *findings;
    struct verify_finding expected;
    bool is_expected = expect(before, files->number[which], at, &expected);
    struct verify *verify;
    size_t count;

    mem_vfs_damage(vfs, path, at, bits);
    verify = verify_all(vfs, durable);
    findings = verify_findings(verify, &count);
    if (count != (is_expected ? 1 : 0) ||
        (count == 1 &&
         (findings[0].kind != expected.kind || findings[0].segment != files->number[which] ||
          findings[0].offset != expected.offset || findings[0].length != expected.length)))
        fail_msg("%s, byte %llu: %zu findings, the first %s at %llu, %llu bytes", path,
                 (unsigned long long)at, count,
                 count > 0 ? verify_kind_text(findings[0].kind) : "none",
                 count > 0 ? (unsigned long long)findings[0].offset : 0,
                 count > 0 ? (unsigned long long)findings[0].length : 0);
    verify_free(verify);
    mem_vfs_damage(vfs, path, at, bits);
    free((void *)(uintptr_t)before.at);
}

static struct test_random seed(void)
{
    const char *given = getenv("ROOST_TEST_SEED");
    struct test_random random = { given != NULL ? strtoull(given, NULL, 0) : 20261128 };

    (void)printf("ROOST_TEST_SEED=%llu\n", (unsigned long long)random.state);
    return random;
}

static void test_every_flip_is_named(void **state)
{
    struct test_random random = seed();

    for (int i = 0; i < 2; i++) {
        uint64_t durable;
        struct vfs *vfs = i == 0 ? disk_of_account(&durable) : disk_of_segments(&durable);
        struct files files;

        list_files(vfs, &files);
        assert_int_equal(count_findings(vfs, durable), 0);
        for (int flip = 0; flip < FLIPS; flip++)
            flip_one(vfs, durable, &files, &random);
        assert_int_equal(count_findings(vfs, durable), 0);
        assert_int_equal(mem_vfs_open_files(vfs), 0);
        mem_vfs_free(vfs);
    }
    (void)state;
}

static void test_counts(void **state)
{
    uint64_t durable;
    struct vfs *vfs = disk_of_account(&durable);
    struct verify *verify = verify_all(vfs, durable);
    struct verify_counts counts = verify_counts(verify);

    (void)state;
    assert_int_equal(counts.bodies, 42);
    assert_int_equal(counts.segments, 3);
    assert_in_range(counts.records, 42 + 82, 42 + 90);
    assert_int_equal(counts.findings, 0);
    assert_in_range(counts.bytes, LARGE_BYTES, 2 * LARGE_BYTES);
    verify_free(verify);
    mem_vfs_free(vfs);
}

/* What the owner appends meanwhile is not looked at: it may be half there. */
static void test_nothing_behind_the_durable_position_counts(void **state)
{
    uint64_t durable;
    struct vfs *vfs = disk_of_account(&durable);
    struct bytes file = mem_vfs_file(vfs, log_1);
    struct buf grown = buf_make(1 << 20);

    (void)state;
    buf_add(&grown, bytes_slice(file, 0, (size_t)durable));
    buf_add(&grown, BYTES("half a record"));
    mem_vfs_put(vfs, log_1, buf_bytes(&grown));
    assert_int_equal(count_findings(vfs, durable), 0);
    buf_done(&grown);
    mem_vfs_free(vfs);
}

static void assert_one(struct vfs *vfs, uint64_t durable, struct verify_finding expected)
{
    struct verify *verify = verify_all(vfs, durable);
    size_t count;
    const struct verify_finding *findings = verify_findings(verify, &count);

    assert_int_equal(count, 1);
    assert_int_equal(findings[0].kind, expected.kind);
    assert_int_equal(findings[0].segment, expected.segment);
    assert_int_equal(findings[0].offset, expected.offset);
    assert_int_equal(findings[0].length, expected.length);
    verify_free(verify);
}

static void test_missing_and_short_segments(void **state)
{
    uint64_t durable;
    struct vfs *vfs = disk_of_segments(&durable);
    struct bytes whole = copy_of(mem_vfs_file(vfs, log_1));
    size_t cut = SEGMENT_RECORDS_AT;

    (void)state;
    mem_vfs_remove(vfs, log_1);
    assert_one(vfs, durable, (struct verify_finding){ .kind = VERIFY_MISSING, .segment = 4 });
    mem_vfs_put(vfs, log_1, bytes_slice(whole, 0, cut));
    assert_one(vfs, durable,
               (struct verify_finding){
                   .kind = VERIFY_SHORT, .segment = 4, .offset = cut, .length = whole.len - cut });
    mem_vfs_put(vfs, log_1, whole);
    mem_vfs_damage(vfs, log_1, 0, 1);
    mem_vfs_damage(vfs, log_1, SEGMENT_COPY_AT, 1);
    assert_one(
        vfs, durable,
        (struct verify_finding){ .kind = VERIFY_SEGMENT, .segment = 4, .length = whole.len });
    free((void *)(uintptr_t)whole.at);
    mem_vfs_free(vfs);
}

/* What is still being made, or whose making was cut short, is no damage. */
static void test_what_is_not_finished_is_no_damage(void **state)
{
    static const char *const paths[] = { "log/0000000000000ffd.body", "log/0000000000000ffc.log",
                                         "log/0000000000000ffe.base" };
    uint64_t durable;
    struct vfs *vfs = disk_of_segments(&durable);

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        mem_vfs_put(vfs, paths[i], bytes_slice(mem_vfs_file(vfs, log_1), 0, i * 100));
        assert_int_equal(count_findings(vfs, durable), 0);
    }
    mem_vfs_free(vfs);
}

static void test_findings_have_a_maximum(void **state)
{
    struct vfs *vfs = mem_vfs_new(9);
    struct log_bench bench;
    struct verify *verify;
    struct bytes file;
    uint64_t durable;
    size_t count;

    (void)state;
    bench_init(&bench, vfs);
    bench.options.segment_bytes = 1 << 30;
    bench_start(&bench, 1000);
    for (unsigned i = 1; i <= VERIFY_FINDINGS_MAX + 10; i++)
        assert_int_equal(bench_change(&bench, i, 10, true), ERR_OK);
    jobs_settle(&bench.jobs);
    assert_int_equal(log_sync_now(bench.log), ERR_OK);
    durable = log_durable(bench.log);
    bench_close(&bench);
    file = mem_vfs_file(vfs, log_1);
    for (uint64_t at = SEGMENT_RECORDS_AT; at < durable;) {
        struct record_header header;
        struct segment segment;

        assert_int_equal(
            segment_header_decode(bytes_slice(file, 0, SEGMENT_HEADER_BYTES), &segment), ERR_OK);
        assert_true(record_header_decode(bytes_slice(file, at, RECORD_HEADER_BYTES),
                                         record_key_make(segment.id), at, &header));
        mem_vfs_damage(vfs, log_1, at + RECORD_HEADER_BYTES, 1);
        at += record_bytes(header.length);
    }
    verify = verify_all(vfs, durable);
    (void)verify_findings(verify, &count);
    assert_int_equal(count, VERIFY_FINDINGS_MAX);
    assert_int_equal(verify_counts(verify).findings, VERIFY_FINDINGS_MAX + 10);
    verify_free(verify);
    mem_vfs_free(vfs);
}

/* What findings cost. */

/* The message whose body or last change is in the record at `at`; 0: none. */
static uint32_t cost_in_log(struct bytes file, uint64_t at)
{
    uint64_t offset = SEGMENT_RECORDS_AT;
    uint32_t uid = 0;
    uint32_t changes = 0; /* since the last body */
    struct record_header header;
    struct segment segment;
    struct record_key key;

    assert_int_equal(segment_header_decode(bytes_slice(file, 0, SEGMENT_HEADER_BYTES), &segment),
                     ERR_OK);
    key = record_key_make(segment.id);
    while (at >= offset && record_header_decode(bytes_slice(file, offset, RECORD_HEADER_BYTES), key,
                                                offset, &header)) {
        if (header.type == RECORD_BODY) {
            uid++;
            changes = 0;
        } else if (uid > 0 && ++changes > 2) {
            uid++; /* its body is elsewhere */
        }
        if (at < offset + record_bytes(header.length))
            return uid;
        offset += record_bytes(header.length);
    }
    return 0;
}

static uint32_t cost_of(const struct files *files, size_t which, struct bytes file, uint64_t at)
{
    uint32_t uid = SMALL;

    if (segment_kind(files->number[which]) == SEGMENT_LOG)
        return cost_in_log(file, at);
    for (size_t i = 0; i <= which; i++)
        uid += segment_kind(files->number[i]) == SEGMENT_BODY ? 1 : 0;
    return uid;
}

/* All messages of the account, in pieces; what is gone and was not moved is lost. */
static void look_at_messages(struct verify *verify, const struct account *account)
{
    struct verify_message messages[VERIFY_MESSAGES_MAX];
    struct verify_cursor cursor = { .uid = 0 };

    while (!cursor.done) {
        size_t count = verify_take(account, &cursor, messages, 7);

        assert_int_equal(verify_messages(verify, messages, count, NULL), ERR_OK);
        for (size_t i = 0; i < count; i++)
            if (messages[i].is_gone && verify_take_again(account, &messages[i]) == VERIFY_THE_SAME)
                verify_lose(verify, &messages[i]);
    }
}

static void cost_one(struct desk *desk, const struct files *files, struct test_random *random)
{
    size_t which = test_random_below(random, files->count);
    const char *path = files->path[which];
    struct bytes before = copy_of(mem_vfs_file(desk->vfs, path));
    uint64_t at = test_random_below(random, before.len);
    struct verify_finding finding;
    uint32_t uid = 0;
    struct verify *verify;
    const struct verify_loss *losses;
    size_t count;

    if (expect(before, files->number[which], at, &finding) && finding.kind != VERIFY_COPY)
        uid = cost_of(files, which, before, at);
    mem_vfs_damage(desk->vfs, path, at, 1);
    verify = verify_all(desk->vfs, account_durable(desk->account));
    look_at_messages(verify, desk->account);
    losses = verify_losses(verify, &count);
    if (count != (uid == 0 ? 0 : 1) || (count == 1 && losses[0].uid.value != uid))
        fail_msg("%s, byte %llu: costs %zu messages, the first %u, not %u", path,
                 (unsigned long long)at, count, count > 0 ? losses[0].uid.value : 0, uid);
    assert_int_equal(verify_counts(verify).messages, ALL);
    assert_in_range(verify_counts(verify).findings, 0, 1);
    verify_free(verify);
    mem_vfs_damage(desk->vfs, path, at, 1);
    free((void *)(uintptr_t)before.at);
}

static void test_what_each_flip_costs(void **state)
{
    struct test_random random = seed();
    struct vfs *vfs = mem_vfs_new(11);
    struct files files;
    struct desk desk;

    (void)state;
    fill_account(&desk, vfs);
    list_files(vfs, &files);
    for (int flip = 0; flip < COST_FLIPS; flip++)
        cost_one(&desk, &files, &random);
    desk_close(&desk);
    mem_vfs_free(vfs);
}

static void test_a_body_that_is_not_there(void **state)
{
    struct vfs *vfs = mem_vfs_new(11);
    const struct verify_finding *findings;
    const struct verify_loss *losses;
    struct verify_message moved;
    struct verify_cursor cursor = { .uid = 0 };
    struct verify *verify;
    struct files files;
    struct desk desk;
    size_t count;

    (void)state;
    fill_account(&desk, vfs);
    list_files(vfs, &files);
    mem_vfs_remove(vfs, files.path[files.count - 1]);
    verify = verify_all(vfs, account_durable(desk.account));
    look_at_messages(verify, desk.account);
    findings = verify_findings(verify, &count);
    assert_int_equal(count, 1);
    assert_int_equal(findings[0].kind, VERIFY_LOST);
    assert_int_equal(findings[0].messages, 1);
    losses = verify_losses(verify, &count);
    assert_int_equal(count, 1);
    assert_int_equal(losses[0].uid.value, ALL);

    /* One that was moved since it was taken is looked for at its new place. */
    assert_int_equal(verify_take(desk.account, &cursor, &moved, 1), 1);
    moved.place.segment = 0x7d;
    assert_int_equal(verify_messages(verify, &moved, 1, NULL), ERR_OK);
    assert_true(moved.is_gone);
    assert_int_equal(verify_take_again(desk.account, &moved), VERIFY_MOVED);
    assert_int_equal(verify_messages(verify, &moved, 1, NULL), ERR_OK);
    assert_false(moved.is_gone);
    assert_int_equal(verify_counts(verify).losses, 1);

    /* Another body at the place, and a size that is not its own. */
    moved.body.value++;
    assert_int_equal(verify_messages(verify, &moved, 1, NULL), ERR_OK);
    assert_int_equal(verify_counts(verify).losses, 2);
    moved.body.value--;
    moved.size++;
    assert_int_equal(verify_messages(verify, &moved, 1, NULL), ERR_OK);
    assert_int_equal(verify_counts(verify).losses, 3);

    moved.uid.value = 9999;
    assert_int_equal(verify_take_again(desk.account, &moved), VERIFY_NO_MORE);
    verify_free(verify);
    desk_close(&desk);
    mem_vfs_free(vfs);
}

/* Messages that come while it reads are passed over: their bodies were not read. */
static void test_new_messages_are_no_damage(void **state)
{
    struct vfs *vfs = mem_vfs_new(11);
    struct verify *verify;
    struct desk desk;

    (void)state;
    fill_account(&desk, vfs);
    verify = verify_all(vfs, account_durable(desk.account));
    assert_int_equal(desk_append(&desk, desk_mailbox(&desk, "INBOX"), BYTES("new"), 0, NULL),
                     ERR_OK);
    look_at_messages(verify, desk.account);
    assert_int_equal(verify_counts(verify).messages, ALL + 1);
    assert_int_equal(verify_counts(verify).findings, 0);
    verify_free(verify);
    desk_close(&desk);
    mem_vfs_free(vfs);
}

static void test_derived_files(void **state)
{
    static const char *const derived[] = { "checkpoint", "summary", "summary.index" };
    struct vfs *vfs = mem_vfs_new(11);
    struct verify_derived now;
    struct desk desk;

    (void)state;
    fill_account(&desk, vfs);
    verify_look_at_derived(vfs, desk.options.id, &now);
    assert_false(now.has_checkpoint);
    desk_close(&desk);
    verify_look_at_derived(vfs, desk.options.id, &now);
    assert_true(now.has_checkpoint && now.checkpoint_holds);
    assert_true(now.has_summaries && now.summaries_hold);
    for (size_t i = 0; i < ARRAY_COUNT(derived); i++) {
        mem_vfs_damage(vfs, derived[i], 60, 1);
        verify_look_at_derived(vfs, desk.options.id, &now);
        assert_int_equal(now.checkpoint_holds, i != 0);
        assert_int_equal(now.summaries_hold, i == 0);
        mem_vfs_damage(vfs, derived[i], 60, 1);
    }
    mem_vfs_remove(vfs, "summary.index");
    verify_look_at_derived(vfs, desk.options.id, &now);
    assert_true(now.has_summaries && !now.summaries_hold);
    mem_vfs_free(vfs);
}

/* A disk with a block that cannot be read. */
struct bad_disk {
    struct vfs vfs;
    struct vfs *inner;
    uint64_t from; /* of log_1 */
    uint64_t to;
};

struct bad_file {
    struct vfs_file file;
    struct vfs_file *inner;
    const struct bad_disk *disk; /* NULL: all of it can be read */
};

static enum err bad_read(struct vfs_file *file, uint64_t offset, void *into, size_t len,
                         unsigned flags)
{
    struct bad_file *bad = CONTAINER_OF(file, struct bad_file, file);

    if (bad->disk != NULL && offset < bad->disk->to && offset + len > bad->disk->from)
        return ERR_IO;
    return vfs_read(bad->inner, offset, into, len, flags);
}

static enum err bad_size(struct vfs_file *file, uint64_t *out_size)
{
    struct bad_file *bad = CONTAINER_OF(file, struct bad_file, file);

    return bad->inner->calls->size(bad->inner, out_size);
}

static void bad_close(struct vfs_file *file)
{
    struct bad_file *bad = CONTAINER_OF(file, struct bad_file, file);

    vfs_close(bad->inner);
    free(bad);
}

static enum err bad_open(struct vfs *vfs, const char *path, unsigned flags,
                         struct vfs_file **out_file)
{
    static const struct vfs_file_calls calls = { .read = bad_read,
                                                 .size = bad_size,
                                                 .close = bad_close };
    struct bad_disk *disk = CONTAINER_OF(vfs, struct bad_disk, vfs);
    struct bad_file *bad = calloc(1, sizeof(*bad));
    enum err err;

    assert_non_null(bad);
    err = disk->inner->open(disk->inner, path, flags, &bad->inner);
    if (err != ERR_OK) {
        free(bad);
        return err;
    }
    bad->file.calls = &calls;
    bad->disk = strcmp(path, log_1) == 0 ? disk : NULL;
    *out_file = &bad->file;
    return ERR_OK;
}

static enum err bad_list(struct vfs *vfs, const char *path, vfs_list_fn *each, void *context)
{
    struct bad_disk *disk = CONTAINER_OF(vfs, struct bad_disk, vfs);

    return disk->inner->list(disk->inner, path, each, context);
}

/* What the disk does not give is a finding, and the rest is read. */
static void test_a_disk_that_fails(void **state)
{
    uint64_t durable;
    struct bad_disk disk = { .vfs = { .open = bad_open, .list = bad_list },
                             .inner = disk_of_account(&durable),
                             .from = 12288,
                             .to = 16384 };
    uint64_t records[2] = { 0, 0 };

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct verify *verify = verify_all(i == 0 ? disk.inner : &disk.vfs, durable);
        size_t count;
        const struct verify_finding *findings = verify_findings(verify, &count);

        records[i] = verify_counts(verify).records;
        for (size_t k = 0; k < count; k++)
            assert_true(findings[k].segment == 4 && findings[k].offset < disk.to &&
                        findings[k].offset + findings[k].length > disk.from);
        assert_int_equal(count > 0, i == 1);
        assert_in_range(count, 0, 2);
        verify_free(verify);
    }
    assert_in_range(records[0] - records[1], 2, 20);
    mem_vfs_free(disk.inner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_flip_is_named),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_nothing_behind_the_durable_position_counts),
        cmocka_unit_test(test_missing_and_short_segments),
        cmocka_unit_test(test_what_is_not_finished_is_no_damage),
        cmocka_unit_test(test_findings_have_a_maximum),
        cmocka_unit_test(test_what_each_flip_costs),
        cmocka_unit_test(test_a_body_that_is_not_there),
        cmocka_unit_test(test_new_messages_are_no_damage),
        cmocka_unit_test(test_derived_files),
        cmocka_unit_test(test_a_disk_that_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
