/* Tickets: what lets a connection or a message into an account (promise 5).
 *
 * auth announces a ticket; the gate that it names shows it within TICKET_MS: a login once, a
 * delivery as often as it has mail. Nothing else opens an account to a stranger. Pure: `now` is
 * passed in. */
#ifndef ROOST_DAEMON_MAIL_TICKET_H
#define ROOST_DAEMON_MAIL_TICKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/list.h"
#include "base/map.h"
#include "base/time.h"
#include "ipc/messages.h"

enum {
    TICKET_MS = 10 * 1000,
    TICKETS_MAX = 65536, /* that may be shown; those that were make room for others */
    TICKET_ACCOUNT_BYTES_MAX = 512,
};

/* What a ticket is worth. */
struct ticket {
    struct list link; /* of tickets.fresh or tickets.kept */
    uint8_t raw[IPC_TICKET_BYTES];
    struct mono expires;
    uint16_t gate;
    uint64_t gate_incarnation;
    uint8_t service;
    uint8_t account_id[IPC_ACCOUNT_ID_BYTES];
    uint64_t quota_bytes;
    size_t account_len;
    uint8_t account[TICKET_ACCOUNT_BYTES_MAX]; /* its name */
};

struct tickets {
    struct map by_raw;
    struct list fresh; /* not shown yet, oldest first */
    struct list kept; /* shown, and to be shown again; who was shown last is last */
    uint64_t incarnation; /* of this shard */
};

/* `secret`: random. */
void tickets_init(struct tickets *tickets, uint64_t incarnation, uint64_t secret);
void tickets_done(struct tickets *tickets);

/* IPC_DENIED: meant for another start of this shard, or announced before. IPC_LIMIT: too many. */
MUST_USE enum ipc_result tickets_announce(struct tickets *tickets,
                                          const struct ipc_ticket_announce *announce,
                                          struct mono now);

/* Who shows a ticket, and for what. */
struct ticket_claim {
    uint16_t gate;
    uint64_t gate_incarnation;
    uint8_t service;
    bool keeps; /* a delivery's: it will be shown again, until it expires */
};

/* IPC_OK with the ticket in *out_ticket, which the caller frees; it is void from now on, unless it
 * is to be kept.
 * IPC_DENIED: never announced, shown before, or meant for another gate or service. IPC_EXPIRED. */
MUST_USE enum ipc_result tickets_claim(struct tickets *tickets, const struct ipc_ticket *shown,
                                       const struct ticket_claim *claim, struct mono now,
                                       struct ticket **out_ticket);

/* Makes void what may be shown for the account: all of it, or the logins. For when its password was
 * changed, or it was removed. */
void tickets_void(struct tickets *tickets, const uint8_t account_id[IPC_ACCOUNT_ID_BYTES],
                  bool logins_only);

static inline struct bytes ticket_account(const struct ticket *ticket)
{
    return bytes_make(ticket->account, ticket->account_len);
}

#endif
