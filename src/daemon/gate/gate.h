/* The gate role: what `roost --role gate` runs. */
#ifndef ROOST_DAEMON_GATE_GATE_H
#define ROOST_DAEMON_GATE_GATE_H

#include "base/attributes.h"
#include "daemon/role/role.h"

struct gate;
struct sandbox_profile;

/* The whole life of a gate's process; answers its exit code. */
MUST_USE int gate_main(void);

/* The walls, with `directory_fd` (data/spool, or -1) as the one place: also for `roost sandbox`.
 * What `out_profile` points to lives as long as the process. */
void gate_profile(int directory_fd, struct sandbox_profile *out_profile);

/* For tests: a gate for role_init. Free it after role_done. */
extern const struct role_spec gate_role;
struct gate *gate_new(void);
void gate_free(struct gate *gate);

/* Connections that are open now. */
size_t gate_connections(const struct gate *gate);

#endif
