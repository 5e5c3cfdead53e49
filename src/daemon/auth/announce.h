/* Telling a shard that somebody may come: the ticket (128 random bits, 10 s, once unless it is for
 * deliveries) for one gate, one account, one service and one start of the shard. Whoever shows it
 * must not be there first: either the shard says that it has it, or it lies in the shard's channel
 * before the gate hears of it, and the shard looks there before it refuses one. */
#ifndef ROOST_DAEMON_AUTH_ANNOUNCE_H
#define ROOST_DAEMON_AUTH_ANNOUNCE_H

#include "auth/accounts.h"
#include "daemon/role/ask.h"

struct auth_state;

/* Embed it. It must live until it is over or dropped. */
struct announce {
    struct role_ask ask;
    struct ipc_ticket ticket; /* the rest is valid once it has begun */
    uint16_t shard;
    void (*over)(struct announce *announce, enum ipc_result result);
};

struct announce_request {
    const struct role_asker *gate; /* who may use it */
    uint8_t service;
    const struct accounts_record *record;
    uint64_t since; /* state->changes.count from before the record was read */
};

/* On IPC_OK `over` will be called, later; any other answer is final: IPC_UNAVAILABLE when the shard
 * is not there or the account was changed meanwhile. */
MUST_USE enum ipc_result announce_begin(struct announce *announce, struct auth_state *state,
                                        const struct announce_request *request);

/* The same for a delivery, without waiting: on IPC_OK the gate may be answered at once, and `over`
 * is not called. IPC_LIMIT: the shard does not take all that it is sent, announce_begin does.
 * What becomes of the ticket shows when it is used. */
MUST_USE enum ipc_result announce_now(struct announce *announce, struct auth_state *state,
                                      const struct announce_request *request);

/* Forgets it. Harmless on a zeroed one. */
void announce_drop(struct announce *announce);

#endif
