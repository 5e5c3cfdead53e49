/* One role's process: its start, what it is given, its end and its replacement. */
#ifndef ROOST_DAEMON_SUPERVISOR_WORKER_H
#define ROOST_DAEMON_SUPERVISOR_WORKER_H

#include "daemon/supervisor/state.h"
#include "ipc/codec.h"

enum {
    WORKER_PATIENCE_MS = 60 * 1000, /* from the start to IPC_READY; then it is killed */
    WORKER_YOUNG_MS = 1000, /* dying sooner after IPC_READY counts as a failure */
    WORKER_YOUNG_APART_MS = 60 * 1000, /* likewise, with accounts that are set apart */
    WORKER_WAIT_FIRST_MS = 50, /* before the start after a failure; doubles with each */
    WORKER_WAIT_READY_MAX_MS = 400, /* where it had been ready and serves accounts at large */
    WORKER_WAIT_MAX_MS = 10 * 1000,
};

void worker_init(struct worker *worker, struct supervisor *supervisor, enum ipc_role role,
                 uint16_t index);

/* Kills what runs. */
void worker_done(struct worker *worker);

/* Starts the process now. What fails is logged and tried again later. */
void worker_start(struct worker *worker);

/* The same after the wait that its last end asks for. */
void worker_start_later(struct worker *worker);

/* What may change while it runs. worker_give_tls does nothing for roles other than tls. */
void worker_give_config(struct worker *worker);
void worker_give_tls(struct worker *worker);

/* Sends; a worker that cannot be told is killed, and will be replaced. `fd` is borrowed, -1: none.
 */
void worker_tell(struct worker *worker, const struct ipc_message *message, int fd);

static inline bool worker_runs(const struct worker *worker)
{
    return worker->state != WORKER_DOWN;
}

/* True while an end of the process would count as a failure. */
bool worker_is_young(const struct worker *worker, struct mono now);

/* How long to wait before the next start, by what is known of the last process. */
int64_t worker_wait_ms(unsigned failures, bool was_ready);
int64_t worker_next_wait_ms(const struct worker *worker);

#endif
