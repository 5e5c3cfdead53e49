/* Two files: `summary` holds the summaries, `summary.index` says where each one is. */
#include "store/summary_file.h"

#include <assert.h>
#include <string.h>

#include "message/parser.h"
#include "message/summary.h"
#include "store/alloc.h"
#include "store/body_table.h"
#include "store/summary_index.h"
#include "sys/vfs.h"

enum {
    SUMMARY_REWRITE_BYTES = 1024 * 1024, /* smaller files are never written anew */
    SUMMARY_INDEX_AT_ONCE = 2048, /* entries of an index that is read when the account is opened */
    ENTRY_BYTES_MAX = SUMMARY_ENTRY_BYTES + (1 << 25), /* lengths are below that */
    GAP_BYTES = 16 * 1024, /* between two entries that count as one behind the other */
};

static const char data_path[] = "summary";
static const char data_old_path[] = "summary.old";
static const char index_old_path[] = "summary.index.old";
static const char data_new_path[] = "summary.new";

struct waiting {
    uint64_t body;
    uint64_t position;
    struct bytes encoded; /* owned */
    struct buf raw; /* owned: the message, as long as the summary is to be made of it */
};

struct summary_file {
    struct vfs *vfs; /* borrowed */
    struct account_id account;
    bool broken; /* nothing can be kept */
    struct vfs_file *data; /* both open, or both NULL: they are opened when needed */
    struct vfs_file *index;
    uint64_t end; /* of `summary` */
    struct summary_index known;
    bool lacks_index; /* known: only what was written since it was opened */
    struct waiting *waiting; /* by position */
    size_t waiting_first; /* those before it are written */
    size_t waiting_count;
    size_t waiting_capacity;
    size_t waiting_bytes;
    size_t made; /* `waiting` before it has summaries */
    struct buf window; /* a piece of `summary` as it was read: entries are checked when asked for */
    uint64_t window_from; /* where it begins */
    uint64_t next; /* end of the entry that was asked for last */
    size_t near; /* its place in `known` */
};

static void forget_window(struct summary_file *file)
{
    buf_clear(&file->window);
    buf_trim(&file->window);
}

static void close_files(struct summary_file *file)
{
    vfs_close(file->data);
    vfs_close(file->index);
    file->data = NULL;
    file->index = NULL;
}

/* Nothing is known any more, and there is nothing else to know. */
static void forget_all(struct summary_file *file)
{
    summary_index_done(&file->known);
    forget_window(file);
    file->lacks_index = false;
}

static void give_up(struct summary_file *file)
{
    close_files(file);
    forget_all(file);
    file->broken = true;
}

static bool begin_anew(struct vfs_file *opened, struct bytes head)
{
    return opened->calls->truncate(opened, 0) == ERR_OK && vfs_append(opened, head) == ERR_OK;
}

/* Opens one file; one that does not begin as it should is begun anew. */
static struct vfs_file *open_one(struct summary_file *file, const char *path, uint64_t *out_size)
{
    uint8_t want[SUMMARY_HEAD_BYTES];
    uint8_t have[SUMMARY_HEAD_BYTES];
    struct bytes head = summary_head_encode(&file->account, want);
    struct vfs_file *opened;

    if (file->vfs->open(file->vfs, path, VFS_OPEN_WRITE | VFS_OPEN_CREATE, &opened) != ERR_OK)
        return NULL;
    if (opened->calls->size(opened, out_size) == ERR_OK && *out_size >= head.len &&
        vfs_read(opened, 0, have, head.len, 0) == ERR_OK && memcmp(have, want, head.len) == 0)
        return opened;
    *out_size = head.len;
    if (begin_anew(opened, head))
        return opened;
    vfs_close(opened);
    return NULL;
}

/* Opens both; *out_size is that of the index. */
static bool open_both(struct summary_file *file, uint64_t *out_size)
{
    file->data = open_one(file, data_path, &file->end);
    file->index = open_one(file, summary_index_path, out_size);
    if (file->data != NULL && file->index != NULL)
        return true;
    give_up(file);
    return false;
}

static struct vfs_file *open_again(struct summary_file *file, const char *path)
{
    struct vfs_file *opened;

    return file->vfs->open(file->vfs, path, VFS_OPEN_WRITE | VFS_OPEN_CREATE, &opened) == ERR_OK
               ? opened
               : NULL;
}

/* True when the files can be used. They are opened again without being read, which could wait for
 * the disk; when `summary` has not the size that it should have, both are begun anew. */
static bool ready(struct summary_file *file)
{
    uint8_t space[SUMMARY_HEAD_BYTES];
    struct bytes head = summary_head_encode(&file->account, space);
    uint64_t end = 0;

    if (file->broken || file->data != NULL)
        return !file->broken;
    file->data = open_again(file, data_path);
    file->index = open_again(file, summary_index_path);
    if (file->data != NULL && file->index != NULL &&
        file->data->calls->size(file->data, &end) == ERR_OK && end == file->end)
        return true;
    forget_all(file);
    file->end = head.len;
    if (file->data != NULL && file->index != NULL && begin_anew(file->data, head) &&
        begin_anew(file->index, head))
        return true;
    give_up(file);
    return false;
}

void summary_file_trim(struct summary_file *file)
{
    close_files(file);
    forget_window(file);
}

/* The window becomes `len` bytes from `from` on. */
static enum err read_window(struct summary_file *file, uint64_t from, size_t len, unsigned flags)
{
    uint8_t *at;
    enum err err;

    if (!ready(file)) /* it may forget all, the window too */
        return ERR_NOT_FOUND;
    buf_clear(&file->window);
    if (file->window.capacity > SUMMARY_AHEAD_BYTES)
        buf_trim(&file->window); /* a long summary has passed */
    at = buf_reserve(&file->window, len);
    if (at == NULL)
        return ERR_NOT_FOUND;
    err = vfs_read(file->data, from, at, len, flags);
    if (err != ERR_OK)
        return err;
    buf_commit(&file->window, len);
    file->window_from = from;
    return ERR_OK;
}

static bool is_in_window(const struct summary_file *file, const struct summary_entry *entry)
{
    uint64_t len = SUMMARY_ENTRY_BYTES + (uint64_t)entry->length;

    return entry->offset >= file->window_from &&
           entry->offset - file->window_from <= file->window.len &&
           file->window.len - (entry->offset - file->window_from) >= len;
}

/* Reads the entry and, where it is the next one, what is behind it. */
static enum err bring(struct summary_file *file, const struct summary_entry *entry, unsigned flags)
{
    size_t len = SUMMARY_ENTRY_BYTES + (size_t)entry->length;
    bool is_next = entry->offset >= file->next && entry->offset - file->next < GAP_BYTES;
    uint64_t there = file->end > entry->offset ? file->end - entry->offset : 0;
    size_t ahead = there < SUMMARY_AHEAD_BYTES ? (size_t)there : SUMMARY_AHEAD_BYTES;
    enum err err = ERR_BUSY;

    if (is_in_window(file, entry))
        return ERR_OK;
    if (is_next && ahead > len)
        err = read_window(file, entry->offset, ahead, flags);
    return err == ERR_BUSY ? read_window(file, entry->offset, len, flags) : err;
}

/* Reads and checks an entry with its summary. */
static enum err read_entry(struct summary_file *file, const struct summary_entry *entry,
                           unsigned flags, struct bytes *out_encoded)
{
    struct summary_entry found;
    struct bytes encoded = { 0 };
    const uint8_t *raw = NULL;
    enum err err = bring(file, entry, flags);

    if (err == ERR_BUSY)
        return err;
    if (err == ERR_OK) {
        raw = buf_bytes(&file->window).at + (entry->offset - file->window_from);
        encoded = bytes_make(raw + SUMMARY_ENTRY_BYTES, entry->length);
        file->next = entry->offset + SUMMARY_ENTRY_BYTES + entry->length;
    }
    if (err != ERR_OK || !summary_entry_decode(raw, encoded, &found) || found.body != entry->body ||
        found.length != entry->length) {
        close_files(file); /* perhaps they were cut or replaced: `ready` looks */
        forget_window(file);
        return ERR_NOT_FOUND;
    }
    *out_encoded = encoded;
    return ERR_OK;
}

/* Entries that are written together: one write for all of them, and one for the index. */
struct batch {
    struct buf data;
    struct buf index;
    struct summary_entry entries[SUMMARY_FLUSH_ENTRIES];
    size_t count;
};

static struct batch batch_make(void)
{
    return (struct batch){ .data = buf_make(SUMMARY_FLUSH_BYTES + ENTRY_BYTES_MAX),
                           .index = buf_make(SUMMARY_FLUSH_ENTRIES * SUMMARY_ENTRY_BYTES) };
}

static bool batch_is_full(const struct batch *batch)
{
    return batch->count == SUMMARY_FLUSH_ENTRIES || batch->data.len >= SUMMARY_FLUSH_BYTES;
}

static void batch_add(struct summary_file *file, struct batch *batch, uint64_t body,
                      struct bytes encoded)
{
    struct summary_entry entry = { .body = body, .length = (uint32_t)encoded.len };
    uint8_t raw[SUMMARY_ENTRY_BYTES];

    entry.offset = file->end + batch->data.len;
    if (!summary_index_fits(&entry))
        return;
    summary_entry_encode(&entry, encoded, raw);
    buf_add(&batch->data, bytes_make(raw, sizeof(raw)));
    buf_add(&batch->data, encoded);
    summary_entry_encode(&entry, BYTES(""), raw);
    buf_add(&batch->index, bytes_make(raw, sizeof(raw)));
    batch->entries[batch->count++] = entry;
}

/* Writes it; it is empty afterwards. */
static void batch_write(struct summary_file *file, struct batch *batch)
{
    enum err err = vfs_append(file->data, buf_bytes(&batch->data));

    if (err == ERR_OK)
        err = vfs_append(file->index, buf_bytes(&batch->index));
    if (err == ERR_OK)
        file->end += batch->data.len;
    else
        give_up(file);
    for (size_t i = 0; err == ERR_OK && i < batch->count; i++)
        summary_index_add(&file->known, &batch->entries[i]);
    batch->count = 0;
    buf_clear(&batch->data);
    buf_clear(&batch->index);
}

static void batch_done(struct batch *batch)
{
    buf_done(&batch->data);
    buf_done(&batch->index);
}

/* Copies what lives into new files, which take the place of the old ones. The index goes first, so
 * that at no moment an index speaks of the wrong file: without one all is made anew. */
static void rewrite(struct summary_file *file)
{
    struct summary_file fresh = { .vfs = file->vfs,
                                  .account = file->account,
                                  .window = buf_make(ENTRY_BYTES_MAX) };
    struct batch batch = batch_make();
    struct bytes encoded;
    uint64_t size;

    (void)file->vfs->unlink(file->vfs, summary_index_path);
    (void)file->vfs->unlink(file->vfs, data_new_path);
    fresh.data = open_one(&fresh, data_new_path, &fresh.end);
    fresh.index = open_one(&fresh, summary_index_path, &size);
    if (fresh.data == NULL || fresh.index == NULL)
        give_up(&fresh);
    for (uint64_t i = 0; !fresh.broken && i < file->known.count; i++) {
        uint64_t body = file->known.slots[i].body;
        struct summary_entry entry;

        if (summary_index_find(&file->known, body, &entry) &&
            read_entry(file, &entry, 0, &encoded) == ERR_OK)
            batch_add(&fresh, &batch, body, encoded);
        if (batch_is_full(&batch))
            batch_write(&fresh, &batch);
    }
    if (!fresh.broken)
        batch_write(&fresh, &batch);
    batch_done(&batch);
    if (!fresh.broken && file->vfs->rename(file->vfs, data_new_path, data_path) != ERR_OK)
        give_up(&fresh);
    close_files(file);
    forget_all(file);
    *file = fresh;
}

/* Reads the index, and writes both files anew when most of it is of bodies that are gone. */
static void load_now(struct summary_file *file, const struct body_table *bodies)
{
    struct summary_index index = summary_index_read(file->vfs, &file->account);

    summary_file_adopt(file, &index);
    summary_index_purge_begin(&file->known);
    while (summary_index_purge(&file->known, bodies))
        continue;
    if (file->end > SUMMARY_REWRITE_BYTES && summary_index_bytes(&file->known) < file->end / 2)
        rewrite(file);
}

struct summary_file *summary_file_open(struct vfs *vfs, const struct account_id *account,
                                       const struct body_table *bodies)
{
    struct summary_file *file = store_alloc(1, sizeof(*file));
    uint64_t index_size = 0;
    uint64_t count;

    file->vfs = vfs;
    file->account = *account;
    file->window = buf_make(ENTRY_BYTES_MAX);
    if (!open_both(file, &index_size))
        return file;
    if ((index_size - SUMMARY_HEAD_BYTES) % SUMMARY_ENTRY_BYTES != 0 &&
        file->index->calls->truncate(file->index, index_size - (index_size - SUMMARY_HEAD_BYTES) %
                                                                   SUMMARY_ENTRY_BYTES) != ERR_OK) {
        give_up(file);
        return file;
    }
    count = (index_size - SUMMARY_HEAD_BYTES) / SUMMARY_ENTRY_BYTES;
    file->lacks_index = true;
    if (count <= SUMMARY_INDEX_AT_ONCE || count / 2 > bodies->count)
        load_now(file, bodies);
    close_files(file);
    return file;
}

void summary_file_close(struct summary_file *file)
{
    if (file == NULL)
        return;
    close_files(file);
    forget_window(file);
    for (size_t i = file->waiting_first; i < file->waiting_count; i++) {
        free((void *)(uintptr_t)file->waiting[i].encoded.at);
        buf_done(&file->waiting[i].raw);
    }
    free(file->waiting);
    summary_index_done(&file->known);
    free(file);
}

static void wait(struct summary_file *file, const struct waiting *waiting)
{
    file->waiting = store_grow(file->waiting, file->waiting_count, &file->waiting_capacity,
                               sizeof(*file->waiting));
    file->waiting[file->waiting_count++] = *waiting;
    file->waiting_bytes += waiting->encoded.len + waiting->raw.len;
}

static struct bytes copy_of(struct bytes encoded)
{
    uint8_t *copy = store_alloc(1, encoded.len);

    memcpy(copy, encoded.at, encoded.len);
    return bytes_make(copy, encoded.len);
}

void summary_file_put(struct summary_file *file, struct body_id body, struct bytes encoded,
                      uint64_t position)
{
    if (encoded.len > 0)
        wait(file, &(struct waiting){ body.value, position, copy_of(encoded), buf_make(0) });
}

void summary_file_put_message(struct summary_file *file, struct body_id body, struct buf *raw,
                              uint64_t position)
{
    wait(file, &(struct waiting){ body.value, position, bytes_make(NULL, 0), *raw });
    *raw = buf_make(raw->max);
}

/* Of a message that is out of all bounds there is none. */
static void make(struct summary_file *file, struct waiting *waiting)
{
    struct arena arena = arena_make(MESSAGE_ARENA_BUDGET);
    struct buf encoded = buf_make(SUMMARY_BYTES_MAX);

    if (waiting->raw.at == NULL)
        return;
    summary_encode(message_parse(&arena, buf_bytes(&waiting->raw)), &encoded);
    if (!encoded.overflowed)
        waiting->encoded = copy_of(buf_bytes(&encoded));
    file->waiting_bytes += waiting->encoded.len;
    file->waiting_bytes -= waiting->raw.len;
    buf_done(&waiting->raw);
    buf_done(&encoded);
    arena_done(&arena);
}

bool summary_file_make(struct summary_file *file)
{
    size_t bytes = 0;

    if (file->made < file->waiting_first)
        file->made = file->waiting_first;
    for (; file->made < file->waiting_count && bytes < SUMMARY_MAKE_BYTES; file->made++) {
        bytes += file->waiting[file->made].raw.len;
        make(file, &file->waiting[file->made]);
    }
    return file->made < file->waiting_count;
}

/* Forgets the places of those that are written, now and then. */
static void close_up(struct summary_file *file)
{
    size_t left = file->waiting_count - file->waiting_first;

    if (file->waiting_first < left)
        return;
    if (left > 0)
        memmove(file->waiting, file->waiting + file->waiting_first, left * sizeof(*file->waiting));
    file->made -= file->made < file->waiting_first ? file->made : file->waiting_first;
    file->waiting_first = 0;
    file->waiting_count = left;
}

/* Its bytes are in the batch, or nowhere. */
static void drop_first_waiting(struct summary_file *file)
{
    const struct waiting *waiting = &file->waiting[file->waiting_first++];

    file->waiting_bytes -= waiting->encoded.len;
    free((void *)(uintptr_t)waiting->encoded.at);
}

static bool may_write(const struct summary_file *file, uint64_t durable)
{
    return file->waiting_first < file->waiting_count &&
           file->waiting[file->waiting_first].position <= durable;
}

bool summary_file_flush(struct summary_file *file, uint64_t durable)
{
    struct batch batch;
    bool is_ready;

    if (!may_write(file, durable))
        return false;
    batch = batch_make();
    is_ready = ready(file);
    for (size_t i = 0; may_write(file, durable) && i < SUMMARY_FLUSH_ENTRIES; i++) {
        struct waiting *waiting = &file->waiting[file->waiting_first];

        if (batch_is_full(&batch))
            break;
        make(file, waiting);
        if (is_ready && waiting->encoded.len > 0)
            batch_add(file, &batch, waiting->body, waiting->encoded);
        drop_first_waiting(file);
    }
    if (batch.count > 0)
        batch_write(file, &batch);
    batch_done(&batch);
    close_up(file);
    return may_write(file, durable);
}

size_t summary_file_waiting(const struct summary_file *file)
{
    return file->waiting_bytes;
}

enum err summary_file_get(struct summary_file *file, struct body_id body, unsigned flags,
                          struct bytes *out_encoded)
{
    struct summary_entry entry;

    for (size_t i = file->waiting_count; i > file->waiting_first; i--) {
        if (file->waiting[i - 1].body != body.value)
            continue;
        make(file, &file->waiting[i - 1]);
        *out_encoded = file->waiting[i - 1].encoded;
        return out_encoded->len > 0 ? ERR_OK : ERR_NOT_FOUND;
    }
    if (!summary_index_find_near(&file->known, body.value, &file->near, &entry))
        return ERR_NOT_FOUND;
    return read_entry(file, &entry, flags, out_encoded);
}

bool summary_file_lacks_index(const struct summary_file *file, struct body_id body)
{
    struct summary_entry entry;

    if (!file->lacks_index || summary_index_find(&file->known, body.value, &entry))
        return false;
    for (size_t i = file->waiting_first; i < file->waiting_count; i++)
        if (file->waiting[i].body == body.value)
            return false;
    return true;
}

void summary_file_adopt(struct summary_file *file, struct summary_index *index)
{
    if (file->lacks_index)
        summary_index_merge(&file->known, index);
    else
        summary_index_done(index);
    file->lacks_index = false;
}

void summary_file_purge_begin(struct summary_file *file)
{
    summary_index_purge_begin(&file->known);
}

bool summary_file_purge(struct summary_file *file, const struct body_table *bodies)
{
    return summary_index_purge(&file->known, bodies);
}

void summary_file_set_aside(struct vfs *vfs)
{
    enum err ignored = vfs->rename(vfs, summary_index_path, index_old_path);

    ignored = vfs->rename(vfs, data_path, data_old_path);
    (void)ignored;
}

void summary_file_remove(struct vfs *vfs)
{
    enum err ignored = vfs->unlink(vfs, index_old_path);

    ignored = vfs->unlink(vfs, data_old_path);
    (void)ignored;
}

bool summary_file_place(const struct summary_file *file, struct body_id body,
                        struct summary_place *out_place)
{
    struct summary_entry entry;
    uint64_t length;
    uint64_t there;

    if (!summary_index_find(&file->known, body.value, &entry))
        return false;
    length = SUMMARY_ENTRY_BYTES + (uint64_t)entry.length;
    there = file->end > entry.offset ? file->end - entry.offset : 0;
    if (length < there)
        length = there < SUMMARY_WARM_BYTES ? there : SUMMARY_WARM_BYTES;
    *out_place = (struct summary_place){ entry.offset, (uint32_t)length };
    return true;
}

void summary_file_warm(struct vfs *vfs, struct summary_place place)
{
    uint8_t *space = store_alloc(1, place.length);
    struct vfs_file *file;

    if (vfs->open(vfs, data_path, VFS_OPEN_READ, &file) == ERR_OK) {
        enum err ignored = vfs_read(file, place.offset, space, place.length, 0);

        (void)ignored;
        vfs_close(file);
    }
    free(space);
}

/* One entry of the index, with what it names. */
static bool check_entry(struct vfs_file *data, const uint8_t raw[SUMMARY_ENTRY_BYTES])
{
    struct summary_entry entry;
    struct summary_entry found;
    uint8_t *both;
    size_t len;
    bool holds;

    if (!summary_entry_decode(raw, BYTES(""), &entry) || entry.length > SUMMARY_BYTES_MAX)
        return false;
    len = SUMMARY_ENTRY_BYTES + (size_t)entry.length;
    both = store_alloc(1, len);
    holds =
        vfs_read(data, entry.offset, both, len, 0) == ERR_OK &&
        summary_entry_decode(both, bytes_make(both + SUMMARY_ENTRY_BYTES, entry.length), &found) &&
        found.body == entry.body && found.length == entry.length;
    free(both);
    return holds;
}

static bool check_head(struct vfs_file *file, const struct account_id *account)
{
    uint8_t want[SUMMARY_HEAD_BYTES];
    uint8_t have[SUMMARY_HEAD_BYTES];

    (void)summary_head_encode(account, want);
    return vfs_read(file, 0, have, sizeof(have), 0) == ERR_OK &&
           memcmp(have, want, sizeof(have)) == 0;
}

static bool check_files(struct vfs_file *data, struct vfs_file *index,
                        const struct account_id *account, struct summary_check *check)
{
    uint8_t raw[SUMMARY_ENTRY_BYTES];
    uint64_t size;
    bool holds = check_head(data, account) && check_head(index, account) &&
                 index->calls->size(index, &size) == ERR_OK;

    if (check->at < SUMMARY_HEAD_BYTES)
        check->at = SUMMARY_HEAD_BYTES;
    for (int i = 0; holds && i < SUMMARY_CHECK_ENTRIES; i++) {
        check->done = size < check->at || size - check->at < sizeof(raw);
        if (check->done)
            break;
        holds = vfs_read(index, check->at, raw, sizeof(raw), 0) == ERR_OK && check_entry(data, raw);
        check->at += sizeof(raw);
    }
    return holds;
}

void summary_file_check(struct vfs *vfs, const struct account_id *account,
                        struct summary_check *check)
{
    struct vfs_file *data = NULL;
    struct vfs_file *index = NULL;
    bool has_data = vfs->open(vfs, data_path, VFS_OPEN_READ, &data) == ERR_OK;
    bool has_index = vfs->open(vfs, summary_index_path, VFS_OPEN_READ, &index) == ERR_OK;

    check->is_there = has_data || has_index;
    check->holds = has_data && has_index && check_files(data, index, account, check);
    check->done = check->done || !check->holds;
    if (has_data)
        vfs_close(data);
    if (has_index)
        vfs_close(index);
}
