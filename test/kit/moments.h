/* What tests of copies share: an account at work whose log is cut up small and compacted while it
 * is young, and what it was at each moment. */
#ifndef ROOST_TEST_KIT_MOMENTS_H
#define ROOST_TEST_KIT_MOMENTS_H

#include "kit/desk.h"
#include "kit/random.h"
#include "kit/shadow.h"

/* What the account was after a change. */
struct moment {
    uint64_t change;
    struct shadow *shadow; /* owned */
};

/* Before the account is opened: small segments, compacted when they are 20 s old, whose files stay
 * for `linger_ms`. */
void moments_set_up(struct desk *desk, uint32_t linger_ms);

/* A random act, perhaps synced, and some housekeeping. It takes a second. */
void moments_act(struct shadow *shadow, struct desk *desk, struct test_random *random);

void moments_note(struct moment *moment, const struct desk *desk, const struct shadow *shadow);
/* Of the first *count; that is 0 then. */
void moments_forget(struct moment *moments, unsigned *count);

#endif
