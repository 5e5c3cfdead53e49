/* What a shard is at, noted in memory that outlives it (IPC_MEMORY): the accounts whose work its
 * threads do at this moment. The shard writes, the supervisor reads when the shard has died.
 *
 * The loop's thread has a mark of its own; each job on a pool takes a free one for as long as it
 * runs. Noting costs a copy of 16 bytes and one or two stores, and never waits. Pure: the memory is
 * the caller's, at least MARKS_BYTES, aligned to 8, zero at first. */
#ifndef ROOST_IPC_MARKS_H
#define ROOST_IPC_MARKS_H

#include <stddef.h>

#include "base/attributes.h"
#include "ipc/messages.h"

enum {
    MARKS_BYTES = 64 * 1024, /* of the memory */
    MARKS_LOOP = 0, /* the mark of the loop's thread */
    MARKS_JOBS_MAX = 64, /* as many as a pool can have threads */
    MARKS_MAX = 1 + MARKS_JOBS_MAX,
    MARKS_NONE = MARKS_MAX,
};

struct marks;

/* The loop's thread begins with that account; no other is marked there now. */
void marks_enter_loop(struct marks *marks, const struct ipc_account_id *id);

/* Any thread begins with that account. Answers the mark it has; MARKS_NONE when all are taken. */
MUST_USE unsigned marks_enter(struct marks *marks, const struct ipc_account_id *id);

/* It is through. Harmless for MARKS_NONE. */
void marks_leave(struct marks *marks, unsigned mark);

/* What a process that is dead was at, each account once. The memory may hold anything. */
size_t marks_read(const struct marks *marks, struct ipc_account_id out_ids[MARKS_MAX]);

/* Nothing is marked any more: before the next process gets the memory. */
void marks_clear(struct marks *marks);

#endif
