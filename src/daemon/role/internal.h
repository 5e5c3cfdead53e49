/* What role.c and ask.c share. */
#ifndef ROOST_DAEMON_ROLE_INTERNAL_H
#define ROOST_DAEMON_ROLE_INTERNAL_H

#include "daemon/role/role.h"

/* Hands an answer to the ask that waits for it; one that nobody waits for is dropped. False when it
 * is no answer to what was asked of that peer: the law is broken. */
MUST_USE bool role_asks_answer(struct role_peer *from, const struct ipc_message *answer, int *fd);

/* Answers all that is out with NULL: the peer is gone. */
void role_asks_fail(struct role_peer *peer);

#endif
