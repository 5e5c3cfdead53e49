/* A log segment made of the input: framed as records of any type and length, or raw. Opening it
 * never fails but for features of a newer version. */
#include <assert.h>

#include "base/reader.h"
#include "kit/jobs.h"
#include "kit/mem_vfs.h"
#include "store/log.h"
#include "store/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum err replay(void *context, const struct log_record *record)
{
    return ERR_OK;
}

static void add_piece(struct buf *file, struct record_key key, struct reader *input)
{
    uint8_t type = reader_u8(input);
    uint8_t lie = reader_u8(input);
    size_t len = reader_u8(input) % (reader_left(input) + 1);
    struct bytes payload = reader_take(input, len);
    struct record_header header = {
        .type = type, .encoding = lie == 1, .length = len + (lie == 2), .durable = lie * 37U
    };

    if (type >= 8 && type < RECORD_IGNORABLE) {
        buf_add(file, payload);
        return;
    }
    record_header_encode(file, key, file->len, &header);
    record_payload_encode(file, key, file->len, payload);
    while (file->len % RECORD_ALIGN != 0)
        buf_put_u8(file, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct segment segment = { .id = "0123456789abcde", .number = 4 };
    struct record_key key = record_key_make(segment.id);
    struct reader input = reader_make(bytes_make(data, size));
    struct vfs *disk = mem_vfs_new(1);
    struct log_report report;
    struct jobs jobs;
    struct log *log;
    struct buf file = buf_make(1 << 24);
    struct log_options options = {
        .vfs = disk, .executor = &jobs.executor, .create = true, .replay = replay
    };
    enum err err;

    jobs_init(&jobs);
    segment_header_encode(&file, &segment);
    while (file.len < SEGMENT_RECORDS_AT)
        buf_put_u8(&file, 0);
    while (reader_left(&input) > 0)
        add_piece(&file, key, &input);
    if (disk->mkdir(disk, "log") != ERR_OK)
        return 0;
    mem_vfs_put(disk, "log/0000000000000004.log", buf_bytes(&file));
    err = log_open(&options, &log, &report, NULL);
    assert(err == ERR_OK || err == ERR_UNSUPPORTED);
    if (err == ERR_OK)
        log_close(log, options.now);
    buf_done(&file);
    mem_vfs_free(disk);
    return 0;
}
