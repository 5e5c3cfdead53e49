/* Raw and packed bodies side by side in one log: read alike, never wrong. ROOST_TEST_SEED repeats a
 * run. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kit/log_changes.h"
#include "kit/random.h"
#include "store/segment.h"

enum { BODIES = 8, FLIPS = 1500, LARGE_BYTES = 3 * RECORD_CHUNK_BYTES + 1234 };

static uint8_t frame[RECORD_FRAME_BYTES];

/* What was stored, by body id less one. */
struct shelf {
    struct vfs *disk;
    struct log_bench bench;
    struct buf bodies[BODIES];
    struct place places[BODIES];
};

static uint64_t new_seed(void)
{
    const char *given = getenv("ROOST_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);

    print_message("seed %llu\n", (unsigned long long)seed);
    return seed;
}

/* Text of `kinds` different bytes: 256 of them do not shrink. */
static void fill(struct buf *body, struct test_random *random, size_t len, unsigned kinds)
{
    *body = buf_make(LARGE_BYTES);
    for (size_t i = 0; i < len; i++)
        buf_add_byte(body, (uint8_t)test_random_below(random, kinds));
}

static void put_small(struct shelf *shelf, unsigned index)
{
    struct origin origin = { PROTOCOL_LMTP, 1, BYTES(""), { 1700000000000000 } };
    struct log_record record;

    assert_int_equal(log_batch(shelf->bench.log), ERR_OK);
    assert_int_equal(bench_add_body(&shelf->bench, (struct body_id){ index + 1 }, origin.now,
                                    buf_bytes(&shelf->bodies[index]), &shelf->places[index]),
                     ERR_OK);
    assert_int_equal(
        log_add_change(shelf->bench.log, &origin, (struct modseq){ index + 1 }, BYTES(""), &record),
        ERR_OK);
    assert_int_equal(log_append(shelf->bench.log, true), ERR_OK);
}

static void put_large(struct shelf *shelf, unsigned index)
{
    struct log_body *body =
        log_body_new(shelf->bench.log, (struct body_id){ index + 1 }, (struct wall){ 5 });
    struct bytes bytes = buf_bytes(&shelf->bodies[index]);

    for (size_t at = 0; at < bytes.len; at += 5000)
        assert_int_equal(log_body_append(body, bytes_slice(bytes, at, 5000)), ERR_OK);
    assert_int_equal(log_body_finish(body), ERR_OK);
    assert_int_equal(log_body_length(body), bytes.len);
    shelf->places[index] = log_body_place(body);
    log_body_free(body, true);
}

/* Four bodies from `first` on: small and large, of text and of noise. */
static void put_four(struct shelf *shelf, unsigned first, struct test_random *random)
{
    fill(&shelf->bodies[first], random, 3000, 20);
    fill(&shelf->bodies[first + 1], random, RECORD_CHUNK_BYTES - 100, 256);
    fill(&shelf->bodies[first + 2], random, LARGE_BYTES, 20);
    fill(&shelf->bodies[first + 3], random, LARGE_BYTES, 256);
    put_small(shelf, first);
    put_small(shelf, first + 1);
    put_large(shelf, first + 2);
    put_large(shelf, first + 3);
}

static void reopen(struct shelf *shelf, bool compress)
{
    bench_close(&shelf->bench);
    shelf->bench.options.compress = compress;
    bench_start(&shelf->bench, 100);
}

/* Four bodies stored raw, then four packed where it pays. */
static void fill_shelf(struct shelf *shelf, uint64_t seed)
{
    struct test_random random = { seed };

    *shelf = (struct shelf){ .disk = mem_vfs_new(seed) };
    bench_init(&shelf->bench, shelf->disk);
    bench_start(&shelf->bench, 100);
    put_four(shelf, 0, &random);
    reopen(shelf, true);
    put_four(shelf, 4, &random);
}

static void empty_shelf(struct shelf *shelf)
{
    bench_close(&shelf->bench);
    assert_int_equal(mem_vfs_open_files(shelf->disk), 0);
    mem_vfs_free(shelf->disk);
    for (unsigned i = 0; i < BODIES; i++)
        buf_done(&shelf->bodies[i]);
}

/* The owner's way or a job's. */
static enum err read_chunk(const struct shelf *shelf, const struct log_source *source,
                           uint64_t index, bool job, struct bytes *out_chunk)
{
    if (job)
        return log_source_fetch(shelf->disk, source, index, frame, out_chunk);
    return log_source_read(shelf->bench.log, source, (struct log_chunk){ index, 0 }, frame,
                           out_chunk);
}

/* Reads body `index` to its end or its first error; what is given out must be right. */
static enum err read_body(const struct shelf *shelf, unsigned index, bool job)
{
    struct bytes body = buf_bytes(&shelf->bodies[index]);
    struct body_id id = { index + 1 };
    struct log_source source;
    struct bytes chunk;
    enum err err = job ? log_source_load(shelf->disk, (struct account_id){ 0 },
                                         shelf->places[index], id, &source)
                       : log_source(shelf->bench.log, shelf->places[index], id, 0, &source);

    if (err != ERR_OK)
        return err;
    assert_int_equal(source.length, body.len);
    for (uint64_t i = 0; i * RECORD_CHUNK_BYTES < body.len; i++) {
        struct bytes want = bytes_slice(body, (size_t)i * RECORD_CHUNK_BYTES, RECORD_CHUNK_BYTES);
        enum err met = read_chunk(shelf, &source, i, job, &chunk);

        if (met == ERR_OK) {
            assert_int_equal(chunk.len, want.len);
            assert_memory_equal(chunk.at, want.at, want.len);
        }
        err = err == ERR_OK ? met : err;
    }
    assert_int_equal(
        read_chunk(shelf, &source, source.length / RECORD_CHUNK_BYTES + 1, job, &chunk),
        ERR_INVALID);
    return err;
}

static void assert_all_read(const struct shelf *shelf, bool job)
{
    for (unsigned i = 0; i < BODIES; i++)
        assert_int_equal(read_body(shelf, i, job), ERR_OK);
}

static enum record_encoding encoding_of(struct shelf *shelf, unsigned index)
{
    struct log_source source;

    assert_int_equal(log_source(shelf->bench.log, shelf->places[index],
                                (struct body_id){ index + 1 }, 0, &source),
                     ERR_OK);
    return source.encoding;
}

static uint64_t features_of(const struct shelf *shelf, unsigned index)
{
    char path[SEGMENT_PATH_BYTES];
    struct segment segment;

    segment_path(shelf->places[index].segment, path);
    assert_int_equal(
        segment_header_decode(bytes_slice(mem_vfs_file(shelf->disk, path), 0, SEGMENT_HEADER_BYTES),
                              &segment),
        ERR_OK);
    return segment.features;
}

static void both_kinds_are_read_alike(void **state)
{
    struct shelf shelf;

    fill_shelf(&shelf, new_seed());
    assert_all_read(&shelf, false); /* the newest wait in memory still */
    jobs_settle(&shelf.bench.jobs);
    assert_all_read(&shelf, false);
    assert_all_read(&shelf, true);
    for (unsigned turn = 0; turn < 2; turn++) {
        reopen(&shelf, turn == 1);
        assert_int_equal(shelf.bench.report.damaged, 0);
        assert_int_equal(shelf.bench.report.epoch_reasons, 0);
        assert_int_equal(shelf.bench.seen_count, 4);
        assert_all_read(&shelf, false);
        assert_all_read(&shelf, true);
    }
    empty_shelf(&shelf);
}

/* Only what shrinks is packed, only in segments that say so, and never with the setting off. */
static void the_writer_packs_what_pays(void **state)
{
    struct shelf shelf;

    fill_shelf(&shelf, new_seed());
    jobs_settle(&shelf.bench.jobs);
    for (unsigned i = 0; i < BODIES; i++)
        assert_int_equal(encoding_of(&shelf, i), i == 4 || i == 6 ? RECORD_ZSTD : RECORD_RAW);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(features_of(&shelf, i), 0);
    assert_int_equal(features_of(&shelf, 4), SEGMENT_ZSTD);
    assert_int_equal(features_of(&shelf, 6), SEGMENT_ZSTD);
    assert_int_equal(features_of(&shelf, 7), 0);
    assert_true(shelf.places[4].segment > shelf.places[0].segment);
    empty_shelf(&shelf);
}

/* Where a log may hold packed bodies already, none is begun for them again; nor where nothing is
 * written. */
static void segments_begin_only_for_a_new_feature(void **state)
{
    struct shelf shelf;
    struct place before;

    fill_shelf(&shelf, new_seed());
    before = shelf.places[4];
    for (unsigned turn = 0; turn < 4; turn++) {
        reopen(&shelf, turn % 2 == 0);
        put_small(&shelf, 4);
        assert_int_equal(shelf.places[4].segment, before.segment);
        assert_int_equal(encoding_of(&shelf, 4), turn % 2 == 0 ? RECORD_ZSTD : RECORD_RAW);
    }
    empty_shelf(&shelf);
}

/* Bodies that stand at the same place of their segments, and are packed into as many bytes. */
static void twins_are_not_taken_for_each_other(void **state)
{
    struct shelf shelf;

    fill_shelf(&shelf, new_seed());
    for (unsigned i = 0; i < 2; i++) {
        buf_clear(&shelf.bodies[i]);
        while (shelf.bodies[i].len < LARGE_BYTES)
            buf_add_byte(&shelf.bodies[i], (uint8_t)('a' + i));
        put_large(&shelf, i);
    }
    assert_int_equal(shelf.places[0].offset, shelf.places[1].offset);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(read_body(&shelf, i % 2, false), ERR_OK);
    empty_shelf(&shelf);
}

/* A directory and its copy have segments of the same id, and go on at the same place. Whoever reads
 * both with one packing gets of each what is its own. */
static void copies_are_not_taken_for_each_other(void **state)
{
    struct test_random random = { new_seed() };
    struct packing *packing = packing_new();
    struct shelf shelf, copy;

    fill_shelf(&shelf, random.state);
    reopen(&shelf, true);
    bench_close(&shelf.bench);
    copy = shelf;
    copy.disk = mem_vfs_copy(shelf.disk, random.state + 1);
    bench_init(&copy.bench, copy.disk);
    copy.bench.options.compress = shelf.bench.options.compress = true;
    copy.bench.options.packing = shelf.bench.options.packing = packing;
    bench_start(&shelf.bench, 100);
    bench_start(&copy.bench, 100);
    buf_done(&shelf.bodies[0]);
    fill(&shelf.bodies[0], &random, 3000, 20);
    fill(&copy.bodies[0], &random, 3000, 20);
    put_small(&shelf, 0);
    put_small(&copy, 0);
    assert_int_equal(shelf.places[0].segment, copy.places[0].segment);
    assert_int_equal(shelf.places[0].offset, copy.places[0].offset);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(read_body(i % 2 == 0 ? &shelf : &copy, 0, false), ERR_OK);
    bench_close(&copy.bench);
    mem_vfs_free(copy.disk);
    buf_done(&copy.bodies[0]);
    empty_shelf(&shelf);
    packing_free(packing);
}

static const char *random_segment(struct vfs *disk, struct test_random *random)
{
    const char *path;

    do
        path = mem_vfs_path(disk, (unsigned)test_random_below(random, 16));
    while (path == NULL || strncmp(path, "log/", 4) != 0 || mem_vfs_file(disk, path).len == 0);
    return path;
}

static void wrong_bytes_are_never_served(void **state)
{
    uint64_t seed = new_seed();
    struct test_random random = { seed + 1 };
    unsigned refused = 0;
    struct shelf shelf;

    fill_shelf(&shelf, seed);
    jobs_settle(&shelf.bench.jobs);
    for (unsigned i = 0; i < FLIPS; i++) {
        const char *path = random_segment(shelf.disk, &random);
        uint64_t at = test_random_below(&random, mem_vfs_file(shelf.disk, path).len);
        uint8_t bits = (uint8_t)(1 + test_random_below(&random, 255));

        mem_vfs_damage(shelf.disk, path, at, bits);
        for (unsigned k = 0; k < BODIES; k++)
            refused += read_body(&shelf, k, i % 2 == 0) != ERR_OK;
        mem_vfs_damage(shelf.disk, path, at, bits);
    }
    assert_true(refused > FLIPS / 2);
    assert_all_read(&shelf, false);
    empty_shelf(&shelf);
}

/* Checksums hold, and what they cover is nonsense: refused, and nothing else suffers. */
static void payloads_that_make_no_sense_are_refused(void **state)
{
    struct origin origin = { PROTOCOL_LMTP, 1, BYTES(""), { 1700000000000000 } };
    static const struct bytes payloads[] = {
        BYTES(""),
        BYTES("short"),
        BYTES("\x0a\0\0\0\0\0\0\0"), /* ten bytes in no frame */
        BYTES("no frame at all \x0a\0\0\0\0\0\0\0"),
        BYTES("of two pieces, \x10\0\0\0\0\0\0\0\x01\0\x01\0\0\0\0\0"),
        BYTES("of too many pieces \0\0\0\0\x01\0\0\0"),
    };
    struct shelf shelf;

    fill_shelf(&shelf, new_seed());
    for (unsigned i = 0; i < ARRAY_COUNT(payloads); i++) {
        struct record_stored stored = { RECORD_ZSTD, payloads[i] };
        struct log_source source;
        struct log_record record;
        struct bytes chunk;
        struct place place;
        enum err err;

        assert_int_equal(log_batch(shelf.bench.log), ERR_OK);
        assert_int_equal(
            log_add_stored(shelf.bench.log, (struct body_id){ 50 }, origin.now, &stored, &place),
            ERR_OK);
        assert_int_equal(
            log_add_change(shelf.bench.log, &origin, (struct modseq){ 50 + i }, BYTES(""), &record),
            ERR_OK);
        assert_int_equal(log_append(shelf.bench.log, true), ERR_OK);
        err = log_source(shelf.bench.log, place, (struct body_id){ 50 }, 0, &source);
        if (err == ERR_OK)
            err = read_chunk(&shelf, &source, 0, false, &chunk);
        assert_int_equal(err, ERR_CORRUPT);
    }
    reopen(&shelf, true);
    assert_int_equal(shelf.bench.report.damaged, 0);
    assert_all_read(&shelf, false);
    empty_shelf(&shelf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_kinds_are_read_alike),
        cmocka_unit_test(the_writer_packs_what_pays),
        cmocka_unit_test(segments_begin_only_for_a_new_feature),
        cmocka_unit_test(twins_are_not_taken_for_each_other),
        cmocka_unit_test(copies_are_not_taken_for_each_other),
        cmocka_unit_test(wrong_bytes_are_never_served),
        cmocka_unit_test(payloads_that_make_no_sense_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
