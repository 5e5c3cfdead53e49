/* Reading the clocks. */
#include "sys/clock.h"

#include <errno.h>
#include <time.h>

struct mono clock_mono(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (struct mono){ (int64_t)at.tv_sec * 1000 + at.tv_nsec / 1000000 };
}

struct wall clock_wall(void)
{
    struct timespec at;

    clock_gettime(CLOCK_REALTIME, &at);
    return (struct wall){ (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000 };
}

void clock_sleep_ms(int64_t ms)
{
    struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        continue;
}
