/* Many rows at once against one row after the other. */
#include "search/rows.h"

#include <stdlib.h>
#include <time.h>

#include "kit/random.h"
#include "search/search_test.h"
#include "store/block.h"

enum { ROUNDS = 400, DAY = 86400, NOW = 1700000000 };

static uint64_t below(struct test_random *random, uint64_t limit)
{
    return test_random_below(random, limit);
}

static struct uid_set random_set(struct test_random *random, struct uid_range ranges[4])
{
    uint32_t at = 1;
    uint32_t count = (uint32_t)below(random, 5);

    for (uint32_t i = 0; i < count; i++) {
        ranges[i].first = at + (uint32_t)below(random, 200);
        ranges[i].last = ranges[i].first + (uint32_t)below(random, 300);
        at = ranges[i].last + 2;
    }
    if (count > 0 && below(random, 4) == 0)
        ranges[count - 1].last = UINT32_MAX;
    return (struct uid_set){ ranges, count };
}

/* Some columns are the same in all rows, as is common. */
static struct row random_row(struct test_random *random, uint32_t uid, uint64_t constant)
{
    return (struct row){
        .uid = { uid },
        .flags = (constant & 1) != 0 ? FLAG_SEEN : (uint16_t)below(random, 32),
        .keywords = { { (constant & 2) != 0 ? 0 : below(random, 4), below(random, 2) << 63 } },
        .modseq = { 1 + below(random, 9) },
        .internal_date = { (int64_t)NOW - (int64_t)below(random, 5 * DAY),
                           (constant & 4) != 0 ? 60 : (int16_t)(below(random, 2879) - 1439) },
        .save_date = (int64_t)below(random, 3 * DAY) - DAY,
        .size = below(random, 5),
        .body = { below(random, 6) },
        .thread = { below(random, 6) },
    };
}

static struct search_rows random_rows(struct test_random *random)
{
    uint32_t count = 1 + (uint32_t)below(random, below(random, 8) == 0 ? BLOCK_ROWS : 200);
    uint64_t constant = below(random, 8);
    struct block *block = block_new();
    struct search_rows rows = { .first = { 1 + (uint32_t)below(random, 300) } };
    uint32_t uid = 0;

    for (uint32_t i = 0; i < count; i++) {
        struct row row;

        uid += 1 + (uint32_t)below(random, 3);
        row = random_row(random, uid, constant);
        block_append(block, &row);
    }
    rows.run.block = block;
    rows.run.at = (uint32_t)below(random, count);
    rows.run.end = rows.run.at + 1 + (uint32_t)below(random, count - rows.run.at);
    return rows;
}

static bool in_set(struct uid_set set, uint32_t number)
{
    for (uint32_t i = 0; i < set.count; i++)
        if (number >= set.ranges[i].first && number <= set.ranges[i].last)
            return true;
    return false;
}

static int64_t day_of(int64_t seconds)
{
    return seconds >= 0 ? seconds / DAY : -((-seconds + DAY - 1) / DAY);
}

static bool on_day(const struct search_key *key, int64_t seconds)
{
    int64_t day = day_of(seconds);

    return key->when == IMAP_SEARCH_BEFORE ? day < key->number
           : key->when == IMAP_SEARCH_ON   ? day == key->number
                                           : day >= key->number;
}

static const enum imap_search_type leaves[] = {
    IMAP_SEARCH_SEQUENCE, IMAP_SEARCH_UID,
    IMAP_SEARCH_FLAG,     IMAP_SEARCH_KEYWORD,
    IMAP_SEARCH_LARGER,   IMAP_SEARCH_SMALLER,
    IMAP_SEARCH_OLDER,    IMAP_SEARCH_YOUNGER,
    IMAP_SEARCH_MODSEQ,   IMAP_SEARCH_EMAILID,
    IMAP_SEARCH_THREADID, IMAP_SEARCH_INTERNALDATE,
    IMAP_SEARCH_SAVEDATE, IMAP_SEARCH_SAVEDATE_SUPPORTED,
    IMAP_SEARCH_SUBJECT,
};

static struct search_key random_leaf(struct test_random *random, struct uid_range ranges[4])
{
    struct search_key key = { .type = leaves[below(random, ARRAY_COUNT(leaves))],
                              .when = (enum imap_search_when)below(random, 3),
                              .wanted = below(random, 2) != 0,
                              .flags = (uint16_t)below(random, 32),
                              .keyword = (int[]){ -1, 0, 1, 127 }[below(random, 4)],
                              .number = (int64_t)below(random, 6),
                              .uids = random_set(random, ranges) };

    if (key.type == IMAP_SEARCH_INTERNALDATE)
        key.number = NOW / DAY - (int64_t)below(random, 8) + 1;
    if (key.type == IMAP_SEARCH_SAVEDATE)
        key.number = (int64_t)below(random, 5) - 2;
    if (key.type == IMAP_SEARCH_OLDER || key.type == IMAP_SEARCH_YOUNGER)
        key.number = (int64_t)below(random, 6 * DAY);
    if (key.type == IMAP_SEARCH_LARGER && below(random, 9) == 0)
        key.number = INT64_MAX;
    return key;
}

static bool has_keyword(const struct row *row, int keyword)
{
    return keyword >= 0 && (row->keywords.word[keyword / 64] >> keyword % 64 & 1) != 0;
}

/* What the key says of one row; -1: the row cannot tell. */
static int truth_of(const struct search_program *program, const struct search_key *key,
                    const struct row *row, uint32_t seqno)
{
    switch ((int)key->type) {
    case IMAP_SEARCH_SEQUENCE: return in_set(key->uids, seqno);
    case IMAP_SEARCH_UID: return in_set(key->uids, row->uid.value);
    case IMAP_SEARCH_FLAG:
        return (key->flags != 0 ? (row->flags & key->flags) != 0
                                : in_set(program->context.recent, row->uid.value)) == key->wanted;
    case IMAP_SEARCH_KEYWORD: return has_keyword(row, key->keyword) == key->wanted;
    case IMAP_SEARCH_LARGER: return row->size > (uint64_t)key->number;
    case IMAP_SEARCH_SMALLER: return row->size < (uint64_t)key->number;
    case IMAP_SEARCH_OLDER: return row->internal_date.seconds <= NOW - key->number;
    case IMAP_SEARCH_YOUNGER: return row->internal_date.seconds >= NOW - key->number;
    case IMAP_SEARCH_MODSEQ: return row->modseq.value >= (uint64_t)key->number;
    case IMAP_SEARCH_EMAILID: return key->wanted && row->body.value == (uint64_t)key->number;
    case IMAP_SEARCH_THREADID: return key->wanted && row->thread.value == (uint64_t)key->number;
    case IMAP_SEARCH_INTERNALDATE:
        return on_day(key, row->internal_date.seconds + row->internal_date.zone * 60);
    case IMAP_SEARCH_SAVEDATE: return on_day(key, row->save_date);
    case IMAP_SEARCH_SAVEDATE_SUPPORTED: return 1;
    default: return -1;
    }
}

static int truth_of_tree(const struct search_program *program, const struct search_key *key,
                         const struct row *row, uint32_t seqno)
{
    int result = key->type == IMAP_SEARCH_AND;

    if (key->type == IMAP_SEARCH_NOT) {
        int inner = truth_of_tree(program, key->children, row, seqno);

        return inner < 0 ? inner : !inner;
    }
    if (key->type != IMAP_SEARCH_AND && key->type != IMAP_SEARCH_OR)
        return truth_of(program, key, row, seqno);
    for (const struct search_key *child = key->children; child != NULL; child = child->next) {
        int truth = truth_of_tree(program, child, row, seqno);

        if (truth == (key->type == IMAP_SEARCH_OR))
            return truth;
        if (truth < 0)
            result = -1;
    }
    return result;
}

enum { TREE_KEYS = 12 };
struct tree {
    struct search_key keys[TREE_KEYS];
    struct uid_range ranges[TREE_KEYS][4];
};

/* Key `at` with those below it; answers the first that is free. */
static uint32_t random_tree(struct test_random *random, struct tree *tree, uint32_t at)
{
    struct search_key *key = &tree->keys[at];
    const struct search_key **tail = &key->children;
    uint32_t next = at + 1;
    uint64_t children = below(random, 3);

    *key = random_leaf(random, tree->ranges[at]);
    if (next == TREE_KEYS || below(random, 2) == 0)
        return next;
    key->type = (enum imap_search_type[]){ IMAP_SEARCH_AND, IMAP_SEARCH_OR,
                                           IMAP_SEARCH_NOT }[below(random, 3)];
    for (uint64_t i = 0;
         (i == 0 || (i < children && key->type != IMAP_SEARCH_NOT)) && next < TREE_KEYS; i++) {
        struct search_key *child = &tree->keys[next];

        next = random_tree(random, tree, next);
        *tail = child;
        tail = &child->next;
    }
    return next;
}

static void check(const struct search_program *program, const struct search_rows *rows)
{
    struct search_verdict verdict;
    uint32_t count = search_rows_count(rows);

    memset(&verdict, 0xAA, sizeof(verdict));
    search_rows_judge(program, rows, &verdict);
    for (uint32_t i = 0; i < count; i++) {
        struct row row;
        int truth;

        block_row(rows->run.block, rows->run.at + i, &row);
        truth = truth_of_tree(program, program->root, &row, rows->first.value + i);
        assert_int_equal(verdict.yes[i / 64] >> i % 64 & 1, truth == 1);
        assert_int_equal(verdict.no[i / 64] >> i % 64 & 1, truth == 0);
    }
    if (count % 64 != 0) { /* nothing is said of rows that are not there */
        assert_int_equal(verdict.yes[count / 64] >> count % 64, 0);
        assert_int_equal(verdict.no[count / 64] >> count % 64, 0);
    }
}

static void test_random(void **state)
{
    const char *given = getenv("ROOST_TEST_SEED");
    uint64_t seed = given == NULL ? (uint64_t)time(NULL) : strtoull(given, NULL, 10);
    struct test_random random = { seed };

    (void)state;
    print_message("ROOST_TEST_SEED=%llu\n", (unsigned long long)seed);
    for (int round = 0; round < ROUNDS; round++) {
        struct search_rows rows = random_rows(&random);
        struct search_program program = { .context.now_seconds = NOW };
        struct uid_range recent[4];

        program.context.recent = random_set(&random, recent);
        for (int i = 0; i < 8; i++) {
            struct tree tree;

            (void)random_tree(&random, &tree, 0);
            program.root = &tree.keys[0];
            check(&program, &rows);
        }
        block_release((struct block *)(uintptr_t)rows.run.block);
    }
}

/* A day is one of the zone's, before 1970 too. */
static void test_days(void **state)
{
    static const struct {
        int64_t seconds;
        int16_t zone;
        int64_t day;
    } days[] = {
        { 0, 0, 0 },       { -1, 0, -1 },     { 0, -1, -1 },
        { -86400, 0, -1 }, { -86401, 0, -2 }, { 86399, 1, 1 },
    };
    const struct search_program program = { .root = NULL };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(days); i++) {
        struct row row = { .uid = { 1 }, .internal_date = { days[i].seconds, days[i].zone } };
        struct block *block = block_new();
        struct search_rows rows = { { block, 0, 1 }, { 1 } };

        block_append(block, &row);
        for (int64_t day = days[i].day - 1; day <= days[i].day + 1; day++) {
            struct search_key key = { .type = IMAP_SEARCH_INTERNALDATE,
                                      .when = IMAP_SEARCH_ON,
                                      .number = day };
            uint64_t word;

            assert_true(search_rows_key(&program, &key, &rows, &word));
            assert_int_equal(word, day == days[i].day);
        }
        block_release(block);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_days),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
