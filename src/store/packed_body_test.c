/* Packed bodies: what goes in comes out, and nothing else ever does. ROOST_TEST_SEED repeats a run.
 */
#include "store/packed_body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zstd.h>

#include <cmocka.h>

#include "base/num.h"
#include "kit/assert_bytes.h"
#include "kit/random.h"

enum { PIECE = PACKED_PIECE_BYTES, BODY_MAX = 5 * PIECE };

static struct packing *packing; /* one for all tests: what a bad frame leaves harms no other */
static uint8_t body[BODY_MAX];
static uint8_t back[PIECE];

static uint64_t new_seed(void)
{
    const char *given = getenv("ROOST_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);

    print_message("seed %llu\n", (unsigned long long)seed);
    return seed;
}

/* Words in random order: what text is to a compressor. */
static void fill_with_words(struct test_random *random, size_t len)
{
    static const char *const words[] = { "the ",    "mail ", "of ",   "today\r\n", "=3D",
                                         "letter ", "was ",  "sent ", "to " };

    for (size_t at = 0; at < len;) {
        const char *word = words[test_random_below(random, ARRAY_COUNT(words))];
        size_t take = strlen(word) < len - at ? strlen(word) : len - at;

        memcpy(body + at, word, take);
        at += take;
    }
}

static void fill_with_noise(struct test_random *random, size_t len)
{
    for (size_t i = 0; i < len; i++)
        body[i] = (uint8_t)test_random_below(random, 256);
}

/* Piece `index` of the payload, into `back`. */
static bool read_piece(struct bytes payload, uint64_t index, size_t *out_len)
{
    struct packed_shape shape;
    struct packed_span span;

    if (payload.len < PACKED_TAIL_BYTES ||
        !packed_shape_make(payload.len, bytes_from(payload, payload.len - PACKED_TAIL_BYTES),
                           &shape) ||
        index > (shape.length - 1) / PIECE)
        return false;
    span = packed_shape_entries(&shape, index);
    if (!packed_shape_frame(&shape, index, bytes_slice(payload, (size_t)span.at, span.len), &span))
        return false;
    assert_true(span.at + span.len <= payload.len && span.len <= PACKED_FRAME_BYTES_MAX);
    *out_len = packed_shape_piece_bytes(&shape, index);
    return packed_frame_decode(packing, bytes_slice(payload, (size_t)span.at, span.len), back,
                               *out_len);
}

static void every_piece_comes_back(void **state)
{
    static const size_t lengths[] = { 1000,      4000,          PIECE - 1,     PIECE,
                                      PIECE + 1, 2 * PIECE - 1, 3 * PIECE + 7, BODY_MAX };
    struct test_random random = { new_seed() };
    struct buf packed = buf_make(2 * BODY_MAX);

    for (size_t i = 0; i < ARRAY_COUNT(lengths); i++) {
        size_t len = lengths[i];
        size_t got;

        fill_with_words(&random, len);
        assert_true(packed_body_make(packing, bytes_make(body, len), &packed));
        assert_true(packed.len < len);
        for (size_t at = 0; at < len; at += PIECE) {
            assert_true(read_piece(buf_bytes(&packed), at / PIECE, &got));
            ASSERT_BYTES(bytes_make(back, got), bytes_make(body + at, got));
        }
        assert_false(read_piece(buf_bytes(&packed), (len + PIECE - 1) / PIECE, &got));
    }
    buf_done(&packed);
}

/* The payload, to the byte: frames, where the second and later ones begin, the length. */
static void the_payload_is_as_the_page_says(void **state)
{
    struct test_random random = { new_seed() };
    struct buf packed = buf_make(2 * BODY_MAX);
    struct bytes bytes;
    size_t first, second;

    fill_with_words(&random, 2 * PIECE + 5);
    assert_true(packed_body_make(packing, bytes_make(body, 2 * PIECE + 5), &packed));
    bytes = buf_bytes(&packed);
    first = ZSTD_findFrameCompressedSize(bytes.at, bytes.len);
    second = ZSTD_findFrameCompressedSize(bytes.at + first, bytes.len - first);
    assert_int_equal(num_load_u64(bytes.at + bytes.len - 8), 2 * PIECE + 5);
    assert_int_equal(num_load_u64(bytes.at + bytes.len - 16), first + second);
    assert_int_equal(num_load_u64(bytes.at + bytes.len - 24), first);
    assert_int_equal(ZSTD_findFrameCompressedSize(bytes.at + first + second, 200),
                     bytes.len - 24 - first - second);
    assert_int_equal(ZSTD_getFrameContentSize(bytes.at, first), PIECE);
    buf_done(&packed);
}

static void what_does_not_shrink_stays_raw(void **state)
{
    struct test_random random = { new_seed() };
    struct buf packed = buf_make(2 * BODY_MAX);

    fill_with_noise(&random, BODY_MAX);
    assert_false(packed_body_make(packing, bytes_make(body, BODY_MAX), &packed));
    assert_int_equal(packed.len, 0);
    assert_false(packed_body_make(packing, bytes_make(body, 3000), &packed));
    assert_false(packed_body_make(packing, bytes_make(body, 0), &packed));
    assert_false(packed_body_make(packing, BYTES("a"), &packed));
    assert_true(packed_body_pays(100, 90));
    assert_false(packed_body_pays(100, 91));
    assert_false(packed_body_pays(0, 0));
    buf_done(&packed);
}

/* Noise takes the most room: a frame of it still keeps to the limit. */
static void the_worst_piece_has_room(void **state)
{
    struct test_random random = { new_seed() };
    struct buf frame = buf_make(PACKED_FRAME_BYTES_MAX);
    struct packer *packer = packer_new(packing);

    fill_with_noise(&random, PIECE);
    packer_add(packer, bytes_make(body, PIECE), &frame);
    assert_true(packed_frame_decode(packing, buf_bytes(&frame), back, PIECE));
    ASSERT_BYTES(bytes_make(back, PIECE), bytes_make(body, PIECE));
    packer_free(packer);
    buf_done(&frame);
}

/* A tail is a claim: of more pieces than the payload can have, of none, of more than a body may. */
static void shapes_are_checked(void **state)
{
    static const struct {
        uint64_t packed;
        uint64_t length;
        bool good;
    } cases[] = {
        { 8, 1, true }, /* whose frame is then refused */
        { 7, 1, false },
        { 8, 0, false },
        { 8, PIECE, true },
        { 8, PIECE + 1, false },
        { 16, PIECE + 1, true },
        { 1000, RECORD_BODY_BYTES_MAX, false },
        { RECORD_BODY_BYTES_MAX, RECORD_BODY_BYTES_MAX, true },
        { RECORD_BODY_BYTES_MAX, RECORD_BODY_BYTES_MAX + 1, false },
        { 1000, UINT64_MAX, false },
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct packed_shape shape;
        uint8_t tail[8];
        bool good;

        num_store_u64(tail, cases[i].length);
        good =
            cases[i].packed >= 8 && packed_shape_make(cases[i].packed, bytes_make(tail, 8), &shape);
        assert_int_equal(good, cases[i].good);
    }
}

/* Frames must ascend, lie before the index, and be no longer than one can be. */
static void indexes_are_checked(void **state)
{
    struct packed_shape shape = { .packed = 200000, .length = 3 * PIECE };
    uint64_t end = 200000 - 24;
    static const struct {
        uint64_t first;
        uint64_t second;
        bool good;
    } cases[] = { { 66000, 132000, true }, { 132000, 66000, false },     { 66000, 66000, false },
                  { 0, 66049, false },     { 66000, UINT64_MAX, false }, { 150000, 199977, false },
                  { 150000, 199976, true } };

    assert_int_equal(packed_shape_entries(&shape, 0).at, end);
    assert_int_equal(packed_shape_entries(&shape, 0).len, 8);
    assert_int_equal(packed_shape_entries(&shape, 1).at, end);
    assert_int_equal(packed_shape_entries(&shape, 1).len, 16);
    assert_int_equal(packed_shape_entries(&shape, 2).at, end + 8);
    assert_int_equal(packed_shape_entries(&shape, 2).len, 8);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct packed_span span;
        uint8_t entries[16];

        num_store_u64(entries, cases[i].first);
        num_store_u64(entries + 8, cases[i].second);
        assert_int_equal(packed_shape_frame(&shape, 1, bytes_make(entries, 16), &span),
                         cases[i].good);
        if (cases[i].good)
            assert_int_equal(span.at, cases[i].first);
    }
}

/* Not one frame of just that many bytes: shorter, longer, two, one to be skipped, cut, followed. */
static void frames_must_hold_what_is_expected(void **state)
{
    uint8_t frames[400];
    size_t one = ZSTD_compress(frames, 200, "0123456789", 10, 1);
    size_t two = ZSTD_compress(frames + one, 200, "", 0, 1);
    static const uint8_t skipped[] = { 0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 1 };

    assert_true(packed_frame_decode(packing, bytes_make(frames, one), back, 10));
    assert_false(packed_frame_decode(packing, bytes_make(frames, one), back, 9));
    assert_false(packed_frame_decode(packing, bytes_make(frames, one), back, 11));
    assert_false(packed_frame_decode(packing, bytes_make(frames, one - 1), back, 10));
    assert_false(packed_frame_decode(packing, bytes_make(frames, one + 1), back, 10));
    assert_false(packed_frame_decode(packing, bytes_make(frames, one + two), back, 10));
    assert_false(packed_frame_decode(packing, bytes_make(frames, 0), back, 10));
    assert_false(packed_frame_decode(packing, bytes_make(skipped, sizeof(skipped)), back, 0));
    memcpy(frames + one, skipped, sizeof(skipped));
    assert_false(packed_frame_decode(packing, bytes_make(frames, one + sizeof(skipped)), back, 10));
}

/* A frame that says nothing of its length, or that of a bomb: 1 MB of zeros in 60 bytes. */
static void bombs_do_not_go_off(void **state)
{
    static uint8_t zeros[1 << 20];
    uint8_t frame[400];
    size_t len = ZSTD_compress(frame, sizeof(frame), zeros, sizeof(zeros), 1);
    ZSTD_CCtx *zstd = ZSTD_createCCtx();

    assert_true(len < sizeof(frame));
    assert_false(packed_frame_decode(packing, bytes_make(frame, len), back, PIECE));
    (void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, 0);
    len = ZSTD_compress2(zstd, frame, sizeof(frame), zeros, sizeof(zeros));
    assert_false(packed_frame_decode(packing, bytes_make(frame, len), back, PIECE));
    len = ZSTD_compress2(zstd, frame, sizeof(frame), zeros, PIECE);
    assert_false(packed_frame_decode(packing, bytes_make(frame, len), back, PIECE));
    (void)ZSTD_freeCCtx(zstd);
}

/* Random bytes in place of those that were written: refused, or decoded to the right length. */
static void damage_does_no_harm(void **state)
{
    struct test_random random = { new_seed() };
    struct buf packed = buf_make(2 * BODY_MAX);

    for (unsigned i = 0; i < 3000; i++) {
        size_t len = 1 + (size_t)test_random_below(&random, 3 * PIECE);
        unsigned flips = 1 + (unsigned)test_random_below(&random, 4);
        size_t got;

        if (i % 100 == 0) {
            fill_with_words(&random, BODY_MAX);
            if (!packed_body_make(packing, bytes_make(body, len), &packed))
                continue;
        }
        for (unsigned k = 0; k < flips && packed.len > 0; k++)
            packed.at[test_random_below(&random, packed.len)] =
                (uint8_t)test_random_below(&random, 256);
        for (uint64_t piece = 0; piece < 4; piece++)
            (void)read_piece(buf_bytes(&packed), piece, &got);
    }
    buf_done(&packed);
}

static int make_packing(void **state)
{
    packing = packing_new();
    return 0;
}

static int free_packing(void **state)
{
    packing_free(packing);
    packing_free(NULL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_piece_comes_back),
        cmocka_unit_test(the_payload_is_as_the_page_says),
        cmocka_unit_test(what_does_not_shrink_stays_raw),
        cmocka_unit_test(the_worst_piece_has_room),
        cmocka_unit_test(shapes_are_checked),
        cmocka_unit_test(indexes_are_checked),
        cmocka_unit_test(frames_must_hold_what_is_expected),
        cmocka_unit_test(bombs_do_not_go_off),
        cmocka_unit_test(damage_does_no_harm),
    };

    return cmocka_run_group_tests(tests, make_packing, free_packing);
}
