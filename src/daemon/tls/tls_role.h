/* The tls role: see README.md. */
#ifndef ROOST_DAEMON_TLS_TLS_ROLE_H
#define ROOST_DAEMON_TLS_TLS_ROLE_H

#include "base/attributes.h"
#include "daemon/role/role.h"
#include "daemon/tls/relay.h"

/* The whole life of the process: what `roost --role tls` calls. Answers the exit code. */
MUST_USE int tls_role_main(void);

/* The rest is for the tests, which run the role on a loop of their own. */
extern const struct role_spec tls_role_spec;

struct tls_role {
    struct relay_house house;
    struct buf certificate; /* PEM: chain and key */
    struct buf ticket_keys;
    struct role *role; /* once stopping */
    bool stopping;
    uint64_t handshakes, handshakes_failed; /* that have ended */
};

void tls_role_init(struct tls_role *tls);
void tls_role_done(struct tls_role *tls);

#endif
