/* The table of bodies. */
#include "store/body_table.h"

#include <stdlib.h>
#include <time.h>

#include "kit/assert_bytes.h"
#include "kit/random.h"

static struct body_entry get(const struct body_table *table, uint64_t id)
{
    struct body_entry entry;

    assert_true(body_table_find(table, (struct body_id){ id }, &entry));
    return entry;
}

static bool has(const struct body_table *table, uint64_t id)
{
    struct body_entry entry;

    return body_table_find(table, (struct body_id){ id }, &entry);
}

static void unreference(struct body_table *table, uint64_t id, uint64_t change)
{
    body_table_unreference(table, &id, 1, change);
}

static void reference(struct body_table *table, uint64_t id)
{
    body_table_reference(table, &id, 1);
}

static void add_many(struct body_table *table, const struct body_entry *entries, size_t count)
{
    for (size_t at = 0; at < count;)
        at += body_table_add_some(table, entries + at, count - at);
}

/* Many at once, between, before and behind others, some of them there already: as one by one. */
static void test_many_at_once(void **context)
{
    enum { COUNT = 3 * BODY_PAGE_ENTRIES };
    struct body_entry *entries = calloc(2 * COUNT, sizeof(*entries));
    struct body_table table = { 0 };
    size_t count = 0;

    for (uint64_t id = 1; id <= COUNT; id++)
        assert_true(
            body_table_add(&table, (struct body_id){ 100 + 2 * id }, (struct place){ 1, id }, 10));
    unreference(&table, 104, 7);
    for (uint64_t id = 51; id <= 2 * COUNT + 300; id += id % 3 == 0 ? 2 : 1)
        entries[count++] = (struct body_entry){ { id }, { 4, id }, 5, 0, 0 };
    add_many(&table, entries, count);
    for (uint64_t id = 51, next = 0; id <= 2 * COUNT + 300; id++) {
        bool is_old = id > 100 && id <= 100 + 2 * COUNT && id % 2 == 0;
        bool is_new = next < count && entries[next].id.value == id;
        struct body_entry entry;

        next += is_new;
        assert_int_equal(has(&table, id), is_old || is_new);
        if (!is_old && !is_new)
            continue;
        entry = get(&table, id);
        assert_int_equal(entry.place.segment, is_old ? 1 : 4);
        assert_int_equal(entry.size, is_old ? 10 : 5);
        assert_int_equal(entry.messages, is_old && id != 104);
    }
    reference(&table, 51);
    assert_false(body_table_add(&table, (struct body_id){ 101 }, (struct place){ 1, 1 }, 1));
    assert_int_equal(table.living_bytes, 10 * (COUNT - 1) + 5);
    assert_int_equal(body_table_messages(&table), COUNT);
    body_table_done(&table);
    add_many(&table, entries, count); /* into an empty one */
    assert_int_equal(table.count, count);
    assert_int_equal(table.dead, count);
    assert_int_equal(get(&table, entries[count - 1].id.value).place.offset,
                     entries[count - 1].id.value);
    body_table_done(&table);
    free(entries);
}

static void test_bodies(void **context)
{
    struct body_table table = { 0 };

    (void)context;
    for (uint64_t id = 1; id <= 200; id++)
        assert_true(
            body_table_add(&table, (struct body_id){ id * 2 }, (struct place){ 1, id }, id));
    assert_false(body_table_add(&table, (struct body_id){ 8 }, (struct place){ 1, 1 }, 1));
    assert_false(has(&table, 7));
    for (uint64_t id = 1; id <= 150; id++)
        unreference(&table, id * 2, id);
    assert_int_equal(table.dead, 150);
    assert_false(body_table_purge(&table, 100));
    assert_int_equal(table.count, 100);
    assert_false(has(&table, 200));
    assert_true(has(&table, 202));
    assert_int_equal(get(&table, 400).place.offset, 200);
    body_table_done(&table);
}

/* Many in any order, some of them several times. */
static void test_collecting(void **context)
{
    struct body_table table = { 0 };

    (void)context;
    for (uint64_t i = 0; i < 1000; i++)
        body_table_collect(&table, (struct body_id){ 1 + i * 7 % 500 }, (struct place){ 4, i }, 5,
                           1);
    body_table_collect(&table, (struct body_id){ 1000 }, (struct place){ 4, 1 }, 9, 0);
    body_table_settle(&table);
    assert_int_equal(table.count, 501);
    assert_int_equal(table.dead, 1);
    assert_int_equal(table.living_bytes, 500 * 5);
    for (uint64_t id = 1; id <= 500; id++)
        assert_int_equal(get(&table, id).messages, 2);
    body_table_settle(&table);
    assert_int_equal(table.count, 501);
    reference(&table, 1000);
    assert_int_equal(table.living_bytes, 500 * 5 + 9);
    assert_int_equal(table.died_bytes, 0);
    unreference(&table, 1000, 1);
    assert_int_equal(table.living_bytes, 500 * 5);
    assert_int_equal(table.died_bytes, 9);
    reference(&table, 1000);
    assert_int_equal(table.died_bytes, 0);
    unreference(&table, 1000, 2);
    assert_int_equal(table.died_bytes, 9);
    body_table_done(&table);
}

static void test_moving(void **context)
{
    const struct body_id id = { 3 };
    struct body_table table = { 0 };

    (void)context;
    (void)body_table_add(&table, id, (struct place){ 4, 8192 }, 5);
    body_table_move(&table, id, (struct place){ 4, 8200 }, (struct place){ 6, 1 });
    body_table_move(&table, id, (struct place){ 8, 8192 }, (struct place){ 6, 1 });
    assert_int_equal(get(&table, id.value).place.segment, 4);
    body_table_move(&table, id, (struct place){ 4, 8192 }, (struct place){ 6, 1 });
    assert_int_equal(get(&table, id.value).place.segment, 6);
    assert_int_equal(get(&table, id.value).place.offset, 1);
    body_table_move(&table, (struct body_id){ 4 }, (struct place){ 4, 8192 },
                    (struct place){ 6, 1 });
    body_table_done(&table);
}

/* ---- against a plain array ---- */

enum { IDS = 20000 };

struct model {
    struct body_table table;
    struct body_entry entries[IDS]; /* by id; size 0: not there */
    uint64_t change;
};

static void model_add(struct model *model, struct test_random *random)
{
    uint64_t id = 1 + test_random_below(random, IDS - 1);
    struct body_entry *entry = &model->entries[id];
    struct body_entry made = { .id = { id },
                               .place = { 4 * (1 + id / 5000), test_random_below(random, 1 << 30) },
                               .size = 1 + test_random_below(random, 100000),
                               .messages = 1 };
    bool added = body_table_add(&model->table, made.id, made.place, made.size);

    assert_int_equal(added, entry->size == 0);
    if (added) {
        *entry = made;
        return;
    }
    reference(&model->table, made.id.value);
    entry->messages++;
}

static void model_unreference(struct model *model, struct test_random *random)
{
    uint64_t ids[600];
    uint64_t id = 1 + test_random_below(random, IDS - 1);
    uint32_t count = 1 + (uint32_t)test_random_below(random, ARRAY_COUNT(ids));
    uint64_t stride = test_random_below(random, 3);

    model->change++;
    for (uint32_t i = 0; i < count; i++, id = (id + stride) % IDS) {
        struct body_entry *entry = &model->entries[id];

        ids[i] = id;
        if (entry->messages > 0 && --entry->messages == 0)
            entry->died = model->change;
    }
    body_table_unreference(&model->table, ids, count, model->change);
}

static void model_purge(struct model *model, struct test_random *random)
{
    uint64_t floor = model->change - test_random_below(random, 3);
    size_t before = model->table.count;

    while (body_table_purge(&model->table, floor))
        continue;
    if (model->table.count == before)
        return;
    for (uint64_t id = 0; id < IDS; id++)
        if (model->entries[id].messages == 0 && model->entries[id].died <= floor)
            model->entries[id] = (struct body_entry){ 0 };
}

static void assert_modelled(const struct model *model)
{
    struct body_entry next = { .id = { 0 } };
    uint64_t messages = 0;
    uint64_t living_bytes = 0;
    size_t count = 0;
    size_t dead = 0;

    for (uint64_t id = 0; id < IDS; id++) {
        const struct body_entry *entry = &model->entries[id];

        if (entry->size == 0) {
            assert_false(has(&model->table, id));
            continue;
        }
        assert_true(body_table_next(&model->table, next.id, &next));
        assert_int_equal(next.id.value, id);
        assert_int_equal(next.place.segment, entry->place.segment);
        assert_int_equal(next.place.offset, entry->place.offset);
        assert_int_equal(next.size, entry->size);
        assert_int_equal(next.messages, entry->messages);
        assert_int_equal(get(&model->table, id).size, entry->size);
        if (entry->messages == 0)
            assert_int_equal(next.died, entry->died);
        count++;
        dead += entry->messages == 0;
        messages += entry->messages;
        living_bytes += entry->messages > 0 ? entry->size : 0;
    }
    assert_false(body_table_next(&model->table, next.id, &next));
    assert_int_equal(model->table.count, count);
    assert_int_equal(model->table.dead, dead);
    assert_int_equal(model->table.living_bytes, living_bytes);
    assert_int_equal(body_table_messages(&model->table), messages);
}

/* Pages to bytes and back. */
static void assert_codec(const struct model *model)
{
    struct body_table copy = { 0 };
    struct body_entry a = { .id = { 0 } };
    struct body_entry b = { .id = { 0 } };

    for (size_t i = 0; i < model->table.page_count; i++) {
        const struct body_page *page = model->table.pages[i].page;
        struct buf bytes = buf_make(1 << 20);
        struct reader reader;

        body_page_encode(&bytes, page, page->count);
        reader = reader_make(buf_bytes(&bytes));
        assert_true(body_table_add_page(&copy, body_page_decode(&reader, page->count)));
        assert_true(reader_finish(&reader));
        buf_done(&bytes);
    }
    assert_int_equal(copy.count, model->table.count);
    assert_int_equal(copy.dead, model->table.dead);
    assert_int_equal(copy.living_bytes, model->table.living_bytes);
    while (body_table_next(&copy, a.id, &a)) {
        assert_true(body_table_next(&model->table, b.id, &b));
        assert_memory_equal(&a, &b, sizeof(a));
    }
    body_table_done(&copy);
}

static void test_random(void **context)
{
    const char *given = getenv("ROOST_TEST_SEED");
    uint64_t seed = given == NULL ? (uint64_t)time(NULL) : strtoull(given, NULL, 10);
    struct test_random random = { seed };
    struct model *model = calloc(1, sizeof(*model));

    (void)context;
    print_message("ROOST_TEST_SEED=%llu\n", (unsigned long long)seed);
    for (int round = 0; round < 40; round++) {
        for (int i = 0; i < 1500; i++)
            model_add(model, &random);
        for (int i = 0; i < 12; i++)
            model_unreference(model, &random);
        if (round % 3 == 0)
            model_purge(model, &random);
        if (round % 8 == 7) {
            assert_modelled(model);
            assert_codec(model);
        }
    }
    body_table_done(&model->table);
    free(model);
}

/* A page that somebody else holds stays as it was. */
static void test_held_pages(void **context)
{
    struct body_table table = { 0 };
    struct body_page *held;

    (void)context;
    for (uint64_t id = 1; id <= 10; id++)
        assert_true(body_table_add(&table, (struct body_id){ id }, (struct place){ 4, id }, id));
    held = body_page_hold(table.pages[0].page);
    unreference(&table, 3, 7);
    body_table_move(&table, (struct body_id){ 4 }, (struct place){ 4, 4 }, (struct place){ 8, 9 });
    reference(&table, 5);
    assert_ptr_not_equal(table.pages[0].page, held);
    for (uint32_t i = 0; i < 10; i++) {
        assert_int_equal(column_get(&held->fields[BODY_MESSAGES], i), 1);
        assert_int_equal(column_get(&held->fields[BODY_OFFSET], i), i + 1);
    }
    body_page_release(held);
    assert_int_equal(get(&table, 3).messages, 0);
    assert_int_equal(get(&table, 4).place.offset, 9);
    assert_int_equal(get(&table, 5).messages, 2);
    body_table_done(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_at_once), cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_collecting),   cmocka_unit_test(test_moving),
        cmocka_unit_test(test_held_pages),   cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
