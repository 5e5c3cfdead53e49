/* The tls role's walls: sockets that are there, pairs of its own, and no file at all. */
#include "daemon/tls/sandbox.h"

#include <stddef.h>

const struct sandbox_set *const tls_sandbox_sets[] = { &sandbox_base, &sandbox_sockets,
                                                       &sandbox_pairs, NULL };
