/* Entries of the lock file: docs/format.md, "The lock file". */
#include "store/lockfile.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crc.h"
#include "base/reader.h"
#include "store/alloc.h"
#include "sys/vfs.h"

enum {
    VERSION = 1,
    ENTRY_BYTES = 128,
    CRC_AT = 124,
    ENTRIES_MAX = 512,
    PIECE_BYTES = 64 * 1024 /* of whole entries */
};

struct lockfile {
    struct vfs_file *file;
    uint64_t size; /* whole entries */
    struct lock_entry entry;
    bool stands_clean; /* what the last whole entry says, whatever `entry` makes of it */
    uint8_t identity[LOCKFILE_IDENTITY_BYTES];
};

static void entry_encode(struct buf *buf, const struct lock_entry *entry)
{
    buf_add_string(buf, "ROOSTLCK");
    buf_put_u8(buf, VERSION);
    buf_put_u8(buf, (uint8_t)entry->state);
    for (int i = 0; i < 6; i++)
        buf_put_u8(buf, 0);
    buf_add(buf, bytes_make(entry->identity, sizeof(entry->identity)));
    buf_put_u64(buf, entry->segment);
    buf_put_u64(buf, entry->position);
    buf_put_u64(buf, (uint64_t)entry->when.us);
    while (buf->len < CRC_AT)
        buf_put_u8(buf, 0);
    buf_put_u32(buf, crc32c(0, buf_bytes(buf)));
}

static enum err entry_decode(struct bytes raw, struct lock_entry *out_entry)
{
    struct reader reader = reader_make(raw);
    struct lock_entry entry = { 0 };
    uint8_t version, state;

    if (!bytes_starts_with(raw, BYTES("ROOSTLCK")))
        return ERR_CORRUPT;
    (void)reader_take(&reader, 8);
    version = reader_u8(&reader);
    state = reader_u8(&reader);
    (void)reader_take(&reader, 6);
    memcpy(entry.identity, reader_take(&reader, sizeof(entry.identity)).at, sizeof(entry.identity));
    entry.segment = reader_u64(&reader);
    entry.position = reader_u64(&reader);
    entry.when.us = (int64_t)reader_u64(&reader);
    (void)reader_take(&reader, CRC_AT - reader.offset);
    if (reader_u32(&reader) != crc32c(0, bytes_slice(raw, 0, CRC_AT)))
        return ERR_CORRUPT;
    if (version != VERSION)
        return ERR_UNSUPPORTED;
    if (state < LOCK_OPEN || state > LOCK_FAILED)
        return ERR_CORRUPT;
    entry.state = (enum lock_state)state;
    *out_entry = entry;
    return ERR_OK;
}

/* Something broken behind the last whole entry: another one was being written, perhaps the one that
 * takes the clean mark away. */
static enum err cut_broken_end(struct lockfile *lock, uint64_t size)
{
    lock->stands_clean = lock->entry.state == LOCK_CLEAN;
    if (size == lock->size)
        return ERR_OK;
    lockfile_distrust(lock);
    return lock->file->calls->truncate(lock->file, lock->size);
}

static enum err read_entries(struct lockfile *lock)
{
    uint64_t size;
    enum err err = lock->file->calls->size(lock->file, &size);

    for (uint64_t at = 0; err == ERR_OK && at + ENTRY_BYTES <= size; at += ENTRY_BYTES) {
        uint8_t raw[ENTRY_BYTES];

        err = vfs_read(lock->file, at, raw, sizeof(raw), 0);
        if (err == ERR_OK)
            err = entry_decode(bytes_make(raw, sizeof(raw)), &lock->entry);
        if (err == ERR_OK)
            lock->size = at + ENTRY_BYTES;
        if (err == ERR_CORRUPT)
            err = ERR_OK;
    }
    return err == ERR_OK ? cut_broken_end(lock, size) : err;
}

enum err lockfile_open(struct vfs *vfs, struct lockfile **out_lock)
{
    struct lockfile *lock = store_alloc(1, sizeof(*lock));
    enum err err = vfs->open(vfs, "lock", VFS_OPEN_READ | VFS_OPEN_WRITE, &lock->file);

    if (err == ERR_NOT_FOUND)
        err = vfs->open(vfs, "lock", VFS_OPEN_READ | VFS_OPEN_WRITE | VFS_OPEN_CREATE, &lock->file);
    if (err == ERR_OK)
        err = vfs->lock(vfs, lock->file);
    if (err == ERR_OK)
        err = vfs->identity(vfs, lock->identity);
    if (err == ERR_OK)
        err = read_entries(lock);
    if (err != ERR_OK) {
        lockfile_close(lock);
        return err;
    }
    *out_lock = lock;
    return ERR_OK;
}

void lockfile_close(struct lockfile *lock)
{
    if (lock == NULL)
        return;
    vfs_close(lock->file);
    free(lock);
}

const struct lock_entry *lockfile_entry(const struct lockfile *lock)
{
    return &lock->entry;
}

unsigned lockfile_difference(const struct lockfile *lock)
{
    const uint8_t *then = lock->entry.identity;
    const uint8_t *now = lock->identity;
    unsigned difference = 0;

    if (memcmp(then, now, 16) != 0 || memcmp(then + 32, now + 32, 8) != 0)
        difference |= LOCK_OTHER_PLACE;
    if (memcmp(then + 16, now + 16, 16) != 0)
        difference |= LOCK_OTHER_BOOT;
    return difference;
}

bool lockfile_stands_clean(const struct lockfile *lock)
{
    return lock->stands_clean;
}

void lockfile_distrust(struct lockfile *lock)
{
    if (lock->entry.state == LOCK_CLEAN)
        lock->entry.state = LOCK_OPEN;
}

struct lock_entry lockfile_present(const struct lockfile *lock, enum lock_state state,
                                   struct wall now)
{
    struct lock_entry entry = { .state = state, .when = now };

    memcpy(entry.identity, lock->identity, sizeof(entry.identity));
    return entry;
}

static void take_over(struct lockfile *lock, const struct lock_entry *entry)
{
    lock->entry = *entry;
    lock->stands_clean = entry->state == LOCK_CLEAN;
}

static enum err add(struct lockfile *lock, const struct lock_entry *entry, struct bytes raw)
{
    enum err err = vfs_append(lock->file, raw);

    if (err == ERR_OK)
        err = vfs_sync(lock->file);
    if (err != ERR_OK) {
        (void)lock->file->calls->truncate(lock->file, lock->size);
        return err;
    }
    lock->size += ENTRY_BYTES;
    take_over(lock, entry);
    return ERR_OK;
}

/* Writes over all entries but the last one, which counts meanwhile. */
static enum err put_before_last(struct lockfile *lock, struct bytes raw)
{
    uint64_t end = lock->size - ENTRY_BYTES;
    struct buf piece = buf_make(PIECE_BYTES);
    enum err err = ERR_OK;

    while (piece.len < PIECE_BYTES)
        buf_add(&piece, raw);
    for (uint64_t at = 0; err == ERR_OK && at < end; at += PIECE_BYTES) {
        size_t take = end - at < PIECE_BYTES ? (size_t)(end - at) : PIECE_BYTES;

        err = vfs_write(lock->file, at, bytes_slice(buf_bytes(&piece), 0, take));
    }
    buf_done(&piece);
    return err == ERR_OK ? vfs_sync(lock->file) : err;
}

/* All that stands before the last entry is the new one, on the disk, before what is behind the
 * first goes: at no moment, of a kill or a cut, is there none, nor does any other count. */
static enum err begin_anew(struct lockfile *lock, const struct lock_entry *entry, struct bytes raw)
{
    enum err err = put_before_last(lock, raw);

    if (err == ERR_OK)
        err = lock->file->calls->truncate(lock->file, ENTRY_BYTES);
    if (err != ERR_OK)
        return err;
    lock->size = ENTRY_BYTES;
    take_over(lock, entry);
    return vfs_sync(lock->file);
}

enum err lockfile_replace(struct lockfile *lock, const struct lock_entry *entry)
{
    struct buf raw = buf_make(ENTRY_BYTES);
    enum err err = lock->size == 0 ? ERR_NOT_FOUND : ERR_OK;

    entry_encode(&raw, entry);
    if (err == ERR_OK)
        err = vfs_write(lock->file, lock->size - ENTRY_BYTES, buf_bytes(&raw));
    buf_done(&raw);
    if (err == ERR_OK)
        take_over(lock, entry);
    return err;
}

/* A full disk has the room that the old entries have. */
enum err lockfile_write(struct lockfile *lock, const struct lock_entry *entry)
{
    struct buf raw = buf_make(ENTRY_BYTES);
    bool is_long = lock->size >= (uint64_t)ENTRIES_MAX * ENTRY_BYTES;
    enum err err = ERR_NO_SPACE;

    entry_encode(&raw, entry);
    assert(raw.len == ENTRY_BYTES);
    if (!is_long)
        err = add(lock, entry, buf_bytes(&raw));
    if (is_long || (err == ERR_NO_SPACE && lock->size > ENTRY_BYTES))
        err = begin_anew(lock, entry, buf_bytes(&raw));
    buf_done(&raw);
    return err;
}
