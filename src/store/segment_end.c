/* Records come in order: what is missing before one that is there has come by now, or is damage. */
#include "store/segment_end.h"

#include "store/scan.h"
#include "store/segment.h"
#include "sys/vfs.h"

static enum err check_record(struct scan *scan, uint64_t offset, uint64_t *out_next)
{
    struct record_header header;
    enum err err = scan_header(scan, offset, &header);

    if (err == ERR_OK)
        err = scan_check(scan, offset, &header);
    if (err == ERR_OK)
        *out_next = offset + record_bytes(header.length);
    return err;
}

static enum err find_end(struct scan *scan, uint64_t *out_end)
{
    uint64_t offset = SEGMENT_RECORDS_AT;
    enum err err = ERR_OK;

    *out_end = offset;
    while (err == ERR_OK && offset < scan->limit) {
        uint64_t next;

        err = check_record(scan, offset, &next);
        if (err == ERR_OK)
            *out_end = next;
        else if (err == ERR_CORRUPT)
            err = scan_resync(scan, offset + RECORD_ALIGN, &next);
        if (err == ERR_OK)
            offset = next;
    }
    return err;
}

enum err segment_find_end(struct vfs *vfs, uint64_t number, uint64_t *out_end)
{
    struct scan scan = { 0 };
    struct segment segment;
    char path[SEGMENT_PATH_BYTES];
    struct vfs_file *file;
    uint64_t size = 0;
    uint64_t end = 0;
    enum err err;

    segment_path(number, path);
    err = vfs->open(vfs, path, VFS_OPEN_READ, &file);
    if (err != ERR_OK)
        return err;
    err = file->calls->size(file, &size);
    if (err == ERR_OK)
        err = segment_header_read(file, number, 0, &segment);
    if (err == ERR_OK) {
        scan_begin(&scan, file, record_key_make(segment.id), size);
        err = find_end(&scan, &end);
        scan_done(&scan);
    } else if (err == ERR_CORRUPT || err == ERR_UNSUPPORTED) {
        end = size;
        err = ERR_OK;
    }
    vfs_close(file);
    if (err == ERR_OK)
        *out_end = end < size ? end : size;
    return err;
}
