/* Points in time, as types that cannot be mixed up. Only sys/clock.h reads a clock. */
#ifndef ROOST_BASE_TIME_H
#define ROOST_BASE_TIME_H

#include <stdint.h>

/* Monotonic clock, for timeouts. Milliseconds since an arbitrary start. */
struct mono {
    int64_t ms;
};

/* Wall clock, for dates. Microseconds since 1970-01-01 00:00 UTC. */
struct wall {
    int64_t us;
};

static inline int64_t wall_seconds(struct wall wall)
{
    return wall.us / 1000000;
}

#endif
