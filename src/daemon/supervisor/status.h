/* What the administrator is told of the server's state. */
#ifndef ROOST_DAEMON_SUPERVISOR_STATUS_H
#define ROOST_DAEMON_SUPERVISOR_STATUS_H

#include "daemon/supervisor/state.h"

/* {"version":"0.1.0","started":1700000000,"processes":[{"role":"mail","index":0,"pid":7,
 *  "state":"ready","restarts":0}],"crashed_accounts":[{"account_id":"00ff...","crashes":2,
 *  "set_apart":true,"shard":4}]}; "state" is one of "down", "starting", "ready". The crashed
 * accounts are those whose work a shard was at when it crashed, and who serves them. */
void status_print(const struct supervisor *supervisor, struct buf *out);

#endif
