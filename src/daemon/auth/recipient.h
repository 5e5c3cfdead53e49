/* Recipients for the gates: IPC_RECIPIENT. */
#ifndef ROOST_DAEMON_AUTH_RECIPIENT_H
#define ROOST_DAEMON_AUTH_RECIPIENT_H

#include "daemon/role/role.h"

struct auth_state;

role_handler_fn recipient_on_request;

/* At the end of the process, when no worker runs any more. */
void recipient_forget_all(struct auth_state *state);

#endif
