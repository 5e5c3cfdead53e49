/* When, how much, and away again. */
#include "store/log_ahead.h"

#include <stdlib.h>

#include "store/alloc.h"
#include "store/log_private.h"
#include "sys/vfs.h"

enum { PIECE_BYTES = 64 * 1024, PAGE_BYTES = 4096 };

/* Behind more than that in one sync the metadata does not count. */
enum { SMALL_BYTES = 64 * 1024 };

/* With less room on the disk it is left for what is needed. */
#define ROOM_BYTES_MIN (UINT64_C(1) << 30)

enum err log_put(struct log *log, uint64_t at, struct bytes data)
{
    enum err err =
        log->ahead.reach == at ? vfs_append(log->file, data) : vfs_write(log->file, at, data);

    if (err == ERR_OK && log->ahead.reach < at + data.len)
        log->ahead.reach = at + data.len;
    return err;
}

void log_note_sync(struct log *log, uint64_t bytes)
{
    if (bytes >= SMALL_BYTES)
        log->ahead.small_syncs = 0;
    else if (log->ahead.small_syncs < log->ahead.syncs)
        log->ahead.small_syncs++;
}

static bool has_room(const struct log *log)
{
    uint64_t room = 0;

    if (log->file->calls->room == NULL)
        return true;
    return log->file->calls->room(log->file, &room) == ERR_OK && room >= ROOM_BYTES_MIN;
}

static enum err append_zeros(struct log *log, uint64_t count)
{
    uint8_t *zeros = store_alloc(1, PIECE_BYTES);
    enum err err = ERR_OK;

    while (err == ERR_OK && count > 0) {
        size_t take = count < PIECE_BYTES ? (size_t)count : PIECE_BYTES;

        err = vfs_append(log->file, bytes_make(zeros, take));
        count -= take;
    }
    free(zeros);
    return err;
}

bool log_cut(struct log *log)
{
    if (log->file->calls->truncate(log->file, log->size) != ERR_OK)
        return false;
    log->ahead.reach = log->size;
    return true;
}

void log_take_ahead(struct log *log, uint64_t batch_bytes)
{
    uint64_t end = (log->size + log->ahead.bytes) / PAGE_BYTES * PAGE_BYTES;

    if (end > log->segment_bytes)
        end = log->segment_bytes;
    if (log->ahead.reach != log->size || log->ahead.small_syncs < log->ahead.syncs ||
        batch_bytes >= SMALL_BYTES || end <= log->size)
        return;
    if (!has_room(log)) {
        log->ahead.small_syncs = log->ahead.syncs - 1; /* the next sync asks again, no batch does */
        return;
    }
    log->ahead.reach = end; /* at most, should it fail */
    if (append_zeros(log, end - log->size) == ERR_OK)
        return;
    /* A full disk, or somebody's share of it: what counts is written. */
    log->ahead.small_syncs = 0;
    (void)log_cut(log);
}

bool log_has_ahead(const struct log *log)
{
    return log->file != NULL && log->ahead.reach > log->size + log->writing.written;
}

bool log_is_restless(const struct log *log)
{
    return log->ahead.small_syncs > 0 || log_has_ahead(log);
}

bool log_rest(struct log *log)
{
    log->ahead.small_syncs = 0;
    if (!log_has_ahead(log))
        return true;
    if (log->busy || log->failed || log->writing.active || log->durable != log_tip(log))
        return false;
    return log_cut(log);
}
