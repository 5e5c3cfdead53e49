/* Framing: what was written comes back, and nothing else passes. */
#include "store/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t id_a[16] = "segment number 1";
static const uint8_t id_b[16] = "segment number 2";

static struct buf encode_header(uint64_t length, uint64_t offset)
{
    struct record_header header = {
        .type = RECORD_BODY, .length = length, .number = 7, .when = { -3 }, .durable = 99
    };
    struct buf buf = buf_make(1 << 20);

    record_header_encode(&buf, record_key_make(id_a), offset, &header);
    return buf;
}

static void header_comes_back(void **state)
{
    struct buf buf = encode_header(1234, 8192);
    struct record_header out;

    assert_int_equal(buf.len, RECORD_HEADER_BYTES);
    assert_true(record_header_decode(buf_bytes(&buf), record_key_make(id_a), 8192, &out));
    assert_int_equal(out.type, RECORD_BODY);
    assert_int_equal(out.encoding, RECORD_RAW);
    assert_int_equal(out.length, 1234);
    assert_int_equal(out.number, 7);
    assert_int_equal(out.when.us, -3);
    assert_int_equal(out.durable, 99);
    buf_done(&buf);
}

static void header_passes_nowhere_else(void **state)
{
    struct buf buf = encode_header(1234, 8192);
    struct record_header out = { .number = 42 };
    struct bytes raw = buf_bytes(&buf);

    assert_false(record_header_decode(raw, record_key_make(id_b), 8192, &out));
    assert_false(record_header_decode(raw, record_key_make(id_a), 8200, &out));
    assert_false(record_header_decode(bytes_slice(raw, 0, 47), record_key_make(id_a), 8192, &out));
    for (size_t bit = 0; bit < raw.len * 8; bit++) {
        buf.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(record_header_decode(raw, record_key_make(id_a), 8192, &out));
        buf.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(out.number, 42);
    buf_done(&buf);
}

static void header_refuses_lengths_past_the_limit(void **state)
{
    static const struct {
        uint8_t type;
        uint64_t length;
        bool good;
    } cases[] = {
        { RECORD_CHANGE, RECORD_CHANGE_BYTES_MAX, true },
        { RECORD_CHANGE, RECORD_CHANGE_BYTES_MAX + UINT64_C(1), false },
        { RECORD_BODY, RECORD_BODY_BYTES_MAX, true },
        { RECORD_BODY, RECORD_BODY_BYTES_MAX + 1, false },
        { 200, UINT64_MAX, false },
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct record_header header = { .type = cases[i].type, .length = cases[i].length };
        struct buf buf = buf_make(100);

        record_header_encode(&buf, record_key_make(id_a), 0, &header);
        assert_int_equal(record_header_decode(buf_bytes(&buf), record_key_make(id_a), 0, &header),
                         cases[i].good);
        buf_done(&buf);
    }
}

static void sizes_add_up(void **state)
{
    assert_int_equal(record_framed_bytes(0), 0);
    assert_int_equal(record_framed_bytes(1), 5);
    assert_int_equal(record_framed_bytes(RECORD_CHUNK_BYTES), RECORD_FRAME_BYTES);
    assert_int_equal(record_framed_bytes(RECORD_CHUNK_BYTES + 1), RECORD_FRAME_BYTES + 5);
    assert_int_equal(record_bytes(0), 48);
    assert_int_equal(record_bytes(1), 56);
    assert_int_equal(record_bytes(4), 56);
    assert_int_equal(record_bytes(5), 64);
}

static void payload_comes_back_whole_or_not(void **state)
{
    static const size_t lengths[] = { 0,
                                      1,
                                      RECORD_CHUNK_BYTES - 1,
                                      RECORD_CHUNK_BYTES,
                                      RECORD_CHUNK_BYTES + 1,
                                      3 * RECORD_CHUNK_BYTES + 17 };
    struct record_key key = record_key_make(id_a);

    for (size_t i = 0; i < ARRAY_COUNT(lengths); i++) {
        size_t length = lengths[i];
        uint8_t *data = malloc(length + 1);
        struct buf framed = buf_make(1 << 20);
        struct buf copy = buf_make(1 << 20);
        struct bytes out;

        for (size_t at = 0; at < length; at++)
            data[at] = (uint8_t)(at * 7 + at / 251);
        record_payload_encode(&framed, key, 500, bytes_make(data, length));
        assert_int_equal(framed.len, record_framed_bytes(length));
        buf_add(&copy, buf_bytes(&framed));
        assert_true(record_payload_decode(copy.at, key, 500, length, &out));
        assert_int_equal(out.len, length);
        assert_memory_equal(length == 0 ? data : out.at, data, length);

        for (size_t at = 0; at < framed.len; at += 4099) {
            buf_clear(&copy);
            buf_add(&copy, buf_bytes(&framed));
            copy.at[at] ^= 0x10;
            assert_false(record_payload_decode(copy.at, key, 500, length, &out));
            copy.at[at] ^= 0x10;
            assert_false(record_payload_decode(copy.at, key, 508, length, &out));
        }
        buf_done(&framed);
        buf_done(&copy);
        free(data);
    }
}

/* A stretch of a disk that was never written must not look like anything. */
static void zeros_are_no_record(void **state)
{
    uint8_t zeros[RECORD_HEADER_BYTES] = { 0 };
    struct record_header out;

    assert_false(
        record_header_decode(bytes_make(zeros, sizeof(zeros)), record_key_make(id_a), 0, &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_comes_back),
        cmocka_unit_test(header_passes_nowhere_else),
        cmocka_unit_test(header_refuses_lengths_past_the_limit),
        cmocka_unit_test(sizes_add_up),
        cmocka_unit_test(payload_comes_back_whole_or_not),
        cmocka_unit_test(zeros_are_no_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
