/* Packed bodies whose checksums hold, and which hold no message all the same. */
#include "store/verify_test.h"

#include <string.h>

#include "base/num.h"
#include "kit/assert_bytes.h"
#include "kit/mem_vfs.h"
#include "store/packed_body.h"

enum { PIECES = 3, LENGTH = (PIECES - 1) * PACKED_PIECE_BYTES + 1000 };

struct target {
    char path[SEGMENT_PATH_BYTES];
    uint64_t number;
    uint64_t frames; /* offset of the first chunk */
    uint64_t header;
    uint64_t stored;
    struct record_key key;
};

/* Text that shrinks, and not to nothing: its frames have more than a head. */
static void append(struct desk *desk, size_t len)
{
    struct test_random random = { len };
    uint8_t *text = malloc(len);

    for (size_t i = 0; i < len; i++)
        text[i] = (uint8_t)('a' + test_random_below(&random, 4));
    assert_int_equal(desk_append(desk, desk_mailbox(desk, "INBOX"), bytes_make(text, len), 0, NULL),
                     ERR_OK);
    free(text);
}

/* One packed body in the log, and one in a segment of its own. */
static struct vfs *disk_with_packed(uint64_t *out_durable)
{
    struct vfs *disk = mem_vfs_new(3);
    struct desk desk;

    desk_init(&desk, disk);
    desk.options.compress = true;
    assert_int_equal(desk_open(&desk), ERR_OK);
    append(&desk, 5000);
    append(&desk, LENGTH);
    desk_sync(&desk);
    *out_durable = account_durable(desk.account);
    desk_close(&desk);
    return disk;
}

static struct record_key key_of(struct bytes file)
{
    struct segment segment;

    assert_int_equal(segment_header_decode(bytes_slice(file, 0, SEGMENT_HEADER_BYTES), &segment),
                     ERR_OK);
    return record_key_make(segment.id);
}

/* The first packed body of that kind of segment. */
static struct target find_target(struct vfs *disk, enum segment_kind kind)
{
    struct target target = { .number = 0 };
    struct record_header header = { 0 };
    struct verify_files files;
    struct bytes file;

    verify_model_list(disk, &files);
    for (size_t i = 0; i < files.count && target.number == 0; i++)
        if (segment_kind(files.number[i]) == kind)
            target.number = files.number[i];
    segment_path(target.number, target.path);
    file = mem_vfs_file(disk, target.path);
    target.key = key_of(file);
    target.header = kind == SEGMENT_BODY ? file.len - RECORD_HEADER_BYTES : SEGMENT_RECORDS_AT;
    while (
        record_header_decode(bytes_slice(bytes_from(file, target.header), 0, RECORD_HEADER_BYTES),
                             target.key, target.header, &header) &&
        header.type != RECORD_BODY)
        target.header += record_bytes(header.length);
    assert_int_equal(header.encoding, RECORD_ZSTD);
    target.stored = header.length;
    target.frames = kind == SEGMENT_BODY ? SEGMENT_BODY_AT : target.header + RECORD_HEADER_BYTES;
    return target;
}

/* One byte of the payload, with a checksum that covers it up. */
static void spoil(struct vfs *disk, const struct target *target, uint64_t at)
{
    struct buf file = buf_make(1 << 20);
    uint64_t chunk = at / RECORD_CHUNK_BYTES;
    uint64_t left = target->stored - chunk * RECORD_CHUNK_BYTES;
    size_t len = left < RECORD_CHUNK_BYTES ? (size_t)left : RECORD_CHUNK_BYTES;
    uint64_t start = target->frames + chunk * RECORD_FRAME_BYTES;

    buf_add(&file, mem_vfs_file(disk, target->path));
    file.at[start + at % RECORD_CHUNK_BYTES] ^= 0x55;
    num_store_u32(file.at + start + len,
                  record_chunk_crc(target->key, start, bytes_make(file.at + start, len)));
    mem_vfs_put(disk, target->path, buf_bytes(&file));
    buf_done(&file);
}

static void assert_named(struct vfs *disk, uint64_t durable, const struct target *target,
                         uint64_t at)
{
    struct verify *verify = verify_all(disk, durable);
    const struct verify_finding *findings;
    size_t count;

    findings = verify_findings(verify, &count);
    if (count != 1 || findings[0].kind != VERIFY_BODY || findings[0].segment != target->number)
        fail_msg("%zu findings of byte %llu", count, (unsigned long long)at);
    assert_int_equal(findings[0].offset, segment_kind(target->number) == SEGMENT_BODY
                                             ? SEGMENT_BODY_AT
                                             : target->header);
    verify_free(verify);
}

static void checksums_that_hold_are_not_enough(void **state)
{
    static const enum segment_kind kinds[] = { SEGMENT_LOG, SEGMENT_BODY };
    uint64_t durable;
    struct vfs *whole = disk_with_packed(&durable);

    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        struct target target = find_target(whole, kinds[i]);
        uint64_t index = target.stored - (i == 0 ? 1u : PIECES) * (uint64_t)PACKED_TAIL_BYTES;
        /* the magic of a frame, the index, the length; a frame in the middle of the payload */
        const uint64_t places[] = { 0, index, target.stored - 1, target.stored - 7 };

        for (size_t j = 0; j < ARRAY_COUNT(places); j++) {
            struct vfs *disk = mem_vfs_copy(whole, j);

            spoil(disk, &target, places[j]);
            assert_named(disk, durable, &target, places[j]);
            mem_vfs_free(disk);
        }
    }
    mem_vfs_free(whole);
}

static void whole_ones_are_not_named(void **state)
{
    uint64_t durable;
    struct vfs *whole = disk_with_packed(&durable);
    struct verify *verify = verify_all(whole, durable);
    size_t count;

    (void)verify_findings(verify, &count);
    assert_int_equal(count, 0);
    assert_int_equal(verify_counts(verify).bodies, 2);
    verify_free(verify);
    mem_vfs_free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksums_that_hold_are_not_enough),
        cmocka_unit_test(whole_ones_are_not_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
