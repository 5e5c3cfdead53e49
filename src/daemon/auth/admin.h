/* Accounts for control: IPC_ACCOUNT_ADD, _LIST, _SHOW, _PASSWORD, _REMOVE and _COPY.
 *
 * Answers are JSON: the account as an object, a list's part as an array of such objects, or what
 * was wrong as plain text. */
#ifndef ROOST_DAEMON_AUTH_ADMIN_H
#define ROOST_DAEMON_AUTH_ADMIN_H

#include "daemon/role/role.h"

struct auth_state;

role_handler_fn admin_on_add;
role_handler_fn admin_on_list;
role_handler_fn admin_on_copy;
role_handler_fn admin_on_show;
role_handler_fn admin_on_password;
role_handler_fn admin_on_remove;

/* At the end of the process, when no worker runs any more. */
void admin_forget_all(struct auth_state *state);

#endif
