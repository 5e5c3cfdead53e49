/* Goes through the disks that a life may leave, at every step, and opens each. */
#ifndef ROOST_TEST_CRASH_CUTS_H
#define ROOST_TEST_CRASH_CUTS_H

#include "crash/life.h"
#include "crash/tally.h"

enum { DEPTH_MAX = 2 };

struct cuts {
    struct tally *tally;
    unsigned draws; /* disks at each step, drawn at random */
    unsigned in_turn; /* before that: so many at each step at most, one after the other */
    unsigned depth; /* 0: of a life; more: of an opening after a cut, and so on */
    bool print; /* the steps of the life itself */
    unsigned again; /* of so many disks one goes on living and is cut again; 0: none */
};

/* The life has run. */
void cuts_check(const struct life *life, const struct cuts *cuts, uint64_t seed);

#endif
