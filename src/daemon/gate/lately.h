/* Recipients that a session named lately: who comes again and again, as the list or the user that
 * an MTA has much mail for, is looked up once in a few seconds.
 *
 * The first time a ticket is shown once and gone. From the second time on the shard is asked to
 * keep it, and it is shown again as long as it is fresh. Pure: `now` is passed in. */
#ifndef ROOST_DAEMON_GATE_LATELY_H
#define ROOST_DAEMON_GATE_LATELY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/time.h"
#include "ipc/messages.h"

enum {
    LATELY_MAX = 64, /* recipients of a session */
    LATELY_ADDRESS_BYTES_MAX = 100, /* longer ones are looked up each time */
    LATELY_MS = 5000, /* a ticket of that age is still shown: half of what the shard allows */
};

/* What auth said of one. */
struct looked_up {
    struct ipc_ticket ticket;
    uint16_t shard;
    bool is_kept; /* the ticket may be shown more than once, and is to be kept by the shard */
    struct mono when;
};

struct lately_entry;

/* Zeroed: none. Fields are its own. */
struct lately {
    struct lately_entry *entries;
    unsigned count;
    unsigned max; /* that there is memory for */
    unsigned next; /* to be taken for another one, once all are in use */
};

void lately_done(struct lately *lately);

static inline bool looked_up_is_fresh(const struct looked_up *found, struct mono now)
{
    return now.ms - found->when.ms < LATELY_MS;
}

/* The answer of auth when that recipient is named again: fresh, and with a ticket that is kept.
 * NULL: auth is to be asked. Valid until the next call. */
const struct looked_up *lately_find(const struct lately *lately, struct bytes address,
                                    struct mono now);

/* Auth has found that recipient; sets `found->is_kept`. */
void lately_note(struct lately *lately, struct bytes address, struct looked_up *found);

/* That ticket was refused. */
void lately_forget(struct lately *lately, const struct ipc_ticket *ticket);

#endif
