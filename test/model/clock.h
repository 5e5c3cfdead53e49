/* What time it is for the account under test, as far as answers depend on it. */
#ifndef ROOST_TEST_MODEL_CLOCK_H
#define ROOST_TEST_MODEL_CLOCK_H

#include <stdint.h>

struct model_clock {
    const char *date_time; /* INTERNALDATE of what comes without one; NULL: not known exactly */
    int64_t seconds; /* since 1970 */
    int day; /* 20231114 */
};

extern struct model_clock model_clock;

#endif
