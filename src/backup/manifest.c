/* The manifest as text, and as a file. */
#include "backup/manifest.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc.h"
#include "base/num.h"
#include "store/alloc.h"
#include "sys/vfs.h"

#define HEAD BYTES("roost-backup 1")
#define HEAD_ANY BYTES("roost-backup ")
#define MANIFEST_NEW MANIFEST_PATH ".new"

enum { FIELDS_MAX = 5 };

/* A line, cut at its blanks. */
struct fields {
    struct bytes at[FIELDS_MAX];
    size_t count;
};

void manifest_done(struct manifest *manifest)
{
    free(manifest->entries);
    *manifest = (struct manifest){ .entries = NULL };
}

void manifest_add(struct manifest *manifest, const struct manifest_entry *entry)
{
    manifest->entries = store_grow(manifest->entries, manifest->count, &manifest->capacity,
                                   sizeof(*manifest->entries));
    manifest->entries[manifest->count++] = *entry;
}

static int in_order(const void *a, const void *b)
{
    uint64_t left = ((const struct manifest_entry *)a)->number;
    uint64_t right = ((const struct manifest_entry *)b)->number;

    return left < right ? -1 : left > right;
}

void manifest_sort(struct manifest *manifest)
{
    if (manifest->count > 0)
        qsort(manifest->entries, manifest->count, sizeof(*manifest->entries), in_order);
}

static int by_number(const void *key, const void *entry)
{
    uint64_t number = *(const uint64_t *)key;
    uint64_t other = ((const struct manifest_entry *)entry)->number;

    return number < other ? -1 : number > other;
}

const struct manifest_entry *manifest_find(const struct manifest *manifest, uint64_t number)
{
    if (manifest->count == 0)
        return NULL;
    return bsearch(&number, manifest->entries, manifest->count, sizeof(*manifest->entries),
                   by_number);
}

static void print_hex(struct buf *out, const uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        buf_add_format(out, "%02x", at[i]);
}

void manifest_print(const struct manifest *manifest, struct buf *out)
{
    buf_add_string(out, "roost-backup 1\naccount ");
    print_hex(out, manifest->account.raw, sizeof(manifest->account.raw));
    buf_add_format(out, "\ntime %" PRId64 "\n", manifest->when.us);
    for (size_t i = 0; i < manifest->count; i++) {
        const struct manifest_entry *entry = &manifest->entries[i];

        buf_add_format(out, "segment %016" PRIx64 " ", entry->number);
        print_hex(out, entry->id, sizeof(entry->id));
        buf_add_format(out, " %" PRIu64 " %08" PRIx32 "\n", entry->length, entry->sum);
    }
    buf_add_format(out, "end %08" PRIx32 "\n", crc32c(0, buf_bytes(out)));
}

/* The next line; false when no line break is left. */
static bool next_line(struct bytes *text, struct fields *out_fields)
{
    const uint8_t *end = text->len == 0 ? NULL : memchr(text->at, '\n', text->len);
    struct bytes line;

    if (end == NULL)
        return false;
    line = bytes_make(text->at, (size_t)(end - text->at));
    *text = bytes_from(*text, line.len + 1);
    out_fields->count = 0;
    while (out_fields->count < FIELDS_MAX) {
        const uint8_t *blank = line.len == 0 ? NULL : memchr(line.at, ' ', line.len);
        size_t len = blank == NULL ? line.len : (size_t)(blank - line.at);

        out_fields->at[out_fields->count++] = bytes_slice(line, 0, len);
        if (blank == NULL)
            return true;
        line = bytes_from(line, len + 1);
    }
    return true;
}

static bool is_line(const struct fields *fields, const char *word, size_t count)
{
    return fields->count == count && bytes_equal(fields->at[0], bytes_from_string(word));
}

static int hex_digit(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static bool parse_hex(struct bytes text, uint8_t *into, size_t len)
{
    if (text.len != 2 * len)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = hex_digit(text.at[2 * i]);
        int low = hex_digit(text.at[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        into[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* Big-endian, as people write numbers. */
static bool parse_hex_number(struct bytes text, size_t len, uint64_t *out_number)
{
    uint8_t raw[8];
    uint64_t number = 0;

    if (!parse_hex(text, raw, len))
        return false;
    for (size_t i = 0; i < len; i++)
        number = number << 8 | raw[i];
    *out_number = number;
    return true;
}

static bool parse_entry(const struct fields *fields, struct manifest *manifest)
{
    struct manifest_entry entry;
    uint64_t sum;

    if (!is_line(fields, "segment", 5) || !parse_hex_number(fields->at[1], 8, &entry.number) ||
        !parse_hex(fields->at[2], entry.id, sizeof(entry.id)) ||
        !num_parse(fields->at[3], INT64_MAX, &entry.length) ||
        !parse_hex_number(fields->at[4], 4, &sum))
        return false;
    if (manifest->count > 0 && manifest->entries[manifest->count - 1].number >= entry.number)
        return false;
    entry.sum = (uint32_t)sum;
    manifest_add(manifest, &entry);
    return true;
}

static bool parse_lines(struct bytes text, struct manifest *manifest)
{
    struct bytes rest = text;
    struct fields fields;
    uint64_t number;

    if (!next_line(&rest, &fields) || !next_line(&rest, &fields) ||
        !is_line(&fields, "account", 2) ||
        !parse_hex(fields.at[1], manifest->account.raw, sizeof(manifest->account.raw)))
        return false;
    if (!next_line(&rest, &fields) || !is_line(&fields, "time", 2) ||
        !num_parse(fields.at[1], INT64_MAX, &number))
        return false;
    manifest->when.us = (int64_t)number;
    for (;;) {
        size_t before = text.len - rest.len;

        if (!next_line(&rest, &fields))
            return false;
        if (is_line(&fields, "end", 2))
            return rest.len == 0 && parse_hex_number(fields.at[1], 4, &number) &&
                   number == crc32c(0, bytes_slice(text, 0, before));
        if (!parse_entry(&fields, manifest))
            return false;
    }
}

enum err manifest_parse(struct bytes text, struct manifest *out_manifest)
{
    struct manifest manifest = { .entries = NULL };

    if (!bytes_starts_with(text, HEAD) || (text.len > HEAD.len && text.at[HEAD.len] != '\n'))
        return bytes_starts_with(text, HEAD_ANY) ? ERR_UNSUPPORTED : ERR_CORRUPT;
    if (!parse_lines(text, &manifest)) {
        manifest_done(&manifest);
        return ERR_CORRUPT;
    }
    *out_manifest = manifest;
    return ERR_OK;
}

enum err manifest_load(struct vfs *copy, struct manifest *out_manifest)
{
    struct buf text = buf_make(MANIFEST_BYTES_MAX);
    struct vfs_file *file;
    uint64_t size = 0;
    enum err err = copy->open(copy, MANIFEST_PATH, VFS_OPEN_READ, &file);

    if (err != ERR_OK)
        return err;
    err = file->calls->size(file, &size);
    if (err == ERR_OK && (size == 0 || buf_reserve(&text, (size_t)size) == NULL))
        err = ERR_CORRUPT;
    if (err == ERR_OK)
        err = vfs_read(file, 0, buf_reserve(&text, (size_t)size), (size_t)size, 0);
    vfs_close(file);
    if (err == ERR_OK) {
        buf_commit(&text, (size_t)size);
        err = manifest_parse(buf_bytes(&text), out_manifest);
    }
    buf_done(&text);
    return err;
}

enum err manifest_store(struct vfs *copy, const struct manifest *manifest)
{
    struct buf text = buf_make(MANIFEST_BYTES_MAX);
    struct vfs_file *file;
    enum err err = copy->open(copy, MANIFEST_NEW, VFS_OPEN_WRITE | VFS_OPEN_CREATE, &file);

    if (err != ERR_OK)
        return err;
    manifest_print(manifest, &text);
    err = text.overflowed ? ERR_LIMIT : file->calls->truncate(file, 0);
    if (err == ERR_OK)
        err = vfs_append(file, buf_bytes(&text));
    if (err == ERR_OK)
        err = vfs_sync(file);
    vfs_close(file);
    buf_done(&text);
    if (err == ERR_OK)
        err = copy->rename(copy, MANIFEST_NEW, MANIFEST_PATH);
    return err == ERR_OK ? copy->sync_dir(copy, "") : err;
}
