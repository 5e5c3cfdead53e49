/* The life of the whole: what follows when a worker is ready, ends or asks. */
#ifndef ROOST_DAEMON_SUPERVISOR_LIFE_H
#define ROOST_DAEMON_SUPERVISOR_LIFE_H

#include "daemon/supervisor/worker.h"

/* Processes of that role. */
size_t life_count(const struct supervisor *supervisor, enum ipc_role role);

/* Starts all but the gates; these follow when the others are ready. */
void life_begin(struct supervisor *supervisor);

void life_worker_ready(struct worker *worker);
void life_worker_ended(struct worker *worker, int status);
void life_asked(struct worker *worker, const struct ipc_message *message);

/* Configuration and certificate are read again. ERR_OK with a note of what was done, or what was
 * wrong, and nothing has changed; either has been logged. */
enum err life_reload(struct supervisor *supervisor, struct note *out_told);

/* Ends everything in order, then the loop, with that exit code. */
void life_stop(struct supervisor *supervisor, int exit_code);

#endif
