/* The auth process: logins and recipients for the gates, accounts for control. See README.md. */
#ifndef ROOST_DAEMON_AUTH_AUTH_ROLE_H
#define ROOST_DAEMON_AUTH_AUTH_ROLE_H

#include "base/attributes.h"
#include "daemon/role/role.h"

/* The whole life of the process: what `roost --role auth` calls. Answers the exit code. */
MUST_USE int auth_role_main(void);

/* The walls, with `directory_fd` (data/auth) as the one place: also for `roost sandbox`. What
 * `out_profile` points to lives as long as the process. */
void auth_role_profile(int directory_fd, struct sandbox_profile *out_profile);

/* For tests: what role_init wants. Free the state before role_done. */
extern const struct role_spec auth_role_spec;
struct auth_state *auth_state_new(void);
void auth_state_free(struct auth_state *state);

#endif
