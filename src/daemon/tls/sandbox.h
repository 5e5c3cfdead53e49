/* What the tls role may do, see sys/sandbox.h. */
#ifndef ROOST_DAEMON_TLS_SANDBOX_H
#define ROOST_DAEMON_TLS_SANDBOX_H

#include "sys/sandbox.h"

extern const struct sandbox_set *const tls_sandbox_sets[];

#endif
