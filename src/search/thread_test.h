/* What the tests of threads share: hits as a test writes them, and the threads of them as text. */
#ifndef ROOST_SEARCH_THREAD_TEST_H
#define ROOST_SEARCH_THREAD_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/num.h"
#include "search/thread_internal.h"

enum {
    THREAD_TEST_IDS_MAX = 201,
    THREAD_TEST_NODES_MAX = SEARCH_THREAD_NODES_MAX,
    THREAD_TEST_TEXT_MAX = 64 * 1024 * 1024,
};

struct test_hit {
    uint32_t number;
    int64_t date;
    uint32_t subject; /* 0: empty */
    bool is_reply;
    uint32_t ids[THREAD_TEST_IDS_MAX]; /* its own, 0: none; then its references */
    uint32_t id_count; /* of them; 0: neither */
};

/* Numbers become what hashes look like. */
static inline uint64_t test_hash(uint64_t number)
{
    return number == 0 ? 0 : number * UINT64_C(0x9e3779b97f4a7c15);
}

/* How much a call did of the work it was given, all of it when it is not done. */
static inline unsigned test_work_done(unsigned given, unsigned left, bool is_done)
{
    assert_true(left <= given);
    assert_true(is_done || left == 0);
    return given - left;
}

/* Adds a hit, so much work at a time; answers how much it was. */
static inline uint64_t test_thread_add(struct search_thread *thread, const struct test_hit *hit,
                                       unsigned work_each)
{
    static uint8_t ids[8 * THREAD_TEST_IDS_MAX];
    struct search_thread_hit given = { hit->number, hit->date, test_hash(hit->subject),
                                       hit->is_reply, bytes_make(ids, (size_t)8 * hit->id_count) };
    uint64_t done = 0;
    bool is_done;

    for (uint32_t i = 0; i < hit->id_count; i++)
        num_store_u64(ids + (size_t)8 * i, test_hash(hit->ids[i]));
    assert_true(search_thread_has_room(thread, given.ids));
    do {
        unsigned work = work_each;

        is_done = search_thread_add(thread, &given, &work);
        done += test_work_done(work_each, work, is_done);
    } while (!is_done);
    return done;
}

/* What is left to do after the last hit; the threads are appended to `out`. Answers how much work
 * it was. */
static inline uint64_t test_thread_finish(struct search_thread *thread, unsigned work_each,
                                          struct buf *out)
{
    uint64_t done = 0;

    for (int call = 0; call < 3;) {
        unsigned work = work_each;
        bool is_done = call == 0   ? search_thread_build(thread, &work)
                       : call == 1 ? search_thread_print(thread, out, &work)
                                   : search_thread_release(thread, &work);

        done += test_work_done(work_each, work, is_done);
        call += is_done;
    }
    return done;
}

#endif
