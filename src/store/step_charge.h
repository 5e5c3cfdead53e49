/* What a step may still do, in units of its own; 0: it is over. */
#ifndef ROOST_STORE_STEP_CHARGE_H
#define ROOST_STORE_STEP_CHARGE_H

#include <stdint.h>

/* Takes off what was done, but no more than is left. */
static inline void step_charge(uint32_t *left, uint64_t cost)
{
    *left -= cost < *left ? (uint32_t)cost : *left;
}

#endif
