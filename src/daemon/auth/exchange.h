/* Logins for the gates: IPC_AUTH_START, _CONTINUE and _CANCEL. */
#ifndef ROOST_DAEMON_AUTH_EXCHANGE_H
#define ROOST_DAEMON_AUTH_EXCHANGE_H

#include "daemon/role/role.h"

struct auth_state;

role_handler_fn exchange_on_start;
role_handler_fn exchange_on_continue;
role_handler_fn exchange_on_cancel;

/* A gate has gone, or comes with a new channel: what it asked for is forgotten. */
void exchange_forget_gate(struct auth_state *state, const struct role_peer *gate);

/* At the end of the process, when no worker runs any more. */
void exchange_forget_all(struct auth_state *state);

#endif
