/* Repeatable random numbers (splitmix64): a test prints its seed, and the seed brings the run back.
 */
#ifndef ROOST_TEST_KIT_RANDOM_H
#define ROOST_TEST_KIT_RANDOM_H

#include <stdint.h>

struct test_random {
    uint64_t state;
};

static inline uint64_t test_random_next(struct test_random *random)
{
    uint64_t mixed = random->state += UINT64_C(0x9e3779b97f4a7c15);

    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

/* 0 to limit - 1; limit is not 0. */
static inline uint64_t test_random_below(struct test_random *random, uint64_t limit)
{
    return test_random_next(random) % limit;
}

#endif
