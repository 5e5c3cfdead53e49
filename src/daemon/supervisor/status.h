/* What the administrator is told of the server's state. */
#ifndef ROOST_DAEMON_SUPERVISOR_STATUS_H
#define ROOST_DAEMON_SUPERVISOR_STATUS_H

#include "daemon/supervisor/state.h"

/* {"version":"0.1.0","started":1700000000,"processes":[{"role":"mail","index":0,"pid":7,
 *  "state":"ready","restarts":0}]}; "state" is one of "down", "starting", "ready". */
void status_print(const struct supervisor *supervisor, struct buf *out);

#endif
