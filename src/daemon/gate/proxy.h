/* PROXY protocol version 2 (haproxy, doc/proxy-protocol.txt section 2.2): what a balancer that is
 * trusted puts before the client's first byte, to say who the client is. Pure. */
#ifndef ROOST_DAEMON_GATE_PROXY_H
#define ROOST_DAEMON_GATE_PROXY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "sys/address.h"

enum {
    PROXY_HEADER_BYTES = 16, /* before the addresses */
    PROXY_BYTES_MAX = PROXY_HEADER_BYTES + 4096, /* with addresses and extensions */
};

enum proxy_result { PROXY_DONE, PROXY_MORE, PROXY_BAD };

/* Reads the header at the start of `in`. *out_len: how many bytes it has in all (DONE), or how many
 * must be there for the next try (MORE). *out_address is set only by DONE; its kind is ADDRESS_NONE
 * when the header names nobody (LOCAL, UNSPEC): the connection's own address holds then. */
MUST_USE enum proxy_result proxy_parse(struct bytes in, size_t *out_len,
                                       struct address *out_address);

#endif
