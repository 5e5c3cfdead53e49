/* How many connections are open, in all and for each address: the gate's limits.
 *
 * An IPv6 client is counted by its /64. Loopback and unix peers are counted in all only: local
 * programs (a balancer, the MTA) open as many as they need. */
#ifndef ROOST_DAEMON_GATE_TALLY_H
#define ROOST_DAEMON_GATE_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/map.h"
#include "sys/address.h"

struct tally {
    struct map by_address;
    uint64_t per_address_max;
};

/* `secret`: random, since strangers choose the addresses. */
static inline struct tally tally_make(uint64_t per_address_max, uint64_t secret)
{
    return (struct tally){ .by_address = map_make(secret), .per_address_max = per_address_max };
}

void tally_done(struct tally *tally);

/* Counts one more; false (and nothing counted) when that address has its maximum. */
MUST_USE bool tally_add(struct tally *tally, const struct address *address);

/* One less: for each tally_add that answered true. */
void tally_remove(struct tally *tally, const struct address *address);

#endif
