/* The table of tickets. */
#include "daemon/mail/ticket.h"

#include <stdlib.h>
#include <string.h>

static struct bytes key_of(const uint8_t raw[IPC_TICKET_BYTES])
{
    return bytes_make(raw, IPC_TICKET_BYTES);
}

void tickets_init(struct tickets *tickets, uint64_t incarnation, uint64_t secret)
{
    *tickets = (struct tickets){ .by_raw = map_make(secret), .incarnation = incarnation };
    list_init(&tickets->fresh);
    list_init(&tickets->kept);
}

static void take_out(struct tickets *tickets, struct ticket *ticket)
{
    (void)map_remove(&tickets->by_raw, key_of(ticket->raw));
    list_remove(&ticket->link);
}

static struct ticket *first_of(struct list *list)
{
    return CONTAINER_OF(list_first(list), struct ticket, link);
}

static void drop(struct tickets *tickets, struct ticket *ticket)
{
    take_out(tickets, ticket);
    free(ticket);
}

void tickets_done(struct tickets *tickets)
{
    while (!list_is_empty(&tickets->fresh))
        drop(tickets, first_of(&tickets->fresh));
    while (!list_is_empty(&tickets->kept))
        drop(tickets, first_of(&tickets->kept));
    map_done(&tickets->by_raw);
}

/* Keeps fresh ones that expired a little longer: so that who comes late hears EXPIRED, not DENIED.
 */
static void sweep(struct tickets *tickets, struct mono now)
{
    while (!list_is_empty(&tickets->fresh) &&
           first_of(&tickets->fresh)->expires.ms + TICKET_MS < now.ms)
        drop(tickets, first_of(&tickets->fresh));
    while (!list_is_empty(&tickets->kept) && first_of(&tickets->kept)->expires.ms < now.ms)
        drop(tickets, first_of(&tickets->kept));
}

/* One that was shown makes room: its gate will ask auth for another. */
static bool has_room(struct tickets *tickets)
{
    if (tickets->by_raw.count >= TICKETS_MAX && !list_is_empty(&tickets->kept))
        drop(tickets, first_of(&tickets->kept));
    return tickets->by_raw.count < TICKETS_MAX;
}

enum ipc_result tickets_announce(struct tickets *tickets,
                                 const struct ipc_ticket_announce *announce, struct mono now)
{
    struct ticket *ticket;

    sweep(tickets, now);
    if (announce->mail_incarnation != tickets->incarnation ||
        map_get(&tickets->by_raw, key_of(announce->ticket.raw)) != NULL)
        return IPC_DENIED;
    if (announce->account.len > TICKET_ACCOUNT_BYTES_MAX)
        return IPC_INVALID;
    if (!has_room(tickets))
        return IPC_LIMIT;
    ticket = calloc(1, sizeof(*ticket));
    if (ticket == NULL)
        abort();
    memcpy(ticket->raw, announce->ticket.raw, IPC_TICKET_BYTES);
    memcpy(ticket->account_id, announce->account_id.raw, IPC_ACCOUNT_ID_BYTES);
    if (announce->account.len > 0)
        memcpy(ticket->account, announce->account.at, announce->account.len);
    ticket->account_len = announce->account.len;
    ticket->expires.ms = now.ms + TICKET_MS;
    ticket->gate = announce->gate;
    ticket->gate_incarnation = announce->gate_incarnation;
    ticket->service = announce->service;
    ticket->quota_bytes = announce->quota_bytes;
    list_push_back(&tickets->fresh, &ticket->link);
    (void)map_set(&tickets->by_raw, key_of(ticket->raw), ticket);
    return IPC_OK;
}

static void void_in(struct tickets *tickets, struct list *list,
                    const uint8_t account_id[IPC_ACCOUNT_ID_BYTES], bool logins_only)
{
    LIST_EACH (node, after, list) {
        struct ticket *ticket = CONTAINER_OF(node, struct ticket, link);

        if (memcmp(ticket->account_id, account_id, IPC_ACCOUNT_ID_BYTES) == 0 &&
            (!logins_only || ipc_service_logs_in(ticket->service)))
            drop(tickets, ticket);
    }
}

void tickets_void(struct tickets *tickets, const uint8_t account_id[IPC_ACCOUNT_ID_BYTES],
                  bool logins_only)
{
    void_in(tickets, &tickets->fresh, account_id, logins_only);
    void_in(tickets, &tickets->kept, account_id, logins_only);
}

static struct ticket *copy(const struct ticket *ticket)
{
    struct ticket *copied = malloc(sizeof(*copied));

    if (copied == NULL)
        abort();
    *copied = *ticket;
    list_init(&copied->link);
    return copied;
}

enum ipc_result tickets_claim(struct tickets *tickets, const struct ipc_ticket *shown,
                              const struct ticket_claim *claim, struct mono now,
                              struct ticket **out_ticket)
{
    struct ticket *ticket = map_get(&tickets->by_raw, key_of(shown->raw));

    if (ticket == NULL || ticket->gate != claim->gate ||
        ticket->gate_incarnation != claim->gate_incarnation || ticket->service != claim->service)
        return IPC_DENIED;
    if (claim->keeps && ipc_service_delivers(ticket->service) && ticket->expires.ms > now.ms) {
        *out_ticket = copy(ticket);
        list_remove(&ticket->link);
        list_push_back(&tickets->kept, &ticket->link);
        return IPC_OK;
    }
    take_out(tickets, ticket);
    if (ticket->expires.ms <= now.ms) {
        free(ticket);
        return IPC_EXPIRED;
    }
    *out_ticket = ticket;
    return IPC_OK;
}
