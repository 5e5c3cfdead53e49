/* What the benchmarks of the store share: clocks, and figures as lines of `name value unit`. */
#ifndef ROOST_BENCH_FIGURES_H
#define ROOST_BENCH_FIGURES_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/err.h"

/* CLOCK_THREAD_CPUTIME_ID is the processor's time, so that other load does not blur a step;
 * CLOCK_MONOTONIC the clock on the wall. */
static inline double clock_us(clockid_t clock)
{
    struct timespec at;

    clock_gettime(clock, &at);
    return (double)at.tv_sec * 1e6 + (double)at.tv_nsec / 1e3;
}

static inline double clock_ms(clockid_t clock)
{
    return clock_us(clock) / 1e3;
}

static inline void figure(const char *name, double value, const char *unit)
{
    printf("%-44s %12.3f %s\n", name, value, unit);
    fflush(stdout);
}

/* Says what failed and ends the program. */
static inline void must(enum err err, const char *what)
{
    if (err == ERR_OK)
        return;
    printf("%s: %s\n", what, err_text(err));
    exit(1);
}

#endif
