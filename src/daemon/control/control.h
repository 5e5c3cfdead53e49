/* The control role: the administrator's socket. What `roost --role control` runs. */
#ifndef ROOST_DAEMON_CONTROL_CONTROL_H
#define ROOST_DAEMON_CONTROL_CONTROL_H

#include "base/attributes.h"
#include "daemon/role/role.h"

struct control;
struct sandbox_profile;

/* The whole life of its process; answers its exit code. */
MUST_USE int control_main(void);

/* The walls: no file, no new socket. `directory_fd` is not used. */
void control_profile(int directory_fd, struct sandbox_profile *out_profile);

/* For tests: a control for role_init. Free it after role_done. */
extern const struct role_spec control_role;
struct control *control_new(void);
void control_free(struct control *control);

#endif
