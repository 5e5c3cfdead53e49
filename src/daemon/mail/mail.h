/* The mail role, a shard: what `roost --role mail` runs. */
#ifndef ROOST_DAEMON_MAIL_MAIL_H
#define ROOST_DAEMON_MAIL_MAIL_H

#include "base/attributes.h"
#include "daemon/role/role.h"

struct executor;
struct sandbox_profile;
struct shard;

/* The whole life of a shard's process; answers its exit code. */
MUST_USE int mail_main(void);

/* The walls, with `directory_fd` (data/accounts) as the one place: also for `roost sandbox`. What
 * `out_profile` points to lives as long as the process. */
void mail_profile(int directory_fd, struct sandbox_profile *out_profile);

/* For tests: a shard for role_init. With an executor jobs go there instead of to threads. Free it
 * before role_done, when its jobs are done. */
extern const struct role_spec mail_role;
struct shard *shard_new(struct executor *executor);
void shard_free(struct shard *shard);

/* For tests and stats. */
struct shard_counts {
    uint64_t sessions; /* now */
    uint64_t accounts_open;
    uint64_t deliveries; /* on their way in */
    uint64_t maintenances; /* now */
    uint64_t logins; /* since the start */
    uint64_t delivered;
    uint64_t sessions_tls; /* of `sessions` */
    uint64_t accounts_opened;
    uint64_t open_failures;
    uint64_t log_failures;
    uint64_t answered[IPC_RESULT_COUNT]; /* deliveries, by result */
    uint64_t log_syncs;
    uint64_t log_bytes; /* that those made durable */
    uint64_t held_bytes; /* now: output that waits for a log */
};
struct shard_counts shard_counts(const struct shard *shard);

#endif
