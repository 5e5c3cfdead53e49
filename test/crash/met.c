/* Reads the segments that a life leaves. */
#include "crash/met.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kit/mem_vfs.h"
#include "store/op.h"
#include "store/scan.h"
#include "store/segment.h"

/* Everything that some act, recovery or compaction of today writes. */
static const struct {
    enum op_code code;
    const char *name;
} wanted[] = {
    { OP_ACCOUNT, "account" },
    { OP_MAILBOX_CREATE, "create" },
    { OP_MAILBOX_RENAME, "rename" },
    { OP_MAILBOX_DELETE, "delete" },
    { OP_PUT, "put" },
    { OP_FLAGS, "flags" },
    { OP_COPY, "copy" },
    { OP_MOVE, "move" },
    { OP_EXPUNGE, "expunge" },
    { OP_RECENT, "recent" },
    { OP_THREAD, "thread" },
    { OP_SUBSCRIBE, "subscribe" },
    { OP_EPOCH, "epoch" },
    { OP_BASE_STATE, "base" },
    { OP_BASE_MAILBOX, "base mailbox" },
    { OP_BASE_ROWS, "base rows" },
    { OP_BASE_VANISHED, "base vanished" },
    { OP_BASE_BODY, "base body" },
    { OP_BASE_DROP, "base drop" },
    { OP_BASE_END, "base end" },
};

static void count_ops(struct tally *tally, struct bytes ops, struct place place)
{
    struct op_walk walk = { .ops = ops, .change = place };
    struct op op;

    while (op_next(&walk, &op))
        atomic_fetch_add(&tally->ops[op.code % TALLY_OPS], 1);
}

static void count_record(struct tally *tally, struct scan *scan, struct place place,
                         const struct record_header *header)
{
    struct origin origin;
    struct bytes payload;

    if (header->type != RECORD_CHANGE && header->type != RECORD_BASE)
        return;
    if (scan_payload(scan, place.offset, header, &payload) != ERR_OK)
        return;
    if (header->type == RECORD_BASE || op_origin_decode(payload, &origin, &payload))
        count_ops(tally, payload, place);
}

static void count_segment(struct tally *tally, struct vfs_file *file, uint64_t number,
                          uint64_t size)
{
    struct place place = { number, SEGMENT_RECORDS_AT };
    struct scan scan = { 0 };
    struct segment segment;

    if (segment_header_read(file, number, 0, &segment) != ERR_OK)
        return;
    scan_begin(&scan, file, record_key_make(segment.id), size);
    while (place.offset < size) {
        struct record_header header;

        if (scan_header(&scan, place.offset, &header) != ERR_OK)
            break;
        count_record(tally, &scan, place, &header);
        place.offset += record_bytes(header.length);
    }
    scan_done(&scan);
}

void met_count(struct vfs *disk, struct tally *tally)
{
    for (unsigned i = 0; mem_vfs_path(disk, i) != NULL; i++) {
        const char *path = mem_vfs_path(disk, i);
        struct vfs_file *file;
        uint64_t number;

        if (strncmp(path, "log/", 4) != 0 ||
            !segment_name_parse(bytes_from_string(path + 4), &number) ||
            segment_kind(number) == SEGMENT_BODY ||
            disk->open(disk, path, VFS_OPEN_READ, &file) != ERR_OK)
            continue;
        count_segment(tally, file, number, mem_vfs_file(disk, path).len);
        vfs_close(file);
    }
}

bool met_print(const struct tally *tally)
{
    bool all = true;

    printf("ops:");
    for (size_t i = 0; i < ARRAY_COUNT(wanted); i++) {
        uint64_t count = tally->ops[wanted[i].code];

        printf("%s %s %" PRIu64, i == 0 ? "" : ",", wanted[i].name, count);
        /* Bodies that came back from behind a horizon: once in a hundred lives. */
        all = all && (count > 0 || wanted[i].code == OP_BASE_BODY);
    }
    printf("\n");
    return all;
}
