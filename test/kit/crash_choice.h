/* The decisions that make one disk out of all that a cut may leave: drawn at random, or each of
 * them tried in turn.
 *
 * In turn: begin, make a disk, and again as long as crash_choice_next says that there is another.
 * The first digits are the outer wheels of an odometer: what is decided last turns first. */
#ifndef ROOST_TEST_KIT_CRASH_CHOICE_H
#define ROOST_TEST_KIT_CRASH_CHOICE_H

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "kit/random.h"

enum { CRASH_DIGITS_MAX = 512 };

struct crash_choice {
    bool in_turn;
    struct test_random random; /* when not in turn, and past CRASH_DIGITS_MAX */
    unsigned short digit[CRASH_DIGITS_MAX];
    unsigned short limit[CRASH_DIGITS_MAX];
    unsigned count; /* digits of the last disk */
    unsigned at;
};

static inline struct crash_choice crash_choice_random(uint64_t seed)
{
    return (struct crash_choice){ .random = { seed } };
}

static inline struct crash_choice crash_choice_in_turn(void)
{
    return (struct crash_choice){ .in_turn = true };
}

/* 0 to limit - 1. */
static inline unsigned crash_choose(struct crash_choice *choice, unsigned limit)
{
    unsigned at = choice->at;

    if (limit < 2)
        return 0;
    if (!choice->in_turn || at == CRASH_DIGITS_MAX)
        return (unsigned)test_random_below(&choice->random, limit);
    if (at == choice->count) {
        choice->digit[at] = 0;
        choice->limit[at] = (unsigned short)limit;
        choice->count++;
    }
    assert(choice->limit[at] == limit);
    choice->at++;
    return choice->digit[at];
}

/* Turns the wheels. False: all have been tried. */
static inline bool crash_choice_next(struct crash_choice *choice)
{
    choice->at = 0;
    while (choice->count > 0) {
        unsigned last = choice->count - 1;

        if (choice->digit[last] + 1u < choice->limit[last]) {
            choice->digit[last]++;
            return true;
        }
        choice->count--;
    }
    return false;
}

#endif
