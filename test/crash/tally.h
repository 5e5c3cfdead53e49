/* What all processes of a run have done so far, in memory that they share: disks, disks that
 * differ, and where each of them stands. */
#ifndef ROOST_TEST_CRASH_TALLY_H
#define ROOST_TEST_CRASH_TALLY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { TALLY_SLOTS = 1 << 23, TALLY_WORKERS_MAX = 64, TALLY_OPS = 256, TALLY_DEPTHS = 3 };

struct tally {
    _Atomic uint64_t disks; /* made */
    _Atomic uint64_t different; /* by the hash of names and bytes */
    _Atomic uint64_t openings;
    _Atomic uint64_t steps; /* of lives, at which the power was cut */
    _Atomic uint64_t lives;
    _Atomic uint64_t next_life;
    _Atomic uint64_t dropped; /* lives of whose log the beginning was removed */
    _Atomic uint64_t ops[TALLY_OPS]; /* records that were met, by the code of their ops */
    struct tally_place {
        uint64_t life;
        unsigned steps[TALLY_DEPTHS]; /* of the life, of one that follows it, ... */
        unsigned disk;
        unsigned depth;
    } places[TALLY_WORKERS_MAX];
    _Atomic uint64_t slots[TALLY_SLOTS];
};

/* Zero, shared with the processes that are forked later. */
struct tally *tally_new(void);

/* True when that disk was not there before. */
bool tally_add(struct tally *tally, uint64_t hash);

/* Where this process stands: its own place after tally_be. */
void tally_be(unsigned worker);
struct tally_place *tally_mine(struct tally *tally);

#endif
