/* What auth counts: logins by mechanism and result. */
#ifndef ROOST_DAEMON_AUTH_STATS_H
#define ROOST_DAEMON_AUTH_STATS_H

#include "daemon/role/role.h"

/* The row of a mechanism (upper case) in auth_state.logins. */
size_t auth_stats_mechanism(struct bytes name);

/* IPC_STATS */
void auth_stats_on_request(struct role_peer *from, const struct ipc_message *message, int *fd);

#endif
