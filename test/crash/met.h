/* Which records the lives of a run wrote: a power cut proves nothing of an op that never came. */
#ifndef ROOST_TEST_CRASH_MET_H
#define ROOST_TEST_CRASH_MET_H

#include <stdbool.h>

#include "crash/tally.h"
#include "sys/vfs.h"

/* Counts the ops in the log and base segments that `disk` holds. */
void met_count(struct vfs *disk, struct tally *tally);

/* Prints what came how often; false when an op that the store writes is not among it. */
bool met_print(const struct tally *tally);

#endif
