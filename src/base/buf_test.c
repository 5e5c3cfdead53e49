/* The growing buffer: what is added comes out, and nothing passes the maximum. */
#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

#include "base/reader.h"
#include "kit/assert_bytes.h"

static void test_adds_in_order(void **state)
{
    struct buf buf = buf_make(1000);

    (void)state;
    assert_true(buf_is_empty(&buf));
    buf_add_string(&buf, "* ");
    buf_add_number(&buf, 18446744073709551615U);
    buf_add_byte(&buf, ' ');
    buf_add(&buf, BYTES("EX\0ISTS"));
    buf_add(&buf, bytes_make(NULL, 0));
    buf_add_format(&buf, "%d%s", -3, "!");
    ASSERT_BYTES(buf_bytes(&buf), BYTES("* 18446744073709551615 EX\0ISTS-3!"));
    buf_done(&buf);
    assert_int_equal(buf.max, 1000);
    assert_true(buf_is_empty(&buf));
}

static void test_maximum_is_exact_and_remembered(void **state)
{
    struct buf buf = buf_make(4);

    (void)state;
    buf_add_format(&buf, "%s", "abcd");
    assert_false(buf.overflowed);
    ASSERT_BYTES(buf_bytes(&buf), BYTES("abcd"));
    buf_add_byte(&buf, 'e');
    assert_true(buf.overflowed);
    ASSERT_BYTES(buf_bytes(&buf), BYTES("abcd"));
    buf_consume(&buf, 2);
    buf_add_byte(&buf, 'f');
    assert_true(buf.overflowed);
    ASSERT_BYTES(buf_bytes(&buf), BYTES("cd"));
    buf_clear(&buf);
    buf_add_string(&buf, "abcd");
    assert_false(buf.overflowed);
    buf_done(&buf);
}

static void test_whole_or_nothing(void **state)
{
    struct buf buf = buf_make(4);

    (void)state;
    buf_put_bytes(&buf, BYTES("abcd"));
    assert_true(buf.overflowed);
    assert_true(buf_is_empty(&buf));
    buf_clear(&buf);
    buf_put_bytes(&buf, BYTES("abc"));
    assert_false(buf.overflowed);
    ASSERT_BYTES(buf_bytes(&buf), BYTES("\x03"
                                        "abc"));
    assert_null(buf_reserve(&buf, 1));
    buf_done(&buf);
    buf = buf_make(0);
    buf_add(&buf, bytes_make(NULL, 0));
    assert_false(buf.overflowed);
    buf_add_byte(&buf, 'x');
    assert_true(buf.overflowed);
    buf_done(&buf);
}

/* A queue of bytes, added at the end and consumed at the front, against a plain array. */
static void test_consume_and_grow_against_a_model(void **state)
{
    enum { MODEL_BYTES = 5000, STEPS = 20000 };
    unsigned seed = 20;
    struct buf buf = buf_make(MODEL_BYTES);
    uint8_t model[MODEL_BYTES];
    size_t len = 0;

    (void)state;
    for (int step = 0; step < STEPS; step++) {
        size_t count = (size_t)rand_r(&seed) % 97;

        if (rand_r(&seed) % 2 == 0 && len + count <= MODEL_BYTES) {
            memset(model + len, step & 0xff, count);
            buf_add(&buf, bytes_make(model + len, count));
            len += count;
        } else {
            count = count < len ? count : len;
            memmove(model, model + count, len - count);
            len -= count;
            buf_consume(&buf, count);
        }
        ASSERT_BYTES(buf_bytes(&buf), bytes_make(model, len));
    }
    buf_done(&buf);
}

static void test_reserve_commit_truncate_trim(void **state)
{
    struct buf buf = buf_make(1 << 20);
    uint8_t *room = buf_reserve(&buf, 100000);

    (void)state;
    assert_non_null(room);
    memset(room, 'r', 100000);
    buf_commit(&buf, 3);
    ASSERT_BYTES(buf_bytes(&buf), BYTES("rrr"));
    buf_truncate(&buf, 1);
    buf_trim(&buf);
    ASSERT_BYTES(buf_bytes(&buf), BYTES("r"));
    buf_consume(&buf, 1);
    buf_trim(&buf);
    assert_null(buf.at);
    assert_int_equal(buf.capacity, 0);
    buf_add_string(&buf, "again");
    ASSERT_BYTES(buf_bytes(&buf), BYTES("again"));
    buf_done(&buf);
}

static void test_little_endian_fields(void **state)
{
    struct buf buf = buf_make(100);

    (void)state;
    buf_put_u8(&buf, 0xfe);
    buf_put_u16(&buf, 0x0102);
    buf_put_u32(&buf, 0x03040506);
    buf_put_u64(&buf, UINT64_C(0x0708090a0b0c0d0e));
    buf_put_varint(&buf, 300);
    ASSERT_BYTES(buf_bytes(&buf), BYTES("\xfe\x02\x01\x06\x05\x04\x03"
                                        "\x0e\x0d\x0c\x0b\x0a\x09\x08\x07\xac\x02"));
    buf_done(&buf);
}

static void test_varints_come_back(void **state)
{
    struct buf buf = buf_make(100);

    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t value = UINT64_C(1) << bit;
        struct reader reader;

        buf_clear(&buf);
        buf_put_varint(&buf, value);
        buf_put_varint(&buf, value - 1);
        reader = reader_make(buf_bytes(&buf));
        assert_true(reader_varint(&reader) == value);
        assert_true(reader_varint(&reader) == value - 1);
        assert_true(reader_finish(&reader));
    }
    buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adds_in_order),
        cmocka_unit_test(test_maximum_is_exact_and_remembered),
        cmocka_unit_test(test_whole_or_nothing),
        cmocka_unit_test(test_consume_and_grow_against_a_model),
        cmocka_unit_test(test_reserve_commit_truncate_trim),
        cmocka_unit_test(test_little_endian_fields),
        cmocka_unit_test(test_varints_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
