/* The field reader: every cut of good bytes fails, and the failure sticks. */
#include "base/reader.h"

#include <stdlib.h>
#include <string.h>

#include "kit/assert_bytes.h"

static const char sample[] = "\x01\x02\x01\x06\x05\x04\x03\x0e\x0d\x0c\x0b\x0a\x09\x08\x07"
                             "\xac\x02\x03xyz!";

static bool read_sample(struct bytes in)
{
    struct reader reader = reader_make(in);
    bool good = reader_u8(&reader) == 1;

    good = (reader_u16(&reader) == 0x0102) && good;
    good = (reader_u32(&reader) == 0x03040506) && good;
    good = (reader_u64(&reader) == UINT64_C(0x0708090a0b0c0d0e)) && good;
    good = (reader_varint(&reader) == 300) && good;
    good = bytes_equal(reader_bytes(&reader), BYTES("xyz")) && good;
    good = bytes_equal(reader_take(&reader, 1), BYTES("!")) && good;
    assert_int_equal(reader_left(&reader), 0);
    assert_true(good || !reader_finish(&reader));
    return reader_finish(&reader);
}

static void test_whole_is_read_and_every_cut_fails(void **state)
{
    size_t len = sizeof(sample) - 1;

    (void)state;
    assert_true(read_sample(bytes_make(sample, len)));
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *part = malloc(cut + 1); /* its end is where the sanitizer looks */

        assert_non_null(part);
        memcpy(part + 1, sample, cut);
        assert_false(read_sample(bytes_make(part + 1, cut)));
        free(part);
    }
}

static void test_left_over_bytes_are_no_finish(void **state)
{
    struct reader reader = reader_make(BYTES("ab"));

    (void)state;
    assert_int_equal(reader_u8(&reader), 'a');
    assert_int_equal(reader_left(&reader), 1);
    assert_false(reader_finish(&reader));
}

static void test_failure_sticks(void **state)
{
    struct reader reader = reader_make(BYTES("abc"));

    (void)state;
    assert_int_equal(reader_u32(&reader), 0);
    assert_int_equal(reader_u8(&reader), 0);
    assert_int_equal(reader_take(&reader, 1).len, 0);
    assert_int_equal(reader_left(&reader), 0);
    assert_false(reader_finish(&reader));
}

static void test_varints(void **state)
{
    static const struct {
        const char *raw;
        size_t len;
        bool good;
        uint64_t value;
    } cases[] = {
        { "\x00", 1, true, 0 },
        { "\x7f", 1, true, 127 },
        { "\x80\x01", 2, true, 128 },
        { "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, true, UINT64_MAX },
        { "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10, false, 0 },
        { "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x00", 11, false, 0 },
        { "\x80", 1, false, 0 },
        { "", 0, false, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct reader reader = reader_make(bytes_make(cases[i].raw, cases[i].len));

        assert_true(reader_varint(&reader) == cases[i].value);
        assert_int_equal(reader_finish(&reader), cases[i].good);
    }
}

static void test_lengths_that_lie(void **state)
{
    struct reader reader = reader_make(BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01xyz"));

    (void)state;
    assert_int_equal(reader_bytes(&reader).len, 0);
    assert_true(reader.failed);
    reader = reader_make(BYTES("\x09"));
    assert_int_equal(reader_varint_max(&reader, 8), 0);
    assert_true(reader.failed);
    reader = reader_make(BYTES("\x08"));
    assert_int_equal(reader_varint_max(&reader, 8), 8);
    assert_true(reader_finish(&reader));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_is_read_and_every_cut_fails),
        cmocka_unit_test(test_left_over_bytes_are_no_finish),
        cmocka_unit_test(test_failure_sticks),
        cmocka_unit_test(test_varints),
        cmocka_unit_test(test_lengths_that_lie),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
