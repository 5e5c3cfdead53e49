/* What a gate counts (daemon/role/stats.h). */
#ifndef ROOST_DAEMON_GATE_STATS_H
#define ROOST_DAEMON_GATE_STATS_H

#include "daemon/role/role.h"

/* IPC_STATS */
void gate_on_stats(struct role_peer *from, const struct ipc_message *message, int *fd);

#endif
