/* REFERENCES against its steps as RFC 5256 section 3 tells them, taken one after the other over
 * plain lists, and ORDEREDSUBJECT likewise: slow, and nothing in common with what it checks. */
#include "search/thread_test.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "kit/random.h"

enum { HITS_MAX = 60, NODES_MAX = 1500, ROUNDS = 3000 };

struct entry {
    const struct test_hit *hit; /* NULL: a dummy */
    uint32_t id; /* 0: unique */
    struct entry *parent;
    struct entry *children[NODES_MAX];
    size_t child_count;
};

struct oracle {
    struct entry *entries[NODES_MAX];
    size_t count;
    struct entry root;
};

static struct entry *entry_new(struct oracle *oracle, const struct test_hit *hit, uint32_t id)
{
    struct entry *entry = calloc(1, sizeof(*entry));

    assert_non_null(entry);
    assert_true(oracle->count < NODES_MAX);
    entry->hit = hit;
    entry->id = id;
    oracle->entries[oracle->count++] = entry;
    return entry;
}

static struct entry *entry_find(struct oracle *oracle, uint32_t id)
{
    for (size_t i = 0; i < oracle->count; i++)
        if (id != 0 && oracle->entries[i]->id == id)
            return oracle->entries[i];
    return NULL;
}

static void leave(struct entry *entry)
{
    struct entry *parent = entry->parent;
    size_t at = 0;

    while (parent->children[at] != entry)
        at++;
    memmove(&parent->children[at], &parent->children[at + 1],
            (parent->child_count - at - 1) * sizeof(*parent->children));
    parent->child_count--;
    entry->parent = NULL;
}

static void enter(struct entry *entry, struct entry *parent)
{
    parent->children[parent->child_count++] = entry;
    entry->parent = parent;
}

static bool is_descendant(const struct entry *entry, const struct entry *of)
{
    for (; entry != NULL; entry = entry->parent)
        if (entry == of)
            return true;
    return false;
}

static void link_unless_loop(struct entry *child, struct entry *parent)
{
    if (!is_descendant(parent, child))
        enter(child, parent);
}

/* (1): all Message-IDs are given out before anything is linked. */
static void step_1(struct oracle *oracle, const struct test_hit *hits, size_t count)
{
    struct entry *own[HITS_MAX];

    for (size_t i = 0; i < count; i++) {
        uint32_t id = hits[i].id_count == 0 ? 0 : hits[i].ids[0];

        own[i] = entry_new(oracle, &hits[i], entry_find(oracle, id) == NULL ? id : 0);
    }
    for (size_t i = 0; i < count; i++) {
        struct entry *before = NULL;

        for (uint32_t r = 1; r < hits[i].id_count; r++) {
            struct entry *entry = entry_find(oracle, hits[i].ids[r]);

            if (entry == NULL)
                entry = entry_new(oracle, NULL, hits[i].ids[r]);
            if (before != NULL && entry->parent == NULL)
                link_unless_loop(entry, before);
            before = entry;
        }
        if (own[i]->parent != NULL)
            leave(own[i]);
        if (before != NULL)
            link_unless_loop(own[i], before);
    }
}

/* (2) */
static void step_2(struct oracle *oracle)
{
    for (size_t i = 0; i < oracle->count; i++)
        if (oracle->entries[i]->parent == NULL)
            enter(oracle->entries[i], &oracle->root);
}

/* (3): what is below first, so that each dummy is looked at with the children that are left. */
static void step_3(struct oracle *oracle, struct entry *parent)
{
    for (size_t i = 0; i < parent->child_count;) {
        struct entry *entry = parent->children[i];

        step_3(oracle, entry);
        if (entry->hit != NULL || (parent == &oracle->root && entry->child_count > 1)) {
            i++;
            continue;
        }
        leave(entry);
        i = 0;
        while (entry->child_count > 0) {
            struct entry *child = entry->children[0];

            leave(child);
            enter(child, parent);
        }
    }
}

static const struct test_hit *hit_of(const struct entry *entry)
{
    return entry->hit != NULL ? entry->hit : entry->children[0]->hit;
}

static int compare(const void *a, const void *b)
{
    const struct test_hit *left = hit_of(*(struct entry *const *)a);
    const struct test_hit *right = hit_of(*(struct entry *const *)b);

    if (left->date != right->date)
        return left->date < right->date ? -1 : 1;
    return left->number < right->number ? -1 : 1;
}

static void sort_children(struct entry *parent)
{
    if (parent->child_count > 0)
        qsort(parent->children, parent->child_count, sizeof(*parent->children), compare);
}

/* (4) */
static void step_4(struct oracle *oracle)
{
    for (size_t i = 0; i < oracle->root.child_count; i++)
        if (oracle->root.children[i]->hit == NULL)
            sort_children(oracle->root.children[i]);
    sort_children(&oracle->root);
}

static bool is_reply(const struct entry *entry)
{
    return entry->hit != NULL && entry->hit->is_reply;
}

/* (5.B) */
static void step_5b(const struct oracle *oracle, struct entry **table)
{
    for (size_t i = 0; i < oracle->root.child_count; i++) {
        struct entry *current = oracle->root.children[i];
        uint32_t subject = hit_of(current)->subject;

        if (subject == 0)
            continue;
        if (table[subject] == NULL)
            table[subject] = current;
        else if (table[subject]->hit != NULL &&
                 (current->hit == NULL || (is_reply(table[subject]) && !is_reply(current))))
            table[subject] = current;
    }
}

static void merge(struct oracle *oracle, struct entry **known, struct entry *current)
{
    struct entry *dummy;

    leave(current);
    if ((*known)->hit == NULL && current->hit == NULL) {
        while (current->child_count > 0) {
            struct entry *child = current->children[0];

            leave(child);
            enter(child, *known);
        }
        return;
    }
    if ((*known)->hit == NULL || (is_reply(current) && !is_reply(*known))) {
        enter(current, *known);
        return;
    }
    dummy = entry_new(oracle, NULL, 0);
    leave(*known);
    enter(*known, dummy);
    enter(current, dummy);
    enter(dummy, &oracle->root);
    *known = dummy;
}

/* (5.C): over the children that the root had before. */
static void step_5c(struct oracle *oracle, struct entry **table)
{
    static struct entry *children[NODES_MAX];
    size_t count = oracle->root.child_count;

    memcpy(children, oracle->root.children, count * sizeof(*children));
    for (size_t i = 0; i < count; i++) {
        uint32_t subject = hit_of(children[i])->subject;

        if (subject != 0 && table[subject] != children[i])
            merge(oracle, &table[subject], children[i]);
    }
}

/* (6) */
static void step_6(struct entry *parent)
{
    for (size_t i = 0; i < parent->child_count; i++)
        step_6(parent->children[i]);
    sort_children(parent);
}

/* thread-list of RFC 5256 section 5, for each child; as thread-members where it is alone. */
static void print_children(const struct oracle *oracle, const struct entry *parent, struct buf *out)
{
    bool is_nested = parent == &oracle->root || parent->child_count > 1;

    for (size_t i = 0; i < parent->child_count; i++) {
        const struct entry *entry = parent->children[i];

        if (is_nested)
            buf_add_byte(out, '(');
        if (entry->hit != NULL)
            buf_add_number(out, entry->hit->number);
        if (entry->hit != NULL && entry->child_count > 0)
            buf_add_byte(out, ' ');
        print_children(oracle, entry, out);
        if (is_nested)
            buf_add_byte(out, ')');
    }
}

static void references(struct oracle *oracle, const struct test_hit *hits, size_t count)
{
    struct entry *table[HITS_MAX] = { 0 };

    step_1(oracle, hits, count);
    step_2(oracle);
    step_3(oracle, &oracle->root);
    step_4(oracle);
    step_5b(oracle, table);
    step_5c(oracle, table);
    step_6(&oracle->root);
}

/* Sorted by date, then the first of each subject is above the others. */
static void ordered_subject(struct oracle *oracle, const struct test_hit *hits, size_t count)
{
    for (size_t i = 0; i < count; i++)
        enter(entry_new(oracle, &hits[i], 0), &oracle->root);
    sort_children(&oracle->root);
    for (size_t i = 0; i < oracle->root.child_count; i++) {
        struct entry *first = oracle->root.children[i];

        for (size_t k = i + 1; k < oracle->root.child_count;) {
            struct entry *other = oracle->root.children[k];

            if (other->hit->subject != first->hit->subject) {
                k++;
                continue;
            }
            leave(other);
            enter(other, first);
        }
    }
}

static void run_oracle(enum search_thread_algorithm algorithm, const struct test_hit *hits,
                       size_t count, struct buf *out)
{
    static struct oracle oracle;

    oracle = (struct oracle){ 0 };
    if (algorithm == SEARCH_THREAD_REFERENCES)
        references(&oracle, hits, count);
    else
        ordered_subject(&oracle, hits, count);
    print_children(&oracle, &oracle.root, out);
    for (size_t i = 0; i < oracle.count; i++)
        free(oracle.entries[i]);
}

/* What a round's mail is like. */
struct shape {
    uint32_t ids; /* from 1 on */
    uint32_t references_max;
    uint32_t dates;
    uint32_t subjects;
    bool is_honest; /* references are a way up one tree; else anything */
};

static uint32_t below(struct test_random *random, uint32_t limit)
{
    return (uint32_t)test_random_below(random, limit);
}

/* The way from the top of a tree, in which i is below what it is divided by, sometimes with ids
 * left out. */
static void add_way(struct test_random *random, uint32_t divisor, struct test_hit *hit)
{
    uint32_t way[40];
    uint32_t length = 0;

    for (uint32_t id = hit->ids[0] / divisor; id != 0 && length < 40; id /= divisor)
        way[length++] = id;
    while (length-- > 0)
        if (below(random, 8) != 0)
            hit->ids[hit->id_count++] = way[length];
}

static void make_hit(struct test_random *random, const struct shape *shape, struct test_hit *hit)
{
    uint32_t references = below(random, shape->references_max + 1);

    hit->date = below(random, shape->dates) - (int64_t)shape->dates / 2;
    hit->subject = below(random, shape->subjects + 1);
    hit->is_reply = below(random, 2) == 0;
    hit->ids[0] = below(random, 10) == 0 ? 0 : 1 + below(random, shape->ids);
    hit->id_count = 1;
    if (shape->is_honest && below(random, 20) != 0)
        add_way(random, 2, hit);
    else
        for (uint32_t i = 0; i < references; i++)
            hit->ids[hit->id_count++] = 1 + below(random, shape->ids);
}

/* A chain, and in later hits its ends in turn: the walks to the root become long. */
static void make_long(struct test_random *random, bool is_first, struct test_hit *hit)
{
    for (uint32_t i = 1; hit->id_count < THREAD_TEST_IDS_MAX; i++) {
        uint32_t id = i;

        if (!is_first)
            id = 1 + below(random, 10) + (i % 2 == 0 ? 0 : THREAD_TEST_IDS_MAX - 20);
        hit->ids[hit->id_count++] = id;
    }
}

static struct shape random_shape(struct test_random *random)
{
    return (struct shape){ .ids = 1 + below(random, 80),
                           .references_max = below(random, 8),
                           .dates = 1 + below(random, 100),
                           .subjects = below(random, 10),
                           .is_honest = below(random, 2) == 0 };
}

/* True when the forest kept paths. */
static bool check(struct test_random *random, enum search_thread_algorithm algorithm,
                  const struct test_hit *hits, uint32_t count)
{
    unsigned work = 1 + below(random, 500);
    struct search_thread *thread = search_thread_new(algorithm, count, THREAD_TEST_NODES_MAX);
    struct buf got = buf_make(THREAD_TEST_TEXT_MAX);
    struct buf want = buf_make(THREAD_TEST_TEXT_MAX);
    bool is_deep;

    for (uint32_t i = 0; i < count; i++)
        (void)test_thread_add(thread, &hits[i], work);
    is_deep = thread->forest.is_deep;
    (void)test_thread_finish(thread, work, &got);
    run_oracle(algorithm, hits, count, &want);
    buf_add_byte(&got, 0);
    buf_add_byte(&want, 0);
    assert_string_equal((const char *)got.at, (const char *)want.at);
    buf_done(&got);
    buf_done(&want);
    search_thread_free(thread);
    return is_deep;
}

static void test_against_steps(void **state)
{
    const char *given = getenv("ROOST_TEST_SEED");
    uint64_t seed = given == NULL ? (uint64_t)time(NULL) : strtoull(given, NULL, 10);
    static struct test_hit hits[HITS_MAX];
    unsigned deep = 0;

    (void)state;
    print_message("ROOST_TEST_SEED=%llu\n", (unsigned long long)seed);
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct test_random random = { seed + round };
        struct shape shape = random_shape(&random);
        uint32_t count = below(&random, HITS_MAX + 1);

        for (uint32_t i = 0; i < count; i++) {
            hits[i] = (struct test_hit){ .number = i * 2 + 1 };
            make_hit(&random, &shape, &hits[i]);
            if (round % 20 == 0)
                make_long(&random, i == 0, &hits[i]);
        }
        deep += check(&random, SEARCH_THREAD_REFERENCES, hits, count);
        (void)check(&random, SEARCH_THREAD_ORDEREDSUBJECT, hits, count);
    }
    assert_true(deep > 0 && "both ways to find a root were gone");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_steps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
