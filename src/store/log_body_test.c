/* Bodies: in through a segment of their own, out with every byte checked. */
#include "store/log_body.h"

#include <stdlib.h>

#include "kit/crash_vfs.h"
#include "kit/log_changes.h"
#include "store/segment.h"

static uint8_t frame[RECORD_FRAME_BYTES];

static const char body_path[] = "log/0000000000000009.body";

/* Bytes that differ from chunk to chunk. */
static uint8_t *make_bytes(size_t len)
{
    uint8_t *bytes = malloc(len + 1);

    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 65536);
    return bytes;
}

static struct place store(struct log *log, struct bytes bytes, size_t piece)
{
    struct log_body *body = log_body_new(log, (struct body_id){ 77 }, (struct wall){ 5 });
    struct place place;

    for (size_t at = 0; at < bytes.len; at += piece)
        assert_int_equal(log_body_append(body, bytes_slice(bytes, at, piece)), ERR_OK);
    assert_int_equal(log_body_finish(body), ERR_OK);
    assert_int_equal(log_body_length(body), bytes.len);
    place = log_body_place(body);
    log_body_free(body, true);
    return place;
}

static void start(struct log_bench *bench, struct vfs *disk)
{
    bench_init(bench, disk);
    bench_start(bench, 100);
    assert_int_equal(bench_change(bench, 1, 0, true), ERR_OK);
    jobs_settle(&bench->jobs);
}

static void large_bodies_come_back(void **state)
{
    static const size_t lengths[] = { 0, 1, 65535, 65536, 65537, 200000 };
    static const size_t pieces[] = { 1000, 65536, 1 << 20 };

    for (size_t i = 0; i < ARRAY_COUNT(lengths) * ARRAY_COUNT(pieces); i++) {
        size_t len = lengths[i / ARRAY_COUNT(pieces)];
        uint8_t *bytes = make_bytes(len);
        struct vfs *disk = mem_vfs_new(1);
        struct log_source source, loaded;
        struct log_bench bench;
        struct bytes chunk;
        struct place place;
        size_t have = 0;

        start(&bench, disk);
        place = store(bench.log, bytes_make(bytes, len), pieces[i % ARRAY_COUNT(pieces)]);
        assert_int_equal(log_source(bench.log, place, (struct body_id){ 77 }, 0, &source), ERR_OK);
        assert_int_equal(
            log_source_load(disk, (struct account_id){ 0 }, place, (struct body_id){ 77 }, &loaded),
            ERR_OK);
        assert_int_equal(source.length, len);
        assert_int_equal(loaded.frames, source.frames);
        for (uint64_t k = 0; have < len; k++) {
            assert_int_equal(
                log_source_read(bench.log, &source, (struct log_chunk){ k, 0 }, frame, &chunk),
                ERR_OK);
            assert_memory_equal(chunk.at, bytes + have, chunk.len);
            assert_int_equal(log_source_fetch(disk, &source, k, frame, &chunk), ERR_OK);
            assert_memory_equal(chunk.at, bytes + have, chunk.len);
            have += chunk.len;
        }
        assert_int_equal(have, len);
        assert_int_equal(log_source_fetch(disk, &source, (len + 65535) / 65536, frame, &chunk),
                         ERR_INVALID);
        assert_int_equal(log_source_fetch(disk, &source, UINT64_MAX, frame, &chunk), ERR_INVALID);
        bench_close(&bench);
        assert_int_equal(mem_vfs_open_files(disk), 0);
        mem_vfs_free(disk);
        free(bytes);
    }
}

/* A damaged chunk is refused, its neighbours are not. */
static void wrong_bytes_are_never_served(void **state)
{
    uint8_t *bytes = make_bytes(200000);
    struct vfs *disk = mem_vfs_new(1);
    struct log_source source;
    struct log_bench bench;
    struct bytes chunk;
    struct place place;

    start(&bench, disk);
    place = store(bench.log, bytes_make(bytes, 200000), 4096);
    mem_vfs_damage(disk, body_path, SEGMENT_BODY_AT + RECORD_FRAME_BYTES + 5, 1);
    assert_int_equal(log_source(bench.log, place, (struct body_id){ 77 }, 0, &source), ERR_OK);
    assert_int_equal(log_source_read(bench.log, &source, (struct log_chunk){ 0, 0 }, frame, &chunk),
                     ERR_OK);
    assert_int_equal(log_source_read(bench.log, &source, (struct log_chunk){ 1, 0 }, frame, &chunk),
                     ERR_CORRUPT);
    assert_int_equal(log_source_fetch(disk, &source, 1, frame, &chunk), ERR_CORRUPT);
    assert_int_equal(log_source_read(bench.log, &source, (struct log_chunk){ 2, 0 }, frame, &chunk),
                     ERR_OK);
    assert_int_equal(log_source(bench.log, place, (struct body_id){ 78 }, 0, &source), ERR_CORRUPT);
    place.offset -= 8;
    assert_int_equal(log_source(bench.log, place, (struct body_id){ 77 }, 0, &source), ERR_CORRUPT);
    place.offset = 1 << 30;
    assert_int_equal(log_source(bench.log, place, (struct body_id){ 77 }, 0, &source), ERR_CORRUPT);
    place.segment = 13;
    assert_int_equal(log_source(bench.log, place, (struct body_id){ 77 }, 0, &source),
                     ERR_NOT_FOUND);
    bench_close(&bench);
    mem_vfs_free(disk);
    free(bytes);
}

static void cold_bodies_are_read_by_a_job(void **state)
{
    struct vfs *disk = mem_vfs_new(1);
    struct log_source source;
    struct log_bench bench;
    struct bytes chunk;
    struct place place;

    start(&bench, disk);
    place = store(bench.log, BYTES("Subject: cold\r\n\r\n"), 4096);
    mem_vfs_chill(disk);
    assert_int_equal(log_source(bench.log, place, (struct body_id){ 77 }, VFS_READ_NOWAIT, &source),
                     ERR_BUSY);
    assert_int_equal(
        log_source_load(disk, (struct account_id){ 0 }, place, (struct body_id){ 77 }, &source),
        ERR_OK);
    assert_int_equal(log_source(bench.log, place, (struct body_id){ 77 }, VFS_READ_NOWAIT, &source),
                     ERR_OK);
    mem_vfs_chill(disk);
    assert_int_equal(log_source_read(bench.log, &source, (struct log_chunk){ 0, VFS_READ_NOWAIT },
                                     frame, &chunk),
                     ERR_BUSY);
    assert_int_equal(log_source_fetch(disk, &source, 0, frame, &chunk), ERR_OK);
    bench_close(&bench);
    mem_vfs_free(disk);
}

static void count_segment(void *context, uint64_t segment)
{
    assert_int_equal(segment_kind(segment), SEGMENT_BODY);
    ++*(unsigned *)context;
}

static void bodies_that_nobody_names_can_be_found(void **state)
{
    struct vfs *disk = mem_vfs_new(1);
    struct log_bench bench;
    struct log_body *dropped;
    struct log_source source;
    struct place place;
    unsigned count = 0;

    start(&bench, disk);
    place = store(bench.log, BYTES("one"), 10);
    (void)store(bench.log, BYTES("two"), 10);
    dropped = log_body_new(bench.log, (struct body_id){ 5 }, (struct wall){ 0 });
    assert_int_equal(log_body_append(dropped, BYTES("three")), ERR_OK);
    log_body_free(dropped, false);
    assert_int_equal(log_body_segments(bench.log, count_segment, &count), ERR_OK);
    assert_int_equal(count, 2);
    assert_int_equal(log_source(bench.log, place, (struct body_id){ 77 }, 0, &source), ERR_OK);
    assert_int_equal(log_unlink(bench.log, place.segment), ERR_OK);
    assert_int_equal(log_source(bench.log, place, (struct body_id){ 77 }, 0, &source),
                     ERR_NOT_FOUND);
    count = 0;
    assert_int_equal(log_body_segments(bench.log, count_segment, &count), ERR_OK);
    assert_int_equal(count, 1);
    bench_close(&bench);
    mem_vfs_free(disk);
}

static void full_disk_ends_the_body_only(void **state)
{
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
    struct log_bench bench;
    struct log_body *body;

    start(&bench, crash_vfs_get(crash));
    body = log_body_new(bench.log, (struct body_id){ 5 }, (struct wall){ 0 });
    assert_int_equal(log_body_append(body, BYTES("some")), ERR_OK);
    crash_vfs_fail(crash, CRASH_FAIL_APPEND, 0, 3);
    assert_int_equal(log_body_finish(body), ERR_NO_SPACE);
    assert_int_equal(log_body_append(body, BYTES("more")), ERR_NO_SPACE);
    log_body_free(body, false);
    assert_null(mem_vfs_file(crash_vfs_cache(crash), body_path).at);
    assert_false(log_has_failed(bench.log));
    assert_int_equal(bench_change(&bench, 2, 0, true), ERR_OK);
    bench_close(&bench);
    crash_vfs_free(crash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_bodies_come_back),
        cmocka_unit_test(wrong_bytes_are_never_served),
        cmocka_unit_test(cold_bodies_are_read_by_a_job),
        cmocka_unit_test(bodies_that_nobody_names_can_be_found),
        cmocka_unit_test(full_disk_ends_the_body_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
