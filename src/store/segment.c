/* Segment names and headers: docs/format.md, "Segments". */
#include "store/segment.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc.h"
#include "base/reader.h"
#include "sys/vfs.h"

enum { VERSION = 1, CRC_AT = 124, NUMBER_DIGITS = 16 };

#define FEATURES_KNOWN SEGMENT_ZSTD

static const char *const kind_names[] = { "log", "body", "base" };

void segment_path(uint64_t number, char out_path[SEGMENT_PATH_BYTES])
{
    (void)snprintf(out_path, SEGMENT_PATH_BYTES, "log/%016llx.%s", (unsigned long long)number,
                   kind_names[segment_kind(number)]);
}

static bool hex_digit(uint8_t c, uint64_t *out_digit)
{
    if (c >= '0' && c <= '9')
        *out_digit = (uint64_t)(c - '0');
    else if (c >= 'a' && c <= 'f')
        *out_digit = (uint64_t)(c - 'a' + 10);
    else
        return false;
    return true;
}

bool segment_name_parse(struct bytes name, uint64_t *out_number)
{
    uint64_t number = 0;

    if (name.len <= NUMBER_DIGITS || name.at[NUMBER_DIGITS] != '.')
        return false;
    for (size_t i = 0; i < NUMBER_DIGITS; i++) {
        uint64_t digit;

        if (!hex_digit(name.at[i], &digit))
            return false;
        number = number << 4 | digit;
    }
    if (number < segment_number(1, SEGMENT_LOG) || (number & 3) >= ARRAY_COUNT(kind_names) ||
        number > INT64_MAX)
        return false;
    if (!bytes_equal(bytes_from(name, NUMBER_DIGITS + 1),
                     bytes_from_string(kind_names[segment_kind(number)])))
        return false;
    *out_number = number;
    return true;
}

/* The marker is never 0: zeros must not look like records. */
void segment_id_make(struct vfs *vfs, uint8_t out_id[16])
{
    do
        vfs->random(vfs, out_id, 16);
    while (record_key_make(out_id).marker == 0);
}

static void put_zeros(struct buf *buf, size_t count)
{
    uint8_t *at = buf_reserve(buf, count);

    if (at != NULL) {
        memset(at, 0, count);
        buf_commit(buf, count);
    }
}

void segment_header_encode(struct buf *buf, const struct segment *segment)
{
    size_t before = buf->len;

    buf_add_string(buf, "ROOSTSEG");
    buf_put_u16(buf, VERSION);
    put_zeros(buf, 6);
    buf_put_u64(buf, segment->features);
    buf_put_u64(buf, 0); /* features to write */
    buf_add(buf, bytes_make(segment->id, sizeof(segment->id)));
    buf_put_u64(buf, segment->number);
    buf_put_u64(buf, segment->previous);
    buf_put_u64(buf, segment->position);
    buf_put_u64(buf, segment->base);
    buf_put_u64(buf, (uint64_t)segment->when.us);
    buf_add(buf, bytes_make(segment->account.raw, sizeof(segment->account.raw)));
    put_zeros(buf, before + CRC_AT - buf->len);
    buf_put_u32(buf, crc32c(0, bytes_from(buf_bytes(buf), before)));
}

enum err segment_header_decode(struct bytes raw, struct segment *out_segment)
{
    struct reader reader = reader_make(raw);
    struct segment segment = { 0 };
    uint64_t unknown;
    uint16_t version;

    if (raw.len != SEGMENT_HEADER_BYTES || !bytes_starts_with(raw, BYTES("ROOSTSEG")))
        return ERR_CORRUPT;
    (void)reader_take(&reader, 8);
    version = reader_u16(&reader);
    (void)reader_take(&reader, 6);
    segment.features = reader_u64(&reader);
    unknown = segment.features & ~FEATURES_KNOWN;
    unknown |= reader_u64(&reader); /* to write: none so far */
    memcpy(segment.id, reader_take(&reader, sizeof(segment.id)).at, sizeof(segment.id));
    segment.number = reader_u64(&reader);
    segment.previous = reader_u64(&reader);
    segment.position = reader_u64(&reader);
    segment.base = reader_u64(&reader);
    segment.when.us = (int64_t)reader_u64(&reader);
    memcpy(segment.account.raw, reader_take(&reader, sizeof(segment.account.raw)).at,
           sizeof(segment.account.raw));
    (void)reader_take(&reader, CRC_AT - reader.offset);
    if (reader_u32(&reader) != crc32c(0, bytes_slice(raw, 0, CRC_AT)) || !reader_finish(&reader))
        return ERR_CORRUPT;
    if (version != VERSION || unknown != 0)
        return ERR_UNSUPPORTED;
    if (segment.position > INT64_MAX)
        return ERR_CORRUPT;
    *out_segment = segment;
    return ERR_OK;
}

enum err segment_header_read(struct vfs_file *file, uint64_t number, unsigned flags,
                             struct segment *out_segment)
{
    static const uint64_t copies[] = { 0, SEGMENT_COPY_AT };
    size_t count = segment_kind(number) == SEGMENT_BODY ? 1 : ARRAY_COUNT(copies);
    enum err answer = ERR_CORRUPT;

    for (size_t i = 0; i < count; i++) {
        uint8_t raw[SEGMENT_HEADER_BYTES];
        struct segment segment;
        enum err err = vfs_read(file, copies[i], raw, sizeof(raw), flags);

        if (err == ERR_OK)
            err = segment_header_decode(bytes_make(raw, sizeof(raw)), &segment);
        if (err == ERR_OK && segment.number == number) {
            *out_segment = segment;
            return ERR_OK;
        }
        if (err == ERR_BUSY)
            return err;
        if (err != ERR_OK && err != ERR_CORRUPT)
            answer = err;
    }
    return answer;
}

bool segment_is_of(const struct segment *segment, struct account_id account)
{
    static const struct account_id none = { 0 };

    return memcmp(&segment->account, &account, sizeof(account)) == 0 ||
           memcmp(&segment->account, &none, sizeof(none)) == 0 ||
           memcmp(&account, &none, sizeof(none)) == 0;
}

static enum err write_start(struct vfs *vfs, struct vfs_file *file, const struct segment *segment)
{
    struct buf start = buf_make(SEGMENT_RECORDS_AT);
    enum err err;

    segment_header_encode(&start, segment);
    put_zeros(&start, SEGMENT_COPY_AT - start.len);
    segment_header_encode(&start, segment);
    put_zeros(&start, SEGMENT_RECORDS_AT - start.len);
    err = vfs_append(file, buf_bytes(&start));
    buf_done(&start);
    if (err == ERR_OK)
        err = vfs_sync(file);
    return err == ERR_OK ? vfs->sync_dir(vfs, "log") : err;
}

/* Its number is given again, and a new file may show blocks of a removed one as long as it is not
 * synced: a header that holds, with an older position. So there must be none left. */
static enum err scrub(struct vfs_file *file)
{
    static const uint8_t zeros[SEGMENT_RECORDS_AT];
    uint64_t size;
    enum err err = file->calls->size(file, &size);

    if (err == ERR_OK)
        err = vfs_write(file, 0,
                        bytes_make(zeros, size < sizeof(zeros) ? (size_t)size : sizeof(zeros)));
    return err == ERR_OK ? vfs_sync(file) : err;
}

enum err segment_create(struct vfs *vfs, const struct segment *segment, struct vfs_file **out_file)
{
    char path[SEGMENT_PATH_BYTES];
    struct vfs_file *file = NULL;
    enum err err;

    segment_path(segment->number, path);
    err = vfs->open(vfs, path,
                    VFS_OPEN_READ | VFS_OPEN_WRITE | VFS_OPEN_CREATE | VFS_OPEN_EXCLUSIVE, &file);
    if (err != ERR_OK)
        return err;
    err = write_start(vfs, file, segment);
    if (err != ERR_OK) {
        bool is_scrubbed = scrub(file) == ERR_OK;

        vfs_close(file);
        if (is_scrubbed)
            (void)vfs->unlink(vfs, path);
        return err;
    }
    *out_file = file;
    return ERR_OK;
}
