/* Network addresses: where a server listens, where a client comes from. Plain values. */
#ifndef ROOST_SYS_ADDRESS_H
#define ROOST_SYS_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

enum address_kind { ADDRESS_NONE, ADDRESS_IPV4, ADDRESS_IPV6, ADDRESS_UNIX };

enum {
    ADDRESS_TEXT_MAX = 64, /* longest text of an IP address with port, NUL included */
    ADDRESS_PATH_MAX = 108, /* of a unix socket, NUL included: sun_path */
};

/* Who is at the other end. IPv4-mapped IPv6 is given as IPv4. A unix peer has no more than a kind.
 */
struct address {
    enum address_kind kind;
    uint8_t ip[16]; /* network order; IPv4 in the first four */
    uint16_t port;
};

/* "192.0.2.1", "2001:db8::1", "unix", "unknown"; with `port`: "192.0.2.1:143", "[2001:db8::1]:143".
 */
void address_print(const struct address *address, bool port, struct buf *out);

/* An IP address without port, as text. */
MUST_USE bool address_parse_ip(struct bytes text, struct address *out_address);

/* 127.0.0.0/8, ::1 and unix. */
bool address_is_loopback(const struct address *address);

/* Of a connected socket. ADDRESS_NONE when it cannot be told. */
struct address address_of_peer(int fd);
struct address address_of_self(int fd);

#endif
