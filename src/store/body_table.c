/* A sorted array: ids only grow, so that adding is appending. */
#include "store/body_table.h"

#include <assert.h>
#include <string.h>

#include "store/alloc.h"

void body_table_done(struct body_table *table)
{
    free(table->entries);
    *table = (struct body_table){ 0 };
}

static size_t lower_bound(const struct body_table *table, uint64_t id)
{
    size_t low = 0;
    size_t high = table->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (table->entries[middle].id.value < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct body_entry *body_table_find(const struct body_table *table, struct body_id id)
{
    size_t at = lower_bound(table, id.value);

    assert(!table->unsettled);
    return at < table->count && table->entries[at].id.value == id.value ? &table->entries[at]
                                                                        : NULL;
}

struct body_entry *body_table_add(struct body_table *table, struct body_id id, struct place place,
                                  uint64_t size)
{
    size_t at = lower_bound(table, id.value);

    if (at < table->count && table->entries[at].id.value == id.value)
        return NULL;
    table->entries =
        store_grow(table->entries, table->count, &table->capacity, sizeof(*table->entries));
    memmove(table->entries + at + 1, table->entries + at,
            (table->count - at) * sizeof(*table->entries));
    table->entries[at] = (struct body_entry){ .id = id, .place = place, .size = size };
    table->count++;
    table->dead++;
    return &table->entries[at];
}

void body_table_collect(struct body_table *table, struct body_id id, struct place place,
                        uint64_t size, uint32_t messages)
{
    table->entries =
        store_grow(table->entries, table->count, &table->capacity, sizeof(*table->entries));
    table->entries[table->count++] =
        (struct body_entry){ .id = id, .place = place, .size = size, .messages = messages };
    table->unsettled = true;
}

static int by_id(const void *a, const void *b)
{
    const struct body_entry *left = a;
    const struct body_entry *right = b;

    return (left->id.value > right->id.value) - (left->id.value < right->id.value);
}

/* One mailbox that never was copied to is sorted as it comes. */
static bool is_sorted(const struct body_table *table)
{
    for (size_t i = 1; i < table->count; i++)
        if (table->entries[i - 1].id.value > table->entries[i].id.value)
            return false;
    return true;
}

void body_table_settle(struct body_table *table)
{
    size_t kept = 0;

    if (!table->unsettled)
        return;
    if (!is_sorted(table))
        qsort(table->entries, table->count, sizeof(*table->entries), by_id);
    for (size_t i = 0; i < table->count; i++) {
        const struct body_entry *entry = &table->entries[i];

        if (kept > 0 && table->entries[kept - 1].id.value == entry->id.value)
            table->entries[kept - 1].messages += entry->messages;
        else
            table->entries[kept++] = *entry;
    }
    table->count = kept;
    table->dead = 0;
    table->living_bytes = 0;
    for (size_t i = 0; i < kept; i++) {
        if (table->entries[i].messages == 0)
            table->dead++;
        else
            table->living_bytes += table->entries[i].size;
    }
    table->unsettled = false;
}

void body_table_reference(struct body_table *table, struct body_entry *entry)
{
    if (entry->messages++ > 0)
        return;
    table->dead--;
    table->living_bytes += entry->size;
    if (entry->died != 0)
        table->died_bytes -= entry->size;
    entry->died = 0;
}

void body_table_unreference(struct body_table *table, struct body_entry *entry, uint64_t change)
{
    assert(entry->messages > 0);
    if (--entry->messages > 0)
        return;
    entry->died = change;
    table->dead++;
    table->living_bytes -= entry->size;
    table->died_bytes += entry->size;
}

void body_table_move(struct body_table *table, struct body_id id, struct place from,
                     struct place to)
{
    struct body_entry *entry = body_table_find(table, id);

    if (entry != NULL && entry->place.segment == from.segment && entry->place.offset == from.offset)
        entry->place = to;
}

bool body_table_purge(struct body_table *table, uint64_t change)
{
    size_t kept = 0;

    if (table->dead < 64 || table->dead < table->count / 4)
        return false;
    for (size_t i = 0; i < table->count; i++) {
        const struct body_entry *entry = &table->entries[i];

        if (entry->messages > 0 || entry->died > change)
            table->entries[kept++] = *entry;
    }
    table->dead -= table->count - kept;
    table->count = kept;
    return true;
}
