/* Whose connections count together towards gate.connections_max. */
#ifndef ROOST_DAEMON_GATE_CROWD_H
#define ROOST_DAEMON_GATE_CROWD_H

#include "ipc/messages.h"

/* Counted apart, so that strangers who only connect cannot keep mail out. */
enum gate_crowd {
    GATE_CROWD_LOGINS,
    GATE_CROWD_MAIL,
    GATE_CROWDS,
};

static inline enum gate_crowd gate_crowd_of(enum ipc_service service)
{
    return ipc_service_delivers((uint8_t)service) ? GATE_CROWD_MAIL : GATE_CROWD_LOGINS;
}

#endif
