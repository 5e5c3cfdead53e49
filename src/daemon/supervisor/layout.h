/* Directories and users: what must be there before a role can start.
 *
 *     data/            ours; as root 0711, else 0700
 *     data/auth/ data/spool/ data/accounts/    0700, each its role's user's: auth, gate, mail
 *     data/tls/        0700, ours: the self-made certificate
 *     run/             0755, ours: sockets */
#ifndef ROOST_DAEMON_SUPERVISOR_LAYOUT_H
#define ROOST_DAEMON_SUPERVISOR_LAYOUT_H

#include "daemon/supervisor/state.h"

enum { LAYOUT_PATH_BYTES_MAX = 4096 };

/* As root: looks up roost-tls, roost-gate, ...; otherwise roles stay who we are. Makes what is
 * missing and opens the roles' directories. A directory that belongs to somebody else is refused
 * with the command that would change it. */
MUST_USE enum err layout_make(struct supervisor *supervisor, struct note *why);

/* data/tls, made if it is missing. */
MUST_USE enum err layout_tls_path(const struct config *config, const char *name,
                                  char out_path[LAYOUT_PATH_BYTES_MAX], struct note *why);

#endif
