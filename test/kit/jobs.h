/* An executor whose jobs run when the test says so. One thread: what a pool does at any time
 * happens here between two lines of the test. */
#ifndef ROOST_TEST_KIT_JOBS_H
#define ROOST_TEST_KIT_JOBS_H

#include <stdbool.h>

#include "base/job.h"

struct jobs {
    struct executor executor; /* first: &jobs->executor is what the code under test gets */
    struct list waiting;
    struct list finished; /* run, but not yet done */
    bool at_once; /* submit runs the job; its `done` still waits for jobs_deliver */
};

void jobs_init(struct jobs *jobs);

/* Runs the oldest waiting job, without its `done`. False when there is none. */
bool jobs_run(struct jobs *jobs);

/* Calls `done` of the oldest job that has run. False when there is none. */
bool jobs_deliver(struct jobs *jobs);

/* Both, until nothing is left, what they submit included. */
void jobs_settle(struct jobs *jobs);

#endif
