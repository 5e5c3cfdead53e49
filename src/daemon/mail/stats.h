/* What a shard counts (daemon/role/stats.h). */
#ifndef ROOST_DAEMON_MAIL_STATS_H
#define ROOST_DAEMON_MAIL_STATS_H

#include "daemon/role/role.h"

/* IPC_STATS */
void mail_on_stats(struct role_peer *from, const struct ipc_message *message, int *fd);

#endif
