/* The window over a segment: what it gives out was checked, wherever the window stands. */
#include "store/scan.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "kit/assert_bytes.h"
#include "kit/mem_vfs.h"
#include "sys/vfs.h"

enum {
    START = 8192, /* what is before the records is not looked at */
    LARGE = 300 * 1024, /* more than the window, several chunks */
    SMALL = 100,
};

static const struct record_key key = { .marker = 0x1122334455667788, .seed = 99 };

struct bench {
    struct vfs *vfs;
    struct vfs_file *file;
    struct scan scan;
    struct buf bytes; /* of the file */
    uint64_t small; /* offsets of the records */
    uint64_t large;
    uint64_t empty;
    uint64_t end;
};

static struct record_header header_of(uint64_t length)
{
    return (struct record_header){
        .type = RECORD_CHANGE, .encoding = RECORD_RAW, .length = length, .number = 7
    };
}

static uint64_t add_record(struct bench *bench, size_t length)
{
    struct record_header header = header_of(length);
    uint8_t *payload = malloc(length + 1);
    uint64_t offset = bench->bytes.len;

    for (size_t i = 0; i < length; i++)
        payload[i] = (uint8_t)(i * 7 + length);
    record_header_encode(&bench->bytes, key, offset, &header);
    record_payload_encode(&bench->bytes, key, offset + RECORD_HEADER_BYTES,
                          bytes_make(payload, length));
    while (bench->bytes.len % RECORD_ALIGN != 0)
        buf_add_byte(&bench->bytes, 0);
    free(payload);
    return offset;
}

static void open_file(struct bench *bench, uint64_t limit)
{
    mem_vfs_put(bench->vfs, "segment", buf_bytes(&bench->bytes));
    assert_int_equal(bench->vfs->open(bench->vfs, "segment", VFS_OPEN_READ, &bench->file), ERR_OK);
    scan_begin(&bench->scan, bench->file, key, limit);
}

static void bench_init(struct bench *bench)
{
    *bench = (struct bench){ .vfs = mem_vfs_new(1), .bytes = buf_make(1 << 24) };
    while (bench->bytes.len < START)
        buf_add_byte(&bench->bytes, 0xee);
    bench->small = add_record(bench, SMALL);
    bench->large = add_record(bench, LARGE);
    bench->empty = add_record(bench, 0);
    bench->end = bench->bytes.len;
    open_file(bench, bench->end);
}

static void bench_done(struct bench *bench)
{
    scan_done(&bench->scan);
    vfs_close(bench->file);
    buf_done(&bench->bytes);
    mem_vfs_free(bench->vfs);
}

/* Another file, as the bytes are now. */
static void reload(struct bench *bench, uint64_t limit)
{
    vfs_close(bench->file);
    open_file(bench, limit);
}

static void assert_payload(struct bench *bench, uint64_t offset, size_t length)
{
    struct record_header header;
    struct bytes payload;

    assert_int_equal(scan_header(&bench->scan, offset, &header), ERR_OK);
    assert_int_equal(header.length, length);
    assert_int_equal(header.number, 7);
    assert_int_equal(scan_check(&bench->scan, offset, &header), ERR_OK);
    assert_int_equal(scan_payload(&bench->scan, offset, &header, &payload), ERR_OK);
    assert_int_equal(payload.len, length);
    for (size_t i = 0; i < length; i++)
        assert_int_equal(payload.at[i], (uint8_t)(i * 7 + length));
}

static void test_records_in_any_order(void **context)
{
    struct bench bench;

    (void)context;
    bench_init(&bench);
    for (int round = 0; round < 2; round++) {
        assert_payload(&bench, bench.empty, 0);
        assert_payload(&bench, bench.small, SMALL);
        assert_payload(&bench, bench.large, LARGE);
        assert_payload(&bench, bench.small, SMALL); /* a large payload closed gaps in the window */
    }
    bench_done(&bench);
}

static void test_bytes_up_to_the_limit(void **context)
{
    struct bytes bytes;
    struct bench bench;

    (void)context;
    bench_init(&bench);
    assert_int_equal(scan_bytes(&bench.scan, bench.end - 10, 10, &bytes), ERR_OK);
    assert_int_equal(scan_bytes(&bench.scan, bench.end - 10, 11, &bytes), ERR_CORRUPT);
    assert_int_equal(scan_bytes(&bench.scan, bench.end, 0, &bytes), ERR_OK);
    assert_int_equal(scan_bytes(&bench.scan, bench.end + 1, 0, &bytes), ERR_CORRUPT);
    assert_int_equal(scan_bytes(&bench.scan, UINT64_MAX, 2, &bytes), ERR_CORRUPT);
    reload(&bench, bench.end + 100); /* the file is shorter than somebody said */
    assert_int_equal(scan_bytes(&bench.scan, bench.end - 10, 20, &bytes), ERR_CORRUPT);
    bench_done(&bench);
}

static void test_a_record_beyond_the_limit(void **context)
{
    struct record_header header;
    struct bytes payload;
    struct bench bench;

    (void)context;
    bench_init(&bench);
    reload(&bench, bench.large + RECORD_HEADER_BYTES + 1000);
    assert_int_equal(scan_header(&bench.scan, bench.large, &header), ERR_OK);
    assert_int_equal(scan_payload(&bench.scan, bench.large, &header, &payload), ERR_CORRUPT);
    assert_int_equal(scan_check(&bench.scan, bench.large, &header), ERR_CORRUPT);
    reload(&bench, bench.large + RECORD_HEADER_BYTES - 1);
    assert_int_equal(scan_header(&bench.scan, bench.large, &header), ERR_CORRUPT);
    header = header_of(RECORD_CHANGE_BYTES_MAX + UINT64_C(1)); /* larger than a CHANGE can be */
    assert_int_equal(scan_payload(&bench.scan, bench.small, &header, &payload), ERR_CORRUPT);
    bench_done(&bench);
}

/* Every flipped bit is noticed: in the header by its own checksum, in the payload by its chunk's.
 */
static void test_damage(void **context)
{
    struct record_header good;
    struct bench bench;

    (void)context;
    bench_init(&bench);
    assert_int_equal(scan_header(&bench.scan, bench.large, &good), ERR_OK);
    for (uint64_t at = bench.large; at < bench.empty; at += at < bench.large + 60 ? 1 : 5003) {
        bool in_header = at < bench.large + RECORD_HEADER_BYTES;
        struct record_header header;
        struct bytes payload;

        bench.bytes.at[bench.bytes.start + at] ^= 0x10;
        reload(&bench, bench.end);
        assert_int_equal(scan_header(&bench.scan, bench.large, &header),
                         in_header ? ERR_CORRUPT : ERR_OK);
        if (!in_header) {
            assert_int_equal(scan_check(&bench.scan, bench.large, &good), ERR_CORRUPT);
            assert_int_equal(scan_payload(&bench.scan, bench.large, &good, &payload), ERR_CORRUPT);
        }
        assert_payload(&bench, bench.small, SMALL);
        bench.bytes.at[bench.bytes.start + at] ^= 0x10;
    }
    bench_done(&bench);
}

static void test_resync(void **context)
{
    struct bench bench;
    uint64_t at;

    (void)context;
    bench_init(&bench);
    assert_int_equal(scan_resync(&bench.scan, 0, &at), ERR_OK);
    assert_int_equal(at, bench.small);
    assert_int_equal(scan_resync(&bench.scan, bench.small, &at), ERR_OK);
    assert_int_equal(at, bench.small);
    assert_int_equal(scan_resync(&bench.scan, bench.small + 1, &at), ERR_OK);
    assert_int_equal(at, bench.large);
    assert_int_equal(scan_resync(&bench.scan, bench.large + 1, &at), ERR_OK); /* many windows on */
    assert_int_equal(at, bench.empty);
    assert_int_equal(scan_resync(&bench.scan, bench.empty + 1, &at), ERR_OK);
    assert_int_equal(at, bench.end); /* none: the limit */
    assert_int_equal(scan_resync(&bench.scan, bench.end - 3, &at), ERR_OK);
    assert_int_equal(at, bench.end);
    scan_begin(&bench.scan, bench.file, (struct record_key){ .marker = 5 }, bench.end);
    assert_int_equal(scan_resync(&bench.scan, 0, &at), ERR_OK); /* another segment's records */
    assert_int_equal(at, bench.end);
    bench_done(&bench);
}

/* A header that was copied to another place is no record there. */
static void test_a_record_counts_only_where_it_was_written(void **context)
{
    struct record_header header;
    struct bench bench;
    uint64_t at;

    (void)context;
    bench_init(&bench);
    buf_add(&bench.bytes, bytes_slice(buf_bytes(&bench.bytes), bench.small, 200));
    reload(&bench, bench.bytes.len);
    assert_int_equal(scan_header(&bench.scan, bench.end, &header), ERR_CORRUPT);
    assert_int_equal(scan_resync(&bench.scan, bench.empty + 8, &at), ERR_OK);
    assert_int_equal(at, bench.bytes.len);
    bench_done(&bench);
}

static void test_content_end(void **context)
{
    static const uint8_t zeros[600 * 1024];
    struct bench bench;
    uint64_t last;
    uint64_t end;

    (void)context;
    bench_init(&bench);
    last = bench.end;
    buf_add(&bench.bytes, bytes_make(zeros, sizeof(zeros)));
    reload(&bench, bench.bytes.len);
    assert_int_equal(scan_content_end(&bench.scan, last, &end), ERR_OK);
    assert_int_equal(end, last);
    buf_add_byte(&bench.bytes, 1);
    buf_add_byte(&bench.bytes, 0);
    reload(&bench, bench.bytes.len);
    assert_int_equal(scan_content_end(&bench.scan, last, &end), ERR_OK);
    assert_int_equal(end, last + sizeof(zeros) + 1);
    assert_int_equal(scan_content_end(&bench.scan, bench.bytes.len, &end), ERR_OK);
    assert_int_equal(end, bench.bytes.len);
    bench_done(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_in_any_order),
        cmocka_unit_test(test_bytes_up_to_the_limit),
        cmocka_unit_test(test_a_record_beyond_the_limit),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_resync),
        cmocka_unit_test(test_a_record_counts_only_where_it_was_written),
        cmocka_unit_test(test_content_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
