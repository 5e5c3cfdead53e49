/* Which UIDs of a mailbox were expunged by which change, for VANISHED (EARLIER) (RFC 7162 section
 * 3.2.5.2). Bounded: the oldest are forgotten first, and from then on the history says so. */
#ifndef ROOST_STORE_VANISHED_H
#define ROOST_STORE_VANISHED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "store/types.h"

enum { VANISHED_RANGES_MAX = 32 * 1024 };

struct vanished_range {
    struct uid_range uids;
    uint64_t modseq;
};

struct vanished {
    struct vanished_range *ranges; /* by modseq, then UID */
    size_t count;
    size_t capacity;
    uint64_t complete_since; /* all expunges with a higher modseq are there */
};

void vanished_done(struct vanished *vanished);

/* `uids` were not added before. A modseq below that of the last call (a damaged base) counts as
 * that one: who asks is told more, never less. */
void vanished_add(struct vanished *vanished, struct uid_range uids, uint64_t modseq);

/* Forgets all that was expunged up to and with `modseq`, and all that is known of it. */
void vanished_forget(struct vanished *vanished, uint64_t modseq);

/* True when the history reaches back to `since`. */
bool vanished_reaches(const struct vanished *vanished, uint64_t since);

/* Those expunged with a modseq above `since`, out of `within`. False: the arena is over budget. */
MUST_USE bool vanished_since(const struct vanished *vanished, uint64_t since, struct uid_set within,
                             struct arena *arena, struct uid_set *out_set);

#endif
