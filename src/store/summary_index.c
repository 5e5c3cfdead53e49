/* A sorted array: bodies are summarised in the order of their ids, nearly. */
#include "store/summary_index.h"

#include <assert.h>
#include <string.h>

#include "base/crc.h"
#include "base/num.h"
#include "message/summary.h"
#include "store/alloc.h"
#include "store/body_table.h"
#include "sys/vfs.h"

enum {
    LENGTH_BITS = 25,
    PURGE_ENTRIES = 8192, /* in one step */
    READ_ENTRIES = 4096, /* at once */
    NEAR_SLOTS = 16, /* looked at one by one */
};

#define OFFSET_MAX ((UINT64_C(1) << (64 - LENGTH_BITS)) - 1)

static_assert(SUMMARY_BYTES_MAX < 1 << LENGTH_BITS, "lengths fit");

void summary_index_done(struct summary_index *index)
{
    free(index->slots);
    *index = (struct summary_index){ 0 };
}

bool summary_index_fits(const struct summary_entry *entry)
{
    return entry->offset > 0 && entry->offset <= OFFSET_MAX && entry->length < 1u << LENGTH_BITS;
}

static struct summary_slot slot_of(const struct summary_entry *entry)
{
    return (struct summary_slot){ entry->body, entry->offset << LENGTH_BITS | entry->length };
}

static struct summary_entry entry_of(const struct summary_slot *slot)
{
    return (struct summary_entry){
        .body = slot->body,
        .offset = slot->place >> LENGTH_BITS,
        .length = (uint32_t)(slot->place & ((1u << LENGTH_BITS) - 1)),
    };
}

static size_t lower_bound(const struct summary_index *index, uint64_t body)
{
    size_t low = 0;
    size_t high = index->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (index->slots[middle].body < body)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool found_at(const struct summary_index *index, size_t at, uint64_t body,
                     struct summary_entry *out_entry)
{
    if (at == index->count || index->slots[at].body != body || index->slots[at].place == 0)
        return false;
    *out_entry = entry_of(&index->slots[at]);
    return true;
}

bool summary_index_find(const struct summary_index *index, uint64_t body,
                        struct summary_entry *out_entry)
{
    return found_at(index, lower_bound(index, body), body, out_entry);
}

bool summary_index_find_near(const struct summary_index *index, uint64_t body, size_t *near,
                             struct summary_entry *out_entry)
{
    size_t at = *near < index->count && index->slots[*near].body <= body ? *near : index->count;
    size_t end = index->count - at < NEAR_SLOTS ? index->count : at + NEAR_SLOTS;

    while (at < end && index->slots[at].body < body)
        at++;
    if (at == end)
        at = lower_bound(index, body);
    *near = at;
    return found_at(index, at, body, out_entry);
}

/* By an eighth: half of a large one unused would be dear. */
static void reserve(struct summary_index *index, size_t count)
{
    if (count <= index->capacity)
        return;
    index->capacity = count + count / 8 + 8;
    index->slots = store_realloc(index->slots, index->capacity, sizeof(*index->slots));
}

void summary_index_add(struct summary_index *index, const struct summary_entry *entry)
{
    size_t at = lower_bound(index, entry->body);

    assert(summary_index_fits(entry));
    if (at < index->count && index->slots[at].body == entry->body) {
        index->forgotten -= index->slots[at].place == 0;
        index->slots[at] = slot_of(entry);
        return;
    }
    reserve(index, index->count + 1);
    memmove(index->slots + at + 1, index->slots + at, (index->count - at) * sizeof(*index->slots));
    index->slots[at] = slot_of(entry);
    index->count++;
}

void summary_index_merge(struct summary_index *index, struct summary_index *older)
{
    struct summary_index both = { .purging = index->purging };
    size_t i = 0;
    size_t j = 0;

    reserve(&both, index->count + older->count);
    while (i < index->count || j < older->count) {
        bool is_newer =
            j == older->count || (i < index->count && index->slots[i].body <= older->slots[j].body);

        if (is_newer && j < older->count && index->slots[i].body == older->slots[j].body)
            j++;
        both.slots[both.count++] = is_newer ? index->slots[i++] : older->slots[j++];
    }
    both.forgotten = index->forgotten + older->forgotten;
    summary_index_done(index);
    summary_index_done(older);
    *index = both;
}

void summary_index_purge_begin(struct summary_index *index)
{
    index->purging = true;
    index->purged = 0;
}

/* Closes the gaps when they are many: until then a forgotten entry keeps its place. */
static void close_gaps(struct summary_index *index)
{
    size_t kept = 0;

    if (index->forgotten <= index->count / 4)
        return;
    for (size_t i = 0; i < index->count; i++)
        if (index->slots[i].place != 0)
            index->slots[kept++] = index->slots[i];
    index->count = kept;
    index->forgotten = 0;
}

bool summary_index_purge(struct summary_index *index, const struct body_table *bodies)
{
    size_t end =
        index->count - index->purged < PURGE_ENTRIES ? index->count : index->purged + PURGE_ENTRIES;

    if (!index->purging)
        return false;
    for (; index->purged < end; index->purged++) {
        struct summary_slot *slot = &index->slots[index->purged];
        struct body_entry body;

        if (slot->place == 0 || body_table_find(bodies, (struct body_id){ slot->body }, &body))
            continue;
        slot->place = 0;
        index->forgotten++;
    }
    if (index->purged < index->count)
        return true;
    index->purging = false;
    close_gaps(index);
    return false;
}

uint64_t summary_index_bytes(const struct summary_index *index)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < index->count; i++)
        if (index->slots[i].place != 0)
            bytes += SUMMARY_ENTRY_BYTES + entry_of(&index->slots[i]).length;
    return bytes;
}

struct bytes summary_head_encode(const struct account_id *account, uint8_t head[SUMMARY_HEAD_BYTES])
{
    memcpy(head, "ROOSTSUM", 8);
    num_store_u32(head + 8, SUMMARY_VERSION);
    num_store_u32(head + 12, 0);
    memcpy(head + 16, account->raw, 16);
    return bytes_make(head, SUMMARY_HEAD_BYTES);
}

static uint32_t entry_crc(const uint8_t raw[SUMMARY_ENTRY_BYTES], struct bytes data)
{
    return crc32c(crc32c(0, bytes_make(raw, SUMMARY_ENTRY_BYTES - 4)), data);
}

void summary_entry_encode(const struct summary_entry *entry, struct bytes data,
                          uint8_t raw[SUMMARY_ENTRY_BYTES])
{
    num_store_u64(raw, entry->body);
    num_store_u64(raw + 8, entry->offset);
    num_store_u32(raw + 16, entry->length);
    num_store_u32(raw + 20, entry_crc(raw, data));
}

bool summary_entry_decode(const uint8_t raw[SUMMARY_ENTRY_BYTES], struct bytes data,
                          struct summary_entry *out_entry)
{
    if (num_load_u32(raw + 20) != entry_crc(raw, data))
        return false;
    *out_entry =
        (struct summary_entry){ num_load_u64(raw), num_load_u64(raw + 8), num_load_u32(raw + 16) };
    return true;
}

static int by_body(const void *a, const void *b)
{
    const struct summary_slot *left = a;
    const struct summary_slot *right = b;

    if (left->body != right->body)
        return left->body < right->body ? -1 : 1;
    return (left->place > right->place) - (left->place < right->place);
}

static bool is_sorted(const struct summary_index *index)
{
    for (size_t i = 1; i < index->count; i++)
        if (by_body(&index->slots[i - 1], &index->slots[i]) > 0)
            return false;
    return true;
}

/* Sorts what was read in the order of the file; of several entries of a body the last one counts,
 * which stands behind the others in `summary`. */
static void settle(struct summary_index *index)
{
    size_t kept = 0;

    if (!is_sorted(index))
        qsort(index->slots, index->count, sizeof(*index->slots), by_body);
    for (size_t i = 0; i < index->count; i++) {
        if (kept > 0 && index->slots[kept - 1].body == index->slots[i].body)
            kept--;
        index->slots[kept++] = index->slots[i];
    }
    index->count = kept;
}

static void read_entries(struct vfs_file *file, uint64_t size, struct summary_index *index)
{
    uint8_t *raw = store_alloc(READ_ENTRIES, SUMMARY_ENTRY_BYTES);
    uint64_t left = (size - SUMMARY_HEAD_BYTES) / SUMMARY_ENTRY_BYTES;
    uint64_t at = SUMMARY_HEAD_BYTES;

    while (left > 0) {
        size_t count = left < READ_ENTRIES ? (size_t)left : READ_ENTRIES;

        if (vfs_read(file, at, raw, count * SUMMARY_ENTRY_BYTES, 0) != ERR_OK)
            break;
        reserve(index, index->count + count);
        for (size_t i = 0; i < count; i++) {
            struct summary_entry entry;

            if (summary_entry_decode(raw + i * SUMMARY_ENTRY_BYTES, BYTES(""), &entry) &&
                summary_index_fits(&entry))
                index->slots[index->count++] = slot_of(&entry);
        }
        left -= count;
        at += count * SUMMARY_ENTRY_BYTES;
    }
    free(raw);
}

struct summary_index summary_index_read(struct vfs *vfs, const struct account_id *account)
{
    struct summary_index index = { 0 };
    uint8_t want[SUMMARY_HEAD_BYTES];
    uint8_t have[SUMMARY_HEAD_BYTES];
    struct bytes head = summary_head_encode(account, want);
    struct vfs_file *file;
    uint64_t size;

    if (vfs->open(vfs, summary_index_path, VFS_OPEN_READ, &file) != ERR_OK)
        return index;
    if (file->calls->size(file, &size) == ERR_OK && size >= head.len &&
        vfs_read(file, 0, have, head.len, 0) == ERR_OK && memcmp(have, want, head.len) == 0)
        read_entries(file, size, &index);
    vfs_close(file);
    settle(&index);
    return index;
}
