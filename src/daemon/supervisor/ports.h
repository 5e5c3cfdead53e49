/* The listening sockets: bound by us, or passed by the service manager under the names imap, imaps,
 * lmtp and control, which then stand for the settings of those names. */
#ifndef ROOST_DAEMON_SUPERVISOR_PORTS_H
#define ROOST_DAEMON_SUPERVISOR_PORTS_H

#include "daemon/supervisor/state.h"
#include "sys/service.h"

/* How long a port may be busy: the gates of a supervisor that was killed leave it a moment later.
 */
enum { PORTS_PATIENCE_MS = 3000, PORTS_RETRY_MS = 50 };

/* Opens all; takes the passed sockets. A passed one whose name is unknown is refused. */
MUST_USE enum err ports_open(struct supervisor *supervisor, struct service_socket *passed,
                             size_t passed_count, struct note *why);

/* Closes them and removes the unix sockets that we have made. */
void ports_close(struct supervisor *supervisor);

#endif
