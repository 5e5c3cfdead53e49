/* The two clocks of the machine, as the types of base/time.h. The only place that reads them. */
#ifndef ROOST_SYS_CLOCK_H
#define ROOST_SYS_CLOCK_H

#include "base/time.h"

/* CLOCK_MONOTONIC: the same for all processes of the machine, never steps back. */
struct mono clock_mono(void);

/* CLOCK_REALTIME: may step when an administrator or NTP sets it. */
struct wall clock_wall(void);

/* Waits that long; for commands, never in a loop of events. */
void clock_sleep_ms(int64_t ms);

#endif
