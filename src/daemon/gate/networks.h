/* A list of networks ("192.0.2.7", "192.0.2.0/24", "2001:db8::/32", "unix"), and whether an address
 * is in one of them: whom the gate believes a PROXY header. Pure. */
#ifndef ROOST_DAEMON_GATE_NETWORKS_H
#define ROOST_DAEMON_GATE_NETWORKS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "sys/address.h"

enum { NETWORKS_MAX = 64 };

struct network {
    struct address base;
    unsigned prefix_bits;
};

struct networks {
    struct network at[NETWORKS_MAX];
    size_t count;
};

/* Adds one. False when it is none, when bits are set behind the prefix, or when the list is full.
 */
MUST_USE bool networks_add(struct networks *networks, struct bytes text);

bool networks_contain(const struct networks *networks, const struct address *address);

#endif
