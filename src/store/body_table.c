/* Pages of columns: ids only grow, so that adding is nearly always appending. */
#include "store/body_table.h"

#include <assert.h>
#include <string.h>

#include "store/alloc.h"

enum {
    PURGE_PAGES = 16, /* looked through in one call of body_table_purge */
    PURGE_DEAD_MIN = 64,
    JOIN_MAX = BODY_PAGE_ENTRIES / 2, /* pages that together have no more become one */
};

/* ---- pages ---- */

static struct body_page *page_new(void)
{
    struct body_page *page = store_alloc(1, sizeof(*page));

    page->references = 1;
    return page;
}

void body_page_release(struct body_page *page)
{
    if (page == NULL || --page->references > 0)
        return;
    for (enum body_field i = 0; i < BODY_FIELDS; i++)
        column_done(&page->fields[i]);
    free(page);
}

static void spread(const struct body_entry *entry, uint64_t out[BODY_FIELDS])
{
    out[BODY_ID] = entry->id.value;
    out[BODY_SEGMENT] = entry->place.segment;
    out[BODY_OFFSET] = entry->place.offset;
    out[BODY_SIZE] = entry->size;
    out[BODY_DIED] = entry->died;
    out[BODY_MESSAGES] = entry->messages;
}

static void page_get(const struct body_page *page, uint32_t at, struct body_entry *out_entry)
{
    const struct column *fields = page->fields;

    *out_entry = (struct body_entry){
        .id = { column_get(&fields[BODY_ID], at) },
        .place = { column_get(&fields[BODY_SEGMENT], at), column_get(&fields[BODY_OFFSET], at) },
        .size = column_get(&fields[BODY_SIZE], at),
        .died = column_get(&fields[BODY_DIED], at),
        .messages = column_get(&fields[BODY_MESSAGES], at),
    };
}

static void page_append(struct body_page *page, const struct body_entry *entry)
{
    uint64_t values[BODY_FIELDS];

    spread(entry, values);
    for (enum body_field i = 0; i < BODY_FIELDS; i++)
        column_append(&page->fields[i], page->count, values[i]);
    page->count++;
    page->dead += entry->messages == 0;
}

/* The entries as a page, tightly packed. */
static struct body_page *page_of(const struct body_entry *entries, uint32_t count)
{
    struct body_page *page = page_new();
    uint64_t values[BODY_PAGE_ENTRIES];

    for (enum body_field field = 0; field < BODY_FIELDS; field++) {
        for (uint32_t i = 0; i < count; i++) {
            uint64_t spreaded[BODY_FIELDS];

            spread(&entries[i], spreaded);
            values[i] = spreaded[field];
        }
        column_store(&page->fields[field], values, count);
    }
    page->count = count;
    for (uint32_t i = 0; i < count; i++)
        page->dead += entries[i].messages == 0;
    return page;
}

void body_page_encode(struct buf *buf, const struct body_page *page, uint32_t count)
{
    for (enum body_field i = 0; i < BODY_FIELDS; i++)
        column_encode(buf, &page->fields[i], count);
}

static uint32_t count_dead(const struct body_page *page)
{
    const struct column *messages = &page->fields[BODY_MESSAGES];
    uint32_t dead = 0;

    if (column_is_constant(messages))
        return messages->base == 0 ? page->count : 0;
    for (uint32_t i = 0; i < page->count; i++)
        dead += column_get(messages, i) == 0;
    return dead;
}

struct body_page *body_page_decode(struct reader *reader, uint32_t count)
{
    struct body_page *page = page_new();
    bool whole = count > 0;

    for (enum body_field i = 0; i < BODY_FIELDS && whole; i++)
        whole = column_decode(reader, count, &page->fields[i]);
    if (!whole || !column_ascends(&page->fields[BODY_ID], count)) {
        body_page_release(page);
        return NULL;
    }
    page->count = count;
    page->dead = count_dead(page);
    return page;
}

/* ---- the list of pages ---- */

void body_table_done(struct body_table *table)
{
    for (size_t i = 0; i < table->page_count; i++)
        body_page_release(table->pages[i].page);
    free(table->pages);
    free(table->collected);
    *table = (struct body_table){ 0 };
}

/* Number of pages that begin at or below `id`: the last of them is the one that could have it. */
static size_t pages_below(const struct body_table *table, uint64_t id)
{
    size_t low = 0;
    size_t high = table->page_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (table->pages[middle].first <= id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint64_t last_id(const struct body_page *page)
{
    return column_get(&page->fields[BODY_ID], page->count - 1);
}

static void insert_page(struct body_table *table, size_t at, struct body_page *page)
{
    table->pages =
        store_grow(table->pages, table->page_count, &table->capacity, sizeof(*table->pages));
    memmove(table->pages + at + 1, table->pages + at,
            (table->page_count - at) * sizeof(*table->pages));
    table->pages[at] = (struct body_place){ column_get(&page->fields[BODY_ID], 0), page };
    table->page_count++;
}

/* Puts what may be an empty page into the place of another one, or nothing. */
static void replace_page(struct body_table *table, size_t at, struct body_page *page)
{
    body_page_release(table->pages[at].page);
    memmove(table->pages + at, table->pages + at + 1,
            (table->page_count - at - 1) * sizeof(*table->pages));
    table->page_count--;
    if (page->count > 0)
        insert_page(table, at, page);
    else
        body_page_release(page);
}

/* A page that the table alone holds; columns stay shared. */
static struct body_page *own_page(struct body_table *table, size_t at)
{
    struct body_page *page = table->pages[at].page;
    struct body_page *copy;

    if (page->references == 1)
        return page;
    copy = page_new();
    copy->count = page->count;
    copy->dead = page->dead;
    for (enum body_field i = 0; i < BODY_FIELDS; i++)
        copy->fields[i] = column_share(&page->fields[i]);
    body_page_release(page);
    table->pages[at].page = copy;
    return copy;
}

static uint64_t living_bytes(const struct body_page *page)
{
    uint64_t bytes = 0;

    if (page->dead == 0)
        return column_sum(&page->fields[BODY_SIZE], 0, page->count);
    for (uint32_t i = 0; i < page->count; i++)
        if (column_get(&page->fields[BODY_MESSAGES], i) > 0)
            bytes += column_get(&page->fields[BODY_SIZE], i);
    return bytes;
}

bool body_table_add_page(struct body_table *table, struct body_page *page)
{
    uint64_t first = column_get(&page->fields[BODY_ID], 0);

    if (table->page_count > 0 && last_id(table->pages[table->page_count - 1].page) >= first)
        return false;
    insert_page(table, table->page_count, page);
    table->count += page->count;
    table->dead += page->dead;
    table->living_bytes += living_bytes(page);
    return true;
}

uint64_t body_table_messages(const struct body_table *table)
{
    uint64_t messages = 0;

    for (size_t i = 0; i < table->page_count; i++)
        messages += column_sum(&table->pages[i].page->fields[BODY_MESSAGES], 0,
                               table->pages[i].page->count);
    return messages;
}

/* ---- entries ---- */

/* Where an entry is. */
struct spot {
    size_t page;
    uint32_t at;
};

static bool find(const struct body_table *table, uint64_t id, struct spot *out_spot)
{
    size_t below = pages_below(table, id);
    const struct body_page *page;

    assert(table->collected_count == 0);
    if (below == 0)
        return false;
    page = table->pages[below - 1].page;
    out_spot->page = below - 1;
    out_spot->at = column_find(&page->fields[BODY_ID], page->count, id);
    return out_spot->at < page->count && column_get(&page->fields[BODY_ID], out_spot->at) == id;
}

bool body_table_find(const struct body_table *table, struct body_id id,
                     struct body_entry *out_entry)
{
    struct spot spot;

    if (!find(table, id.value, &spot))
        return false;
    page_get(table->pages[spot.page].page, spot.at, out_entry);
    return true;
}

bool body_table_next(const struct body_table *table, struct body_id id,
                     struct body_entry *out_entry)
{
    size_t below = pages_below(table, id.value);

    assert(table->collected_count == 0);
    if (below > 0) {
        const struct body_page *page = table->pages[below - 1].page;
        uint32_t at = column_find(&page->fields[BODY_ID], page->count, id.value + 1);

        if (at < page->count) {
            page_get(page, at, out_entry);
            return true;
        }
    }
    if (below == table->page_count)
        return false;
    page_get(table->pages[below].page, 0, out_entry);
    return true;
}

/* Splits a full page, so that an entry can stand between two others. */
static void split_page(struct body_table *table, size_t at)
{
    struct body_page *page = table->pages[at].page;
    struct body_page *halves[2] = { page_new(), page_new() };
    uint32_t half = page->count / 2;

    for (enum body_field i = 0; i < BODY_FIELDS; i++) {
        column_append_from(&halves[0]->fields[i], 0, &page->fields[i], 0, half);
        column_append_from(&halves[1]->fields[i], 0, &page->fields[i], half, page->count - half);
    }
    halves[0]->count = half;
    halves[1]->count = page->count - half;
    for (int i = 0; i < 2; i++)
        halves[i]->dead = count_dead(halves[i]);
    replace_page(table, at, halves[0]);
    insert_page(table, at + 1, halves[1]);
}

/* Between others, at `at` of a page that has room. */
static void insert_entry(struct body_page *page, uint32_t at, const struct body_entry *entry)
{
    uint64_t values[BODY_PAGE_ENTRIES];
    uint64_t added[BODY_FIELDS];

    spread(entry, added);
    for (enum body_field i = 0; i < BODY_FIELDS; i++) {
        column_load(&page->fields[i], 0, at, values);
        values[at] = added[i];
        column_load(&page->fields[i], at, page->count - at, values + at + 1);
        column_store(&page->fields[i], values, page->count + 1);
    }
    page->count++;
    page->dead += entry->messages == 0;
}

static void add_between(struct body_table *table, const struct body_entry *entry)
{
    size_t below = pages_below(table, entry->id.value);
    size_t at = below == 0 ? 0 : below - 1;
    struct body_page *page;

    if (table->pages[at].page->count == BODY_PAGE_ENTRIES) {
        split_page(table, at);
        add_between(table, entry);
        return;
    }
    page = own_page(table, at);
    insert_entry(page, column_find(&page->fields[BODY_ID], page->count, entry->id.value), entry);
    table->pages[at].first = column_get(&page->fields[BODY_ID], 0);
}

bool body_table_add(struct body_table *table, struct body_id id, struct place place, uint64_t size)
{
    struct body_entry entry = { .id = id, .place = place, .size = size, .messages = 1 };
    struct body_page *last =
        table->page_count == 0 ? NULL : table->pages[table->page_count - 1].page;
    struct spot spot;

    if (last != NULL && id.value <= last_id(last)) {
        if (find(table, id.value, &spot))
            return false;
        add_between(table, &entry);
    } else if (last == NULL || last->count == BODY_PAGE_ENTRIES) {
        struct body_page *page = page_new();

        page_append(page, &entry);
        insert_page(table, table->page_count, page);
    } else {
        page_append(last, &entry);
    }
    table->count++;
    table->living_bytes += size;
    return true;
}

/* The entries of a page (NULL: none) and those `count` together; of one id that of the page. */
static struct body_entry *merge(const struct body_page *page, const struct body_entry *entries,
                                size_t count, size_t *out_count)
{
    uint32_t page_count = page == NULL ? 0 : page->count;
    struct body_entry *all = store_alloc(page_count + count, sizeof(*all));
    struct body_entry old = { .id = { UINT64_MAX } };
    size_t merged = 0;
    size_t next = 0;

    for (uint32_t at = 0; at < page_count; at++) {
        page_get(page, at, &old);
        while (next < count && entries[next].id.value < old.id.value)
            all[merged++] = entries[next++];
        if (next < count && entries[next].id.value == old.id.value)
            next++;
        all[merged++] = old;
    }
    while (next < count)
        all[merged++] = entries[next++];
    *out_count = merged;
    return all;
}

/* Those that belong into the page at `at`, or all of them when there is no page yet. */
static void add_to_page(struct body_table *table, size_t at, const struct body_entry *entries,
                        size_t count)
{
    bool is_there = at < table->page_count;
    const struct body_page *page = is_there ? table->pages[at].page : NULL;
    uint32_t before = is_there ? page->count : 0;
    size_t merged;
    struct body_entry *all = merge(page, entries, count, &merged);

    for (size_t first = 0; first < merged; first += BODY_PAGE_ENTRIES, at++) {
        size_t left = merged - first;
        uint32_t here = left < BODY_PAGE_ENTRIES ? (uint32_t)left : BODY_PAGE_ENTRIES;
        struct body_page *fresh = page_of(all + first, here);

        if (first == 0 && is_there)
            replace_page(table, at, fresh);
        else
            insert_page(table, at, fresh);
    }
    table->count += merged - before;
    table->dead += merged - before;
    free(all);
}

size_t body_table_add_some(struct body_table *table, const struct body_entry *entries, size_t count)
{
    size_t below = pages_below(table, entries[0].id.value);
    size_t at = below == 0 ? 0 : below - 1;
    uint64_t limit = at + 1 < table->page_count ? table->pages[at + 1].first : UINT64_MAX;
    size_t end = 1;

    while (end < count && entries[end].id.value < limit)
        end++;
    add_to_page(table, at, entries, end);
    return end;
}

void body_table_collect(struct body_table *table, struct body_id id, struct place place,
                        uint64_t size, uint32_t messages)
{
    table->collected = store_grow(table->collected, table->collected_count,
                                  &table->collected_capacity, sizeof(*table->collected));
    table->collected[table->collected_count++] =
        (struct body_entry){ .id = id, .place = place, .size = size, .messages = messages };
}

static int by_id(const void *a, const void *b)
{
    const struct body_entry *left = a;
    const struct body_entry *right = b;

    return (left->id.value > right->id.value) - (left->id.value < right->id.value);
}

/* One mailbox that never was copied to is sorted as it comes. */
static bool is_sorted(const struct body_entry *entries, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (entries[i - 1].id.value > entries[i].id.value)
            return false;
    return true;
}

/* Sorts and adds up those of one body; answers how many are left. */
static size_t unite(struct body_entry *entries, size_t count)
{
    size_t kept = 0;

    if (!is_sorted(entries, count))
        qsort(entries, count, sizeof(*entries), by_id);
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && entries[kept - 1].id.value == entries[i].id.value)
            entries[kept - 1].messages += entries[i].messages;
        else
            entries[kept++] = entries[i];
    }
    return kept;
}

/* All entries, those of the pages first: what is known keeps its place. */
static struct body_entry *take_all(struct body_table *table, size_t *out_count)
{
    struct body_entry *all = store_alloc(table->count + table->collected_count, sizeof(*all));
    size_t count = 0;

    for (size_t i = 0; i < table->page_count; i++) {
        for (uint32_t at = 0; at < table->pages[i].page->count; at++)
            page_get(table->pages[i].page, at, &all[count++]);
        body_page_release(table->pages[i].page);
    }
    memcpy(all + count, table->collected, table->collected_count * sizeof(*all));
    *out_count = count + table->collected_count;
    free(table->collected);
    table->collected = NULL;
    table->collected_count = 0;
    table->collected_capacity = 0;
    table->page_count = 0;
    table->count = 0;
    table->dead = 0;
    table->living_bytes = 0;
    return all;
}

void body_table_settle(struct body_table *table)
{
    struct body_entry *entries;
    size_t count;

    if (table->collected_count == 0)
        return;
    entries = take_all(table, &count);
    count = unite(entries, count);
    for (size_t at = 0; at < count; at += BODY_PAGE_ENTRIES) {
        size_t left = count - at;
        uint32_t here = left < BODY_PAGE_ENTRIES ? (uint32_t)left : BODY_PAGE_ENTRIES;
        bool added = body_table_add_page(table, page_of(entries + at, here));

        assert(added);
    }
    free(entries);
}

void body_table_move(struct body_table *table, struct body_id id, struct place from,
                     struct place to)
{
    struct body_entry entry;
    struct body_page *page;
    struct spot spot;

    if (!find(table, id.value, &spot))
        return;
    page_get(table->pages[spot.page].page, spot.at, &entry);
    if (entry.place.segment != from.segment || entry.place.offset != from.offset)
        return;
    page = own_page(table, spot.page);
    column_set(&page->fields[BODY_SEGMENT], page->count, spot.at, to.segment);
    column_set(&page->fields[BODY_OFFSET], page->count, spot.at, to.offset);
}

/* ---- messages ---- */

enum { FEW = 64 }; /* to set them one by one is cheaper than the whole column anew */

/* The place of `id` in the page, looked for behind `at` first; the page's count when it is not
 * there. */
static uint32_t find_near(const struct body_page *page, uint32_t at, uint64_t id)
{
    enum { NEAR = 4 };
    const struct column *ids = &page->fields[BODY_ID];

    for (uint32_t i = at; i < at + NEAR && i < page->count; i++)
        if (column_get(ids, i) == id)
            return i;
    at = column_find(ids, page->count, id);
    return at < page->count && column_get(ids, at) == id ? at : page->count;
}

/* Those of one page among many ids. */
struct spots {
    struct body_page *page; /* the table's own; NULL: there is none */
    uint32_t done; /* ids, from the first on, that were dealt with */
    uint32_t count;
    uint16_t places[BODY_PAGE_ENTRIES];
};

/* As many ids from the first on as stand in one page. */
static void find_spots(struct body_table *table, const uint64_t *ids, uint32_t count,
                       struct spots *out)
{
    size_t below = pages_below(table, ids[0]);
    uint64_t end = below < table->page_count ? table->pages[below].first : UINT64_MAX;
    uint32_t at = 0;

    assert(table->collected_count == 0);
    out->page = NULL;
    out->done = 1;
    out->count = 0;
    if (below == 0)
        return;
    out->page = own_page(table, below - 1);
    for (out->done = 0; out->done < count && out->count < BODY_PAGE_ENTRIES; out->done++) {
        uint64_t id = ids[out->done];

        if (id < table->pages[below - 1].first || id >= end)
            return;
        at = find_near(out->page, at, id);
        if (at < out->page->count)
            out->places[out->count++] = (uint16_t)at++;
    }
}

/* The body has a message again. */
static void revive(struct body_table *table, struct body_page *page, uint32_t at)
{
    uint64_t size = column_get(&page->fields[BODY_SIZE], at);

    page->dead--;
    table->dead--;
    table->living_bytes += size;
    if (column_get(&page->fields[BODY_DIED], at) != 0 && table->died_bytes >= size)
        table->died_bytes -= size;
}

static void give_messages(struct body_table *table, const struct spots *spots)
{
    struct body_page *page = spots->page;
    struct column *messages = &page->fields[BODY_MESSAGES];
    uint64_t values[BODY_PAGE_ENTRIES];

    if (spots->count < FEW) {
        for (uint32_t i = 0; i < spots->count; i++) {
            uint64_t before = column_get(messages, spots->places[i]);

            if (before == 0)
                revive(table, page, spots->places[i]);
            column_set(messages, page->count, spots->places[i], before + 1);
        }
        return;
    }
    column_load(messages, 0, page->count, values);
    for (uint32_t i = 0; i < spots->count; i++)
        if (values[spots->places[i]]++ == 0)
            revive(table, page, spots->places[i]);
    column_store(messages, values, page->count);
}

void body_table_reference(struct body_table *table, const uint64_t *ids, uint32_t count)
{
    struct spots spots;

    for (uint32_t at = 0; at < count; at += spots.done) {
        find_spots(table, ids + at, count - at, &spots);
        if (spots.count > 0)
            give_messages(table, &spots);
    }
}

/* One message less for each of those places. Returns how many bodies died of it; `places` begins
 * with theirs. */
static uint32_t take_messages(struct body_page *page, uint16_t *places, uint32_t count)
{
    struct column *messages = &page->fields[BODY_MESSAGES];
    uint64_t values[BODY_PAGE_ENTRIES];
    uint32_t died = 0;

    if (count < FEW) {
        for (uint32_t i = 0; i < count; i++) {
            uint64_t before = column_get(messages, places[i]);

            if (before > 0)
                column_set(messages, page->count, places[i], before - 1);
            if (before == 1)
                places[died++] = places[i];
        }
        return died;
    }
    column_load(messages, 0, page->count, values);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t *left = &values[places[i]];

        if (*left > 0 && --*left == 0)
            places[died++] = places[i];
    }
    column_store(messages, values, page->count);
    return died;
}

/* Notes when they died. What the field says of the living means nothing. */
static void note_deaths(struct body_page *page, const uint16_t *places, uint32_t count,
                        uint64_t change)
{
    struct column *died = &page->fields[BODY_DIED];
    uint64_t values[BODY_PAGE_ENTRIES];

    if (page->dead == 0) {
        column_fill(died, change);
        return;
    }
    if (count < FEW) {
        for (uint32_t i = 0; i < count; i++)
            column_set(died, page->count, places[i], change);
        return;
    }
    column_load(died, 0, page->count, values);
    for (uint32_t i = 0; i < count; i++)
        values[places[i]] = change;
    column_store(died, values, page->count);
}

static void unreference_spots(struct body_table *table, struct spots *spots, uint64_t change)
{
    struct body_page *page = spots->page;
    uint32_t died = take_messages(page, spots->places, spots->count);
    uint64_t died_bytes = 0;

    if (died > 0)
        note_deaths(page, spots->places, died, change);
    page->dead += died;
    table->dead += died;
    for (uint32_t i = 0; i < died; i++)
        died_bytes += column_get(&page->fields[BODY_SIZE], spots->places[i]);
    table->living_bytes -= died_bytes;
    table->died_bytes += died_bytes;
}

void body_table_unreference(struct body_table *table, const uint64_t *ids, uint32_t count,
                            uint64_t change)
{
    struct spots spots;

    for (uint32_t at = 0; at < count; at += spots.done) {
        find_spots(table, ids + at, count - at, &spots);
        if (spots.count > 0)
            unreference_spots(table, &spots, change);
    }
}

/* ---- purging ---- */

static bool is_purgeable(const struct body_page *page, uint32_t at, uint64_t change)
{
    return column_get(&page->fields[BODY_MESSAGES], at) == 0 &&
           column_get(&page->fields[BODY_DIED], at) <= change;
}

/* Joins the page with the one before it when both are small; true when it did. */
static bool join_page(struct body_table *table, size_t at)
{
    struct body_page *from = table->pages[at].page;
    struct body_page *to;

    if (at == 0 || table->pages[at - 1].page->count + from->count > JOIN_MAX)
        return false;
    to = own_page(table, at - 1);
    for (enum body_field i = 0; i < BODY_FIELDS; i++)
        column_append_from(&to->fields[i], to->count, &from->fields[i], 0, from->count);
    to->count += from->count;
    to->dead += from->dead;
    body_page_release(from);
    memmove(table->pages + at, table->pages + at + 1,
            (table->page_count - at - 1) * sizeof(*table->pages));
    table->page_count--;
    return true;
}

/* Puts a page without the purgeable ones in its place; answers the place of the page after it. */
static size_t purge_page(struct body_table *table, size_t at, uint64_t change)
{
    const struct body_page *page = table->pages[at].page;
    struct body_page *made = page_new();
    uint16_t places[BODY_PAGE_ENTRIES];
    size_t pages = table->page_count;
    uint32_t gone;

    for (uint32_t i = 0; i < page->count; i++)
        if (!is_purgeable(page, i, change))
            places[made->count++] = (uint16_t)i;
    gone = page->count - made->count;
    if (gone == 0) {
        body_page_release(made);
        return at + 1;
    }
    for (enum body_field i = 0; i < BODY_FIELDS; i++)
        made->fields[i] = column_select(&page->fields[i], places, made->count);
    made->dead = page->dead - gone;
    table->count -= gone;
    table->dead -= gone;
    replace_page(table, at, made);
    if (table->page_count == pages && !join_page(table, at))
        return at + 1;
    return at;
}

bool body_table_purge(struct body_table *table, uint64_t change)
{
    size_t at;

    if (table->purging == 0 &&
        (table->dead < PURGE_DEAD_MIN || table->dead < table->count / 4 || change <= table->purged))
        return false;
    if (table->purging == 0)
        table->purged = change;
    at = table->purging == 0 ? 0 : pages_below(table, table->purging);
    if (table->purging != 0 && at > 0 && table->pages[at - 1].first == table->purging)
        at--;
    for (int looks = 0; looks < PURGE_PAGES && at < table->page_count; looks++) {
        if (table->pages[at].page->dead > 0)
            at = purge_page(table, at, table->purged);
        else
            at++;
    }
    table->purging = at < table->page_count ? table->pages[at].first : 0;
    return table->purging != 0;
}
