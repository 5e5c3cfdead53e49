/* Threads as RFC 5256 section 3 says, rule by rule; and of mail that was made to be slow. */
#include "search/thread_test.h"

#include <stdio.h>
#include <string.h>

#include "base/attributes.h"

enum { HITS_MAX = 12, MANY = 60000, WORK_MAX = 50 };

/* Hits, a word each, numbers from 1 on: "b<ac" has the identifier b and the references a and c, "-"
 * has none, "b<ac:x" has the subject x, "b<ac:+x" is a reply in it, "b<ac:x@5" was sent at second 5
 * instead of its number times ten. */
static uint32_t read_hits(const char *text, struct test_hit hits[HITS_MAX])
{
    uint32_t count = 0;

    for (; *text != '\0'; text += *text == ' ') {
        struct test_hit *hit = &hits[count++];

        assert_true(count <= HITS_MAX);
        *hit = (struct test_hit){ .number = count, .date = 10 * count, .id_count = 1 };
        hit->ids[0] = *text == '-' ? 0 : (uint32_t)*text;
        text++;
        if (*text == '<')
            for (text++; *text >= 'a' && *text <= 'z'; text++)
                hit->ids[hit->id_count++] = (uint32_t)*text;
        if (*text == ':') {
            hit->is_reply = *++text == '+';
            text += hit->is_reply;
            hit->subject = *text != ' ' && *text != '\0' ? (uint32_t)*text++ : 0;
        }
        if (*text == '@')
            hit->date = strtol(text + 1, (char **)(uintptr_t)&text, 10);
        assert_true(*text == ' ' || *text == '\0');
    }
    return count;
}

static void check(enum search_thread_algorithm algorithm, const char *text, const char *want)
{
    static struct test_hit hits[HITS_MAX];
    uint32_t count = read_hits(text, hits);

    for (unsigned work = 1; work <= 1000; work *= 10) {
        struct search_thread *thread = search_thread_new(algorithm, count, THREAD_TEST_NODES_MAX);
        struct buf out = buf_make(THREAD_TEST_TEXT_MAX);

        for (uint32_t i = 0; i < count; i++)
            (void)test_thread_add(thread, &hits[i], work);
        (void)test_thread_finish(thread, work, &out);
        buf_add_byte(&out, 0);
        if (strcmp((const char *)out.at, want) != 0)
            fail_msg("%s: %s instead of %s", text, (const char *)out.at, want);
        buf_done(&out);
        search_thread_free(thread);
    }
}

struct example {
    const char *hits;
    const char *threads;
};

static void check_all(enum search_thread_algorithm algorithm, const struct example *examples,
                      size_t count)
{
    for (size_t i = 0; i < count; i++)
        check(algorithm, examples[i].hits, examples[i].threads);
}

static void test_links(void **state)
{
    static const struct example examples[] = {
        { "", "" },
        { "a", "(1)" },
        { "- -", "(1)(2)" },
        { "a b<a", "(1 2)" },
        { "b<a a", "(2 1)" }, /* the parent comes later */
        { "a b<a c<ab d<abc", "(1 2 3 4)" },
        { "a b<a c<a", "(1 (2)(3))" },
        { "a b<a c<ab d<ab e<a", "(1 (2 (3)(4))(5))" },
        { "a -<a -<a", "(1 (2)(3))" }, /* without an identifier of its own */
        { "a a<a b<a", "(1 (2)(3))" }, /* the second of two has none */
        { "a c<b a<c", "(1)(2 3)" },
        { "a<b a b<a", "(2)(3 1)" }, /* a refers to itself no more than b does */
        /* a parent is kept: "d<ac" does not make c a child of a, which has b */
        { "a b c<b d<ac", "(1)(2 3 4)" },
        /* but the last reference of a message itself is */
        { "d<ac a b c<b", "(2)(3 4 1)" },
        /* and who has no references has no parent, whatever others said before */
        { "c<ab a b", "(2)(3 1)" },
        { "a b c<ab", "(1 2 3)" },
    };

    (void)state;
    check_all(SEARCH_THREAD_REFERENCES, examples, ARRAY_COUNT(examples));
}

static void test_loops(void **state)
{
    static const struct example examples[] = {
        { "a<a", "(1)" },
        { "a<aaa", "(1)" },
        { "a<b b<a", "(2 1)" },
        { "a<b b<c c<a", "(3 2 1)" },
        { "a<bc b<ca c<ab", "(2 3 1)" },
        { "a<xay", "(1)" },
        { "a<xyxy", "(1)" },
    };

    (void)state;
    check_all(SEARCH_THREAD_REFERENCES, examples, ARRAY_COUNT(examples));
}

static void test_dummies(void **state)
{
    static const struct example examples[] = {
        { "b<a", "(1)" },
        { "b<a c<a", "((1)(2))" },
        { "b<a c<ab", "(1 2)" },
        { "c<ab", "(1)" },
        { "d<abc e<abc", "((1)(2))" }, /* c stands for all of them */
        { "d<abc e<ab", "((1)(2))" },
        { "a d<abc e<abc", "(1 (2)(3))" },
        { "a d<ab e<ac", "(1 (2)(3))" },
        { "d<ab e<ac b", "(2)(3 1)" },
        { "c<ab a b", "(2)(3 1)" }, /* no child is left of a dummy */
    };

    (void)state;
    check_all(SEARCH_THREAD_REFERENCES, examples, ARRAY_COUNT(examples));
}

static void test_dates(void **state)
{
    static const struct example examples[] = {
        { "a@5 b@4 c@3", "(3)(2)(1)" },
        { "a@5 b@5 c@5", "(1)(2)(3)" },
        { "a@9 b<a@8 c<a@7 d<a@8", "(1 (3)(2)(4))" },
        { "b<a@9 c@5 d<a@1 e@1", "((3)(1))(4)(2)" }, /* a dummy is as old as its first child */
        { "a@-5 b@-6 c@0", "(2)(1)(3)" },
        { "a@9223372036854775807 b@-9223372036854775807", "(2)(1)" },
    };

    (void)state;
    check_all(SEARCH_THREAD_REFERENCES, examples, ARRAY_COUNT(examples));
}

/* RFC 5256 s3, step 5. */
static void test_subjects(void **state)
{
    static const struct example examples[] = {
        { "a b:", "(1)(2)" }, /* empty ones are not the same */
        { "a:x b:y", "(1)(2)" },
        { "a:x b:+x", "(1 2)" },
        { "a:+x b:x", "(2 1)" }, /* the reply came first */
        { "a:+x b:x@10 c:+x", "(2 (1)(3))" },
        { "a:x b:x", "((1)(2))" },
        { "a:+x b:+x", "((1)(2))" },
        { "a:x b:x c:x", "((1)(2)(3))" },
        { "a:+x b:+x c:+x", "((1)(2)(3))" },
        { "a:x b:x c:+x", "((1)(2)(3))" }, /* there is a dummy then */
        { "a:+x b:+x c:x d:x", "((3 (1)(2))(4))" },
        /* a dummy, and its subject is that of its first child */
        { "b<a:x c<a:y d:+x", "((1)(2)(3))" },
        { "b<a:x c<a:y d:y", "((1)(2))(3)" },
        { "d:x b<a:x c<a:y", "((1)(2)(3))" },
        { "d:+x e:x b<a:x c<a:y", "((1)(2)(3)(4))" },
        { "b<a:x c<a:x e<d:x f<d:y", "((1)(2)(3)(4))" }, /* both are dummies */
        { "b<a:x c<a:x@90 e<d:x f<d:y", "((1)(3)(4)(2))" }, /* sorted again */
        /* only what is at the top is put together, with all that is below */
        { "a:x b<a:x c<a:y d:x e:y", "((1 (2)(3))(4))(5)" },
        { "a:x b:+x c<b:x", "(1 2 3)" },
        { "b<a:x", "(1)" },
        { "b<a:x d:+x", "(1 2)" }, /* a dummy with one child is none */
    };

    (void)state;
    check_all(SEARCH_THREAD_REFERENCES, examples, ARRAY_COUNT(examples));
}

static void test_ordered_subject(void **state)
{
    static const struct example examples[] = {
        { "", "" },
        { "a:x", "(1)" },
        { "a:x b:x", "(1 2)" },
        { "a:x b:x c:x", "(1 (2)(3))" },
        { "a:x b:y c:+x d:y@5", "(4 2)(1 3)" },
        { "a:x@9 b:x@8 c:x@8", "(2 (3)(1))" },
        { "a b", "(1 2)" }, /* an empty subject is one as well */
        { "a:x b<a:y c<b:x", "(1 3)(2)" },
    };

    (void)state;
    check_all(SEARCH_THREAD_ORDEREDSUBJECT, examples, ARRAY_COUNT(examples));
}

/* The example of RFC 5256 s4, THREAD Response. */
static void test_example(void **state)
{
    static const struct test_hit hits[] = {
        { 2, 1, 0, false, { 'b' }, 1 },       { 3, 2, 0, false, { 'c' }, 1 },
        { 4, 4, 0, false, { 'd', 'f' }, 2 },  { 6, 3, 0, false, { 'f', 'c' }, 2 },
        { 7, 6, 0, false, { 'g', 'x' }, 2 },  { 23, 7, 0, false, { 'w', 'd' }, 2 },
        { 44, 5, 0, false, { 'x', 'f' }, 2 }, { 96, 8, 0, false, { 'z', 'g' }, 2 },
    };
    struct search_thread *thread =
        search_thread_new(SEARCH_THREAD_REFERENCES, ARRAY_COUNT(hits), THREAD_TEST_NODES_MAX);
    struct buf out = buf_make(THREAD_TEST_TEXT_MAX);

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(hits); i++)
        (void)test_thread_add(thread, &hits[i], 100);
    (void)test_thread_finish(thread, 100, &out);
    buf_add_byte(&out, 0);
    assert_string_equal((const char *)out.at, "(2)(3 6 (4 23)(44 7 96))");
    buf_done(&out);
    search_thread_free(thread);
}

/* The n-th hit, from 1 on, of mail that was made to be slow. */
typedef void make_hit(uint32_t n, struct test_hit *hit);

static void make_chain(uint32_t n, struct test_hit *hit)
{
    if (n > 1)
        hit->ids[hit->id_count++] = n - 1;
}

static void make_chain_backwards(uint32_t n, struct test_hit *hit)
{
    hit->ids[0] = MANY + 1 - n;
    if (n < MANY)
        hit->ids[hit->id_count++] = MANY - n;
}

static void make_ring(uint32_t n, struct test_hit *hit)
{
    hit->ids[hit->id_count++] = n % MANY + 1;
}

static void make_one_id(uint32_t n, struct test_hit *hit)
{
    hit->ids[0] = 1;
    hit->ids[hit->id_count++] = 1 + n % 2;
}

static void make_one_subject(uint32_t n, struct test_hit *hit)
{
    hit->subject = 1;
    hit->is_reply = n % 3 != 0;
}

/* One chain of dummies; then its end is said to be above its beginning, again and again. */
static void make_questions(uint32_t n, struct test_hit *hit)
{
    uint32_t length = THREAD_TEST_IDS_MAX - 1;
    uint32_t last = MANY + MANY / 100 * (length - 1);

    if (n > MANY / 50)
        return;
    for (uint32_t i = 1; i <= length; i++)
        hit->ids[hit->id_count++] = n <= MANY / 100 ? MANY + (n - 1) * (length - 1) + i
                                    : i % 2 == 0    ? MANY + 1
                                                    : last;
}

/* The same among messages, from many places. */
static void make_loops(uint32_t n, struct test_hit *hit)
{
    if (n < MANY / 2) {
        make_chain(n, hit);
        return;
    }
    for (uint32_t i = 1; i < 20; i++)
        hit->ids[hit->id_count++] = i % 2 == 0 ? 1 : MANY / 2 - i;
}

/* A message cuts the chain that those before have made, in the middle. */
static void make_cuts(uint32_t n, struct test_hit *hit)
{
    if (n < MANY / 2) {
        hit->ids[0] = MANY + n;
        hit->ids[hit->id_count++] = n;
        hit->ids[hit->id_count++] = n + 1;
    } else {
        hit->ids[0] = (n * 7919) % (MANY / 2);
        hit->ids[hit->id_count++] = MANY / 2 + (n * 6007) % (MANY / 2);
    }
}

/* However they refer to each other: so much work for each message, and no more. */
static void test_slow_mail(void **state)
{
    static make_hit *const makes[] = { make_chain,       make_chain_backwards,
                                       make_ring,        make_one_id,
                                       make_one_subject, make_questions,
                                       make_loops,       make_cuts };
    static struct test_hit hit;

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(makes); i++) {
        struct search_thread *thread =
            search_thread_new(SEARCH_THREAD_REFERENCES, MANY, THREAD_TEST_NODES_MAX);
        struct buf out = buf_make(THREAD_TEST_TEXT_MAX);
        uint64_t ids = 0;
        uint64_t work = 0;
        uint32_t numbers = 0;

        for (uint32_t n = 1; n <= MANY; n++) {
            hit = (struct test_hit){ .number = n, .date = n, .ids = { n }, .id_count = 1 };
            makes[i](n, &hit);
            ids += hit.id_count;
            work += test_thread_add(thread, &hit, 1000);
        }
        work += test_thread_finish(thread, 1000, &out);
        assert_true(work < WORK_MAX * ids);
        for (size_t at = 0; at < out.len; at++)
            numbers += out.at[at] >= '0' && out.at[at] <= '9' &&
                       (out.at[at + 1] < '0' || out.at[at + 1] > '9');
        assert_int_equal(numbers, MANY);
        buf_done(&out);
        search_thread_free(thread);
    }
}

/* Adds hits with ids that are new, as many of each as are told, as long as there is room. */
static uint32_t count_added(const uint32_t *ids, uint32_t count, uint32_t nodes_max)
{
    struct search_thread *thread = search_thread_new(SEARCH_THREAD_REFERENCES, count, nodes_max);
    struct buf out = buf_make(THREAD_TEST_TEXT_MAX);
    static const uint8_t space[8 * THREAD_TEST_IDS_MAX];
    static struct test_hit hit;
    uint32_t next_id = 1;
    uint32_t added = 0;

    while (added < count &&
           search_thread_has_room(thread, bytes_make(space, (size_t)8 * ids[added]))) {
        hit = (struct test_hit){ .number = added + 1, .subject = 1, .id_count = ids[added] };
        for (uint32_t i = 0; i < hit.id_count; i++)
            hit.ids[i] = next_id++;
        (void)test_thread_add(thread, &hit, 1);
        added++;
    }
    if (added == count)
        (void)test_thread_finish(thread, 10, &out);
    buf_done(&out);
    search_thread_free(thread);
    return added;
}

/* At the limit and one past it: of hits with many ids, with one, and with none, which need a node
 * as well; whatever becomes of them in the end (all have one subject, which takes another node). */
static void test_limit(void **state)
{
    static const uint32_t none[] = { 0, 0, 0 };
    static const uint32_t some[] = { 1, 0, 3 };
    static const uint32_t many[] = { 200, 201, 1 };

    (void)state;
    assert_int_equal(count_added(none, 3, 3), 3);
    assert_int_equal(count_added(none, 3, 2), 2);
    assert_int_equal(count_added(none, 3, 0), 0);
    assert_int_equal(count_added(some, 3, 5), 3);
    assert_int_equal(count_added(some, 3, 4), 2);
    assert_int_equal(count_added(some, 3, 1), 1);
    assert_int_equal(count_added(many, 3, 402), 3);
    assert_int_equal(count_added(many, 3, 401), 2);
    assert_int_equal(count_added(many, 3, 400), 1);
}

/* Wherever it is left. */
static void test_given_up(void **state)
{
    static struct test_hit hit = { .number = 1, .ids = { 1, 2, 3 }, .id_count = 3 };
    struct search_thread *thread;
    struct buf out = buf_make(100);

    (void)state;
    search_thread_free(NULL);
    for (unsigned work = 0; work < 60; work++) {
        unsigned left = work;

        thread = search_thread_new(SEARCH_THREAD_REFERENCES, 1, THREAD_TEST_NODES_MAX);
        (void)test_thread_add(thread, &hit, 10);
        (void)(search_thread_build(thread, &left) && search_thread_print(thread, &out, &left));
        search_thread_free(thread);
    }
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_links),    cmocka_unit_test(test_loops),
        cmocka_unit_test(test_dummies),  cmocka_unit_test(test_dates),
        cmocka_unit_test(test_subjects), cmocka_unit_test(test_ordered_subject),
        cmocka_unit_test(test_example),  cmocka_unit_test(test_slow_mail),
        cmocka_unit_test(test_limit),    cmocka_unit_test(test_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
