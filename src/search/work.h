/* Work: what a call may still do, in steps of some ten nanoseconds. What it does is taken off. */
#ifndef ROOST_SEARCH_WORK_H
#define ROOST_SEARCH_WORK_H

#include <stdbool.h>

#include "base/attributes.h"
#include "store/step_charge.h"

/* Takes off what is done next, before it is done: what cannot be cut may cost more than is left,
 * and then all of it goes. False: nothing was left, so it is not to be done. */
MUST_USE static inline bool search_work_spend(unsigned *work, unsigned cost)
{
    if (*work == 0)
        return false;
    step_charge(work, cost);
    return true;
}

#endif
