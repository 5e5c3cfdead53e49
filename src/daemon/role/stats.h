/* What a role counts, told to control (IPC_STATS): JSON, an object of numbers. A number that comes
 * in several kinds is an object by label, and that may hold objects by a second label:
 * {"sessions":{"imap":{"yes":3}}}. Which of it becomes a metric stands in daemon/control/metrics.c.
 *
 * Counters are plain numbers in the role's own state, from 0 at its start; only a question for them
 * costs more than an increment. */
#ifndef ROOST_DAEMON_ROLE_STATS_H
#define ROOST_DAEMON_ROLE_STATS_H

#include "base/buf.h"
#include "daemon/role/ask.h"

enum { ROLE_STATS_BYTES_MAX = 16 * 1024 };

/* The label of a result: "ok", "over_quota". Static memory. */
const char *role_stats_result(enum ipc_result result);

/* {"ok":5,"over_quota":1}: "ok" always, others once they have happened. */
void role_stats_print_results(struct buf *out, const uint64_t counts[IPC_RESULT_COUNT]);

void role_stats_answer(const struct role_asker *asker, struct bytes json);

#endif
