/* Verification names exactly what was hit, and nothing in a log that is whole. */
#include "store/verify_test.h"

#include "kit/log_changes.h"
#include "store/base_writer.h"
#include "store/state.h"
#include "sys/vfs.h"

enum { FLIPS = 4000 };

static const char log_2[] = "log/0000000000000008.log";
static const char base_path[] = "log/0000000000000042.base";

static size_t count_findings(struct vfs *vfs, uint64_t durable)
{
    struct verify *verify = verify_all(vfs, durable);
    size_t count;

    (void)verify_findings(verify, &count);
    verify_free(verify);
    return count;
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

/* A base that counts, and takes the place of the first two segments. */
static struct vfs *disk_with_base(uint64_t *out_durable)
{
    struct vfs *vfs = disk_of_segments(out_durable);
    struct segment second, header = { .number = BASE, .base = 8 };
    struct drops drops = { .count = 0 };
    struct base_content content = { .drops = &drops };
    struct base_writer *writer;
    struct mailbox *inbox;
    struct state state;
    bool done = false;

    assert_int_equal(segment_header_decode(
                         bytes_slice(mem_vfs_file(vfs, log_2), 0, SEGMENT_HEADER_BYTES), &second),
                     ERR_OK);
    header.position = second.position + mem_vfs_file(vfs, log_2).len;
    state_init(&state);
    state.mailbox_next = 2;
    state.body_next = 1;
    memcpy(state.id.raw, "account id 16 by", 16);
    state.uidvalidity_last = 7;
    inbox = state_mailbox_new(&state, (struct mailbox_id){ 1 }, BYTES("INBOX"));
    inbox->uidvalidity = 7;
    inbox->uidnext = 1;
    inbox->recent_floor = 1;
    state_add(&state, inbox);
    content.state = &state;
    writer = base_writer_new(vfs, &header);
    assert_int_equal(base_writer_begin(writer), ERR_OK);
    while (!done)
        assert_int_equal(base_writer_state(writer, &content, &done), ERR_OK);
    assert_int_equal(base_writer_finish(writer), ERR_OK);
    base_writer_free(writer, true);
    state_done(&state);
    return vfs;
}

/* One flip in one file: found as the model says, or not at all. */
static void flip_one(struct vfs *vfs, uint64_t durable, const struct verify_files *files,
                     struct test_random *random)
{
    size_t which = test_random_below(random, files->count);
    const char *path = files->path[which];
    struct bytes before = copy_of(mem_vfs_file(vfs, path));
    uint64_t at = test_random_below(random, before.len);
    uint8_t bits = (uint8_t)(1U << test_random_below(random, 8));
    const struct verify_finding *findings;
    struct verify_finding expected;
    bool is_expected = verify_model_expect(before, files->number[which], at, &expected);
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

static void test_every_flip_is_named(void **state)
{
    struct test_random random = seed();

    for (int i = 0; i < 3; i++) {
        uint64_t durable;
        struct vfs *vfs = i == 0   ? disk_of_account(&durable)
                          : i == 1 ? disk_of_segments(&durable)
                                   : disk_with_base(&durable);
        struct verify_files files;

        verify_model_list(vfs, &files);
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

/* A base stands for the segments that it supersedes; one that is to count must have its end. */
static void test_bases(void **state)
{
    uint64_t durable;
    struct vfs *vfs = disk_with_base(&durable);
    struct bytes whole = copy_of(mem_vfs_file(vfs, base_path));
    struct verify *verify;
    size_t count;

    (void)state;
    mem_vfs_remove(vfs, log_1);
    assert_int_equal(count_findings(vfs, durable), 0);
    mem_vfs_remove(vfs, log_2);
    assert_int_equal(count_findings(vfs, durable), 0);
    mem_vfs_put(vfs, base_path, bytes_slice(whole, 0, SEGMENT_RECORDS_AT));
    assert_one(vfs, durable,
               (struct verify_finding){
                   .kind = VERIFY_SHORT, .segment = BASE, .offset = SEGMENT_RECORDS_AT });
    mem_vfs_remove(vfs, base_path);
    assert_one(vfs, durable, (struct verify_finding){ .kind = VERIFY_MISSING, .segment = 8 });
    mem_vfs_free(vfs);

    vfs = disk_with_base(&durable); /* in the making, in a log that has not heard of it */
    for (size_t len = SEGMENT_RECORDS_AT; len < whole.len; len += 7) {
        mem_vfs_put(vfs, base_path, bytes_slice(whole, 0, len));
        verify = verify_new(vfs, (struct verify_extent){ durable, 0 });
        while (!verify_is_done(verify))
            assert_int_equal(verify_read(verify, PIECE_BYTES, NULL), ERR_OK);
        (void)verify_findings(verify, &count);
        assert_int_equal(count, 0);
        verify_free(verify);
    }
    free((void *)(uintptr_t)whole.at);
    mem_vfs_free(vfs);
}

/* A change that is whole, and says what makes no sense. */
static void test_nonsense_is_damage(void **state)
{
    struct vfs *vfs = mem_vfs_new(4);
    struct origin origin = { PROTOCOL_IMAP, 1, BYTES("anne"), { 1700000000000000 } };
    struct log_record record;
    struct log_bench bench;
    uint64_t durable;

    (void)state;
    bench_init(&bench, vfs);
    bench_start(&bench, 1000);
    assert_int_equal(bench_change(&bench, 1, 10, true), ERR_OK);
    assert_int_equal(log_batch(bench.log), ERR_OK);
    assert_int_equal(
        log_add_change(bench.log, &origin, (struct modseq){ 2 }, BYTES("\x60\x01\0\0\0x"), &record),
        ERR_OK);
    assert_int_equal(log_append(bench.log, true), ERR_OK);
    jobs_settle(&bench.jobs);
    assert_int_equal(log_sync_now(bench.log), ERR_OK);
    durable = log_durable(bench.log);
    bench_close(&bench);
    assert_one(vfs, durable,
               (struct verify_finding){ .kind = VERIFY_CHANGE,
                                        .segment = 4,
                                        .offset = record.place.offset,
                                        .length = durable - record.place.offset });
    mem_vfs_free(vfs);
}

/* What an opening has set aside is known; behind the end of a segment whose successor has gone it
 * is none of the log. */
static void test_what_was_set_aside(void **state)
{
    static const char aside[] = "log/aside-0000000000000008-%016llx";
    uint64_t durable;
    struct vfs *vfs = disk_of_segments(&durable);
    struct buf tail = buf_make(1 << 20);
    struct verify *verify;
    struct bytes file = mem_vfs_file(vfs, log_2);
    char path[64];
    size_t count;

    (void)state;
    mem_vfs_damage(vfs, log_2, SEGMENT_RECORDS_AT, 1);
    (void)snprintf(path, sizeof(path), aside, (unsigned long long)SEGMENT_RECORDS_AT);
    mem_vfs_put(vfs, path, BYTES("x"));
    verify = verify_all(vfs, durable);
    assert_true(verify_findings(verify, &count)[0].is_known);
    assert_int_equal(count, 1);
    verify_free(verify);
    mem_vfs_damage(vfs, log_2, SEGMENT_RECORDS_AT, 1);

    (void)snprintf(path, sizeof(path), aside, (unsigned long long)file.len);
    buf_add(&tail, file);
    buf_add(&tail, BYTES("what was half written"));
    mem_vfs_put(vfs, log_2, buf_bytes(&tail));
    assert_int_equal(count_findings(vfs, durable), 0);
    mem_vfs_remove(vfs, "log/000000000000000c.log");
    assert_int_equal(count_findings(vfs, durable), 2); /* the missing one, and the tail */
    mem_vfs_put(vfs, path, BYTES("what was half written"));
    assert_int_equal(count_findings(vfs, durable), 1);
    buf_done(&tail);
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
        cmocka_unit_test(test_bases),
        cmocka_unit_test(test_nonsense_is_damage),
        cmocka_unit_test(test_what_was_set_aside),
        cmocka_unit_test(test_findings_have_a_maximum),
        cmocka_unit_test(test_a_disk_that_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
