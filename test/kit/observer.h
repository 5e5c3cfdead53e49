/* Somebody who looks at an account and knows nothing of logs: which messages are where, and what
 * they look like. And the way back, from the log to what was lost. */
#ifndef ROOST_TEST_KIT_OBSERVER_H
#define ROOST_TEST_KIT_OBSERVER_H

#include <stddef.h>
#include <stdint.h>

#include "kit/desk.h"
#include "store/act_undelete.h"
#include "store/lost.h"
#include "store/lost_find.h"

enum { SEEN_ROWS_MAX = 4000, SEEN_REST_BYTES = 128 };

struct seen_row {
    uint32_t mailbox;
    uint32_t uid;
    uint64_t body;
    uint16_t flags;
    int64_t lost_at; /* wall time; of lost ones only */
    char rest[SEEN_REST_BYTES]; /* keywords, dates, thread */
};

struct seen {
    struct seen_row rows[SEEN_ROWS_MAX];
    size_t count;
};

/* All messages, by mailbox id and UID. */
void observer_look(const struct desk *desk, struct seen *out_seen);

/* The row with that mailbox and UID; NULL: there is none. */
const struct seen_row *observer_find(const struct seen *seen, const struct seen_row *row);

/* Every body can be read. */
void observer_read_all(struct desk *desk, const struct seen *seen);

/* `ask` without vfs and position. */
void observer_find_lost(struct desk *desk, const struct lost_find_options *ask,
                        struct lost *out_lost);

/* Finds and brings back, while compaction is held off; what was planned is what was done. */
struct undelete_counts observer_undelete(struct desk *desk, const struct lost_find_options *ask);

/* Doing it again brings nothing back and writes nothing. */
void observer_assert_nothing_left(struct desk *desk);

/* Closed and opened again without its checkpoint: the same account. */
void observer_reopen(struct desk *desk);

#endif
