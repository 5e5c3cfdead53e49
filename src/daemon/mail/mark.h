/* Notes which account the shard is at, in the memory that outlives it (ipc/marks.h): should this
 * process crash, the supervisor knows whose work it was.
 *
 * On the loop's thread between mark_enter and mark_leave; on the pool's threads while a job runs
 * that was submitted through the account's own executor, whose `done` is marked as well. */
#ifndef ROOST_DAEMON_MAIL_MARK_H
#define ROOST_DAEMON_MAIL_MARK_H

#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/err.h"
#include "base/job.h"
#include "ipc/messages.h"

struct shard;

/* An account's executor: passes on to one of the shard's. It may go once its last job is done. */
struct mark_jobs {
    struct executor executor;
    struct executor *to;
    struct shard *shard;
    struct ipc_account_id id;
    size_t pending; /* jobs whose `done` has not been called */
};

/* Maps the memory. `fd` is borrowed; -1: none was given, and nobody will read. */
MUST_USE enum err mark_init(struct shard *shard, int fd, struct note *why);
void mark_done(struct shard *shard);

/* Work of that account begins; it may nest within work of the same account. */
void mark_enter(struct shard *shard, const uint8_t id[IPC_ACCOUNT_ID_BYTES]);
void mark_leave(struct shard *shard);

void mark_jobs_init(struct mark_jobs *jobs, struct shard *shard, struct executor *to,
                    const uint8_t id[IPC_ACCOUNT_ID_BYTES]);

#endif
