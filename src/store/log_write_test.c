/* A CHANGE in pieces: the bytes are those of one that is written at once, no piece is large, and
 * nothing is there until all of it is. */
#include "store/log_write.h"

#include <stdlib.h>

#include "kit/assert_bytes.h"
#include "kit/crash_vfs.h"
#include "kit/log_changes.h"

enum { LARGE = 300003, BODY = 900 };

static const char first_log[] = "log/0000000000000004.log";

/* The payload of a change of that number; the caller frees it. */
static struct buf payload_of(uint64_t number, size_t filler)
{
    struct origin origin = { PROTOCOL_IMAP, 1, BYTES("anne"), { 1700000000000000 } };
    struct buf payload = buf_make(RECORD_CHANGE_BYTES_MAX + 1);

    op_origin_encode(&payload, &origin);
    buf_put_u8(&payload, OP_IGNORABLE);
    buf_put_u32(&payload, (uint32_t)filler);
    for (size_t i = 0; i < filler; i++)
        buf_put_u8(&payload, (uint8_t)(number + i));
    return payload;
}

/* A body goes before it when `place` is not NULL. */
static enum err begin(struct log_bench *bench, uint64_t number, const struct buf *payload,
                      struct place *place)
{
    struct log_change change = { .number = { number },
                                 .when = { 1700000000000000 },
                                 .payload = buf_bytes(payload),
                                 .gated = true };
    struct log_record record;
    uint8_t body[BODY];
    enum err err = log_batch(bench->log);

    memset(body, (int)number, sizeof(body));
    if (err == ERR_OK && place != NULL)
        err = log_add_body(bench->log, (struct body_id){ number }, change.when,
                           bytes_make(body, sizeof(body)), place);
    if (err == ERR_OK)
        err = log_write_begin(bench->log, &change, &record);
    if (err == ERR_OK && place != NULL)
        assert_int_equal(record.place.offset - place->offset, record_bytes(BODY));
    return err;
}

/* All of it; ERR_BUSY does not come out. */
static enum err write_change(struct log_bench *bench, uint64_t number, size_t filler,
                             uint64_t bytes_max)
{
    struct buf payload = payload_of(number, filler);
    enum err err = begin(bench, number, &payload, NULL);

    if (err == ERR_OK)
        while ((err = log_write(bench->log, bytes_max)) == ERR_BUSY)
            continue;
    buf_done(&payload);
    return err;
}

/* Open, with one change that is durable: nothing bars the way to the file. */
static void start(struct log_bench *bench, struct vfs *vfs)
{
    bench_init(bench, vfs);
    bench_start(bench, 100);
    assert_int_equal(bench_change(bench, 1, 0, true), ERR_OK);
    log_sync(bench->log);
    jobs_settle(&bench->jobs);
}

/* One for which nobody waits. */
static void write_in_passing(struct log_bench *bench, uint64_t number)
{
    struct buf payload = payload_of(number, 10);
    struct log_change change = { .number = { number },
                                 .when = { 1700000000000000 },
                                 .payload = buf_bytes(&payload) };
    struct log_record record;

    assert_int_equal(log_batch(bench->log), ERR_OK);
    assert_int_equal(log_write_begin(bench->log, &change, &record), ERR_OK);
    assert_int_equal(log_write(bench->log, LARGE), ERR_OK);
    buf_done(&payload);
}

/* But in a new log all wait, until some of it is on the disk. */
static void nobody_hears_of_a_new_log(void **state)
{
    struct vfs *disk = mem_vfs_new(1);
    struct log_bench bench;

    bench_init(&bench, disk);
    bench_start(&bench, 100);
    assert_int_equal(bench_change(&bench, 1, 0, true), ERR_OK);
    assert_true(jobs_run(&bench.jobs) && jobs_deliver(&bench.jobs));
    write_in_passing(&bench, 2);
    assert_int_equal(log_gate(bench.log), log_tip(bench.log));
    log_sync(bench.log);
    jobs_settle(&bench.jobs);
    write_in_passing(&bench, 3);
    assert_true(log_gate(bench.log) < log_tip(bench.log));
    bench_close(&bench);
    mem_vfs_free(disk);
}

static void expect_seen(struct log_bench *bench, const uint64_t *numbers, unsigned count)
{
    bench_close(bench);
    bench_start(bench, 100);
    assert_int_equal(bench->seen_count, count);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(bench->seen[i], numbers[i]);
    bench_close(bench);
}

static void check_pieces(uint64_t bytes_max, struct bytes wanted)
{
    uint64_t most = bytes_max < LOG_PIECE_BYTES_MIN ? LOG_PIECE_BYTES_MIN : bytes_max;
    struct vfs *disk = mem_vfs_new(1);
    struct buf payload = payload_of(2, LARGE);
    struct log_bench bench;
    struct place place;
    uint64_t tip;
    uint64_t size;
    unsigned pieces = 0;
    enum err err;

    start(&bench, disk);
    tip = log_tip(bench.log);
    size = mem_vfs_file(disk, first_log).len;
    assert_int_equal(begin(&bench, 2, &payload, &place), ERR_OK);
    do {
        assert_int_equal(log_tip(bench.log), tip);
        assert_int_equal(log_gate(bench.log), log_durable(bench.log));
        err = log_write(bench.log, bytes_max);
        assert_in_range(mem_vfs_file(disk, first_log).len - size, 1, most);
        size = mem_vfs_file(disk, first_log).len;
        pieces++;
        if (pieces == 3) { /* a sync comes between */
            log_sync(bench.log);
            jobs_settle(&bench.jobs);
        }
    } while (err == ERR_BUSY);
    assert_int_equal(err, ERR_OK);
    assert_true(pieces >= LARGE / most);
    assert_true(log_tip(bench.log) > tip + LARGE);
    assert_int_equal(log_gate(bench.log), log_tip(bench.log));
    assert_int_equal(bench_change(&bench, 3, 0, true), ERR_OK);
    ASSERT_BYTES(mem_vfs_file(disk, first_log), wanted);
    expect_seen(&bench, (const uint64_t[]){ 1, 2, 3 }, 3);
    buf_done(&payload);
    mem_vfs_free(disk);
}

static void pieces_are_the_bytes_of_one_write(void **state)
{
    static const uint64_t sizes[] = { 0, 65, 1000, RECORD_CHUNK_BYTES, 100000, LARGE * 2 };
    struct origin origin = { PROTOCOL_IMAP, 1, BYTES("anne"), { 1700000000000000 } };
    struct vfs *disk = mem_vfs_new(1);
    struct buf payload = payload_of(2, LARGE);
    struct log_bench bench;
    struct log_record record;
    struct origin decoded;
    uint8_t body[BODY];
    struct place place;
    struct bytes ops;

    (void)state;
    memset(body, 2, sizeof(body));
    start(&bench, disk);
    assert_true(op_origin_decode(buf_bytes(&payload), &decoded, &ops));
    assert_int_equal(log_batch(bench.log), ERR_OK);
    assert_int_equal(log_add_body(bench.log, (struct body_id){ 2 }, origin.now,
                                  bytes_make(body, sizeof(body)), &place),
                     ERR_OK);
    assert_int_equal(log_add_change(bench.log, &origin, (struct modseq){ 2 }, ops, &record),
                     ERR_OK);
    assert_int_equal(log_append(bench.log, true), ERR_OK);
    assert_int_equal(bench_change(&bench, 3, 0, true), ERR_OK);
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++)
        check_pieces(sizes[i], mem_vfs_file(disk, first_log));
    bench_close(&bench);
    buf_done(&payload);
    mem_vfs_free(disk);
}

static void expect_body(struct log_bench *bench, struct place place, uint64_t number)
{
    static uint8_t frame[RECORD_FRAME_BYTES];
    struct log_source source;
    struct bytes chunk;

    assert_int_equal(log_source(bench->log, place, (struct body_id){ number }, 0, &source), ERR_OK);
    assert_int_equal(
        log_source_read(bench->log, &source, (struct log_chunk){ 0, 0 }, frame, &chunk), ERR_OK);
    assert_int_equal(chunk.len, BODY);
    assert_int_equal(chunk.at[BODY - 1], (uint8_t)number);
}

/* While the clean mark stands nothing is written; then a job writes it, and not the owner. */
static void what_had_to_wait_is_written_by_a_job(void **state)
{
    struct vfs *disk = mem_vfs_new(1);
    struct buf payload = payload_of(2, 5 * LARGE);
    struct log_bench bench;
    struct place place;
    uint64_t size;
    enum err err;

    (void)state;
    bench_init(&bench, disk);
    bench_start(&bench, 100);
    assert_int_equal(bench_change(&bench, 1, 10, true), ERR_OK); /* waits before it */
    size = mem_vfs_file(disk, first_log).len;
    assert_int_equal(begin(&bench, 2, &payload, &place), ERR_OK);
    while ((err = log_write(bench.log, 10000)) == ERR_BUSY)
        continue;
    assert_int_equal(err, ERR_OK);
    assert_int_equal(log_gate(bench.log), log_tip(bench.log));
    assert_int_equal(mem_vfs_file(disk, first_log).len, size);
    expect_body(&bench, place, 2);
    assert_int_equal(bench_change(&bench, 3, 10, true), ERR_OK); /* waits behind it */
    while (jobs_run(&bench.jobs)) {
        expect_body(&bench, place, 2);
        size = mem_vfs_file(disk, first_log).len;
        assert_true(jobs_deliver(&bench.jobs));
        assert_true(mem_vfs_file(disk, first_log).len - size < LOG_STEP_BYTES);
    }
    assert_true(mem_vfs_file(disk, first_log).len > 5 * LARGE);
    expect_body(&bench, place, 2);
    log_sync(bench.log);
    jobs_settle(&bench.jobs);
    assert_int_equal(log_durable(bench.log), log_tip(bench.log));
    expect_seen(&bench, (const uint64_t[]){ 1, 2, 3 }, 3);
    buf_done(&payload);
    assert_int_equal(mem_vfs_open_files(disk), 0);
    mem_vfs_free(disk);
}

/* It is made for its place: a segment that is full before, or in the middle, ends behind it. */
static void a_segment_does_not_end_within(void **state)
{
    for (unsigned pieces = 0; pieces < 12; pieces++) {
        struct vfs *disk = mem_vfs_new(1);
        struct buf payload = payload_of(2, LARGE);
        struct log_bench bench;
        struct place place;
        unsigned written = 0;
        enum err err;

        (void)state;
        bench_init(&bench, disk);
        bench.options.segment_bytes = 10000;
        bench_start(&bench, 100);
        assert_int_equal(bench_change(&bench, 1, 20000, true), ERR_OK); /* full, but waits */
        assert_int_equal(begin(&bench, 2, &payload, &place), ERR_OK);
        if (pieces == 0)
            jobs_settle(&bench.jobs);
        while ((err = log_write(bench.log, 40000)) == ERR_BUSY)
            if (++written == pieces)
                jobs_settle(&bench.jobs);
        assert_int_equal(err, ERR_OK);
        assert_int_equal(bench_change(&bench, 3, 0, true), ERR_OK);
        expect_body(&bench, place, 2);
        jobs_settle(&bench.jobs);
        expect_body(&bench, place, 2);
        assert_true(mem_vfs_file(disk, "log/0000000000000008.log").len > 0);
        expect_seen(&bench, (const uint64_t[]){ 1, 2, 3 }, 3);
        buf_done(&payload);
        mem_vfs_free(disk);
    }
}

static void a_piece_that_fails_is_taken_back(void **state)
{
    bool is_through = false;

    (void)state;
    for (unsigned skip = 0; !is_through; skip++) {
        struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
        struct log_bench bench;
        uint64_t tip;
        enum err err;

        start(&bench, crash_vfs_get(crash));
        tip = log_tip(bench.log);
        crash_vfs_fail(crash, CRASH_FAIL_APPEND, skip, 40);
        err = write_change(&bench, 2, LARGE, 50000);
        is_through = crash_vfs_faults(crash) == 0;
        assert_int_equal(err, is_through ? ERR_OK : ERR_NO_SPACE);
        assert_int_equal(log_has_failed(bench.log), false);
        if (!is_through) {
            assert_int_equal(log_tip(bench.log), tip);
            assert_int_equal(log_gate(bench.log), tip);
        }
        crash_vfs_heal(crash);
        assert_int_equal(bench_change(&bench, 3, 0, true), ERR_OK);
        if (is_through)
            expect_seen(&bench, (const uint64_t[]){ 1, 2, 3 }, 3);
        else
            expect_seen(&bench, (const uint64_t[]){ 1, 3 }, 2);
        assert_int_equal(bench.report.tail_bytes, 0);
        assert_true(skip < 20);
        crash_vfs_free(crash);
    }
}

static void a_piece_that_cannot_be_taken_back_ends_the_log(void **state)
{
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
    struct log_bench bench;

    (void)state;
    start(&bench, crash_vfs_get(crash));
    crash_vfs_fail(crash, CRASH_FAIL_APPEND, 2, 40);
    crash_vfs_fail(crash, CRASH_FAIL_TRUNCATE, 0, 0);
    assert_int_equal(write_change(&bench, 2, LARGE, 50000), ERR_NO_SPACE);
    assert_true(log_has_failed(bench.log));
    assert_int_equal(bench_change(&bench, 3, 0, true), ERR_CLOSED);
    bench_close(&bench);
    bench_start(&bench, 100);
    assert_int_equal(bench.seen_count, 1);
    assert_true(bench.report.tail_bytes > 100000);
    assert_int_equal(bench.report.epoch_reasons, EPOCH_TAIL_LOST);
    bench_close(&bench);
    crash_vfs_free(crash);
}

/* The power goes between two pieces: none of it is there; and at last all of it. */
static void a_cut_within_leaves_nothing(void **state)
{
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
    struct buf payload = payload_of(2, LARGE);
    struct log_bench bench;
    bool is_durable = false;
    enum err err;

    (void)state;
    start(&bench, crash_vfs_get(crash));
    assert_int_equal(begin(&bench, 2, &payload, NULL), ERR_OK);
    do {
        err = log_write(bench.log, 20000);
        log_sync(bench.log);
        jobs_settle(&bench.jobs);
        is_durable = err == ERR_OK;
        for (uint64_t seed = 0; seed < 5; seed++) {
            struct vfs *disk = crash_vfs_cut(crash, crash_vfs_steps(crash), seed);
            struct log_bench after;

            bench_init(&after, disk);
            assert_int_equal(bench_open(&after), ERR_OK);
            assert_true(bench_saw(&after, 1));
            assert_int_equal(bench_saw(&after, 2), is_durable);
            bench_close(&after);
            mem_vfs_free(disk);
        }
    } while (err == ERR_BUSY);
    assert_int_equal(err, ERR_OK);
    bench_close(&bench);
    buf_done(&payload);
    crash_vfs_free(crash);
}

static void limits_are_refused(void **state)
{
    struct vfs *disk = mem_vfs_new(1);
    struct buf payload = payload_of(2, RECORD_CHANGE_BYTES_MAX - 100);
    struct log_bench bench;

    (void)state;
    start(&bench, disk);
    while (payload.len < RECORD_CHANGE_BYTES_MAX + 1)
        buf_put_u8(&payload, 0);
    assert_int_equal(begin(&bench, 2, &payload, NULL), ERR_LIMIT);
    buf_truncate(&payload, RECORD_CHANGE_BYTES_MAX);
    assert_int_equal(begin(&bench, 2, &payload, NULL), ERR_OK);
    assert_int_equal(log_write(bench.log, UINT64_MAX), ERR_OK);
    bench_close(&bench);
    buf_done(&payload);
    mem_vfs_free(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_hears_of_a_new_log),
        cmocka_unit_test(pieces_are_the_bytes_of_one_write),
        cmocka_unit_test(what_had_to_wait_is_written_by_a_job),
        cmocka_unit_test(a_segment_does_not_end_within),
        cmocka_unit_test(a_piece_that_fails_is_taken_back),
        cmocka_unit_test(a_piece_that_cannot_be_taken_back_ends_the_log),
        cmocka_unit_test(a_cut_within_leaves_nothing),
        cmocka_unit_test(limits_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
