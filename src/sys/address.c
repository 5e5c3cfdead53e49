/* Addresses of sockets as plain values. */
#include "sys/address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "sys/address_internal.h"

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static struct address from_ipv6(const struct in6_addr *ip, uint16_t port)
{
    struct address address = { .kind = ADDRESS_IPV6, .port = port };

    memcpy(address.ip, ip, sizeof(address.ip));
    if (memcmp(ip, mapped_prefix, sizeof(mapped_prefix)) == 0) {
        address.kind = ADDRESS_IPV4;
        memset(address.ip, 0, sizeof(address.ip));
        memcpy(address.ip, (const uint8_t *)ip + sizeof(mapped_prefix), 4);
    }
    return address;
}

struct address address_from_sockaddr(const struct sockaddr_storage *storage)
{
    struct address address = { .kind = ADDRESS_NONE };

    if (storage->ss_family == AF_INET) {
        const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)storage;

        address.kind = ADDRESS_IPV4;
        address.port = ntohs(ipv4->sin_port);
        memcpy(address.ip, &ipv4->sin_addr, 4);
    } else if (storage->ss_family == AF_INET6) {
        const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)storage;

        address = from_ipv6(&ipv6->sin6_addr, ntohs(ipv6->sin6_port));
    } else if (storage->ss_family == AF_UNIX) {
        address.kind = ADDRESS_UNIX;
    }
    return address;
}

void address_print(const struct address *address, bool port, struct buf *out)
{
    char text[INET6_ADDRSTRLEN];
    bool is_ipv6 = address->kind == ADDRESS_IPV6;

    if (address->kind == ADDRESS_UNIX || address->kind == ADDRESS_NONE) {
        buf_add(out, address->kind == ADDRESS_UNIX ? BYTES("unix") : BYTES("unknown"));
        return;
    }
    if (inet_ntop(is_ipv6 ? AF_INET6 : AF_INET, address->ip, text, sizeof(text)) == NULL)
        text[0] = '\0';
    if (is_ipv6 && port)
        buf_add_byte(out, '[');
    buf_add_string(out, text);
    if (is_ipv6 && port)
        buf_add_byte(out, ']');
    if (!port)
        return;
    buf_add_byte(out, ':');
    buf_add_number(out, address->port);
}

bool address_parse_ip(struct bytes text, struct address *out_address)
{
    char string[INET6_ADDRSTRLEN];
    struct in6_addr ipv6;
    struct address address = { .kind = ADDRESS_IPV4 };

    if (text.len == 0 || text.len >= sizeof(string) || memchr(text.at, 0, text.len) != NULL)
        return false;
    memcpy(string, text.at, text.len);
    string[text.len] = '\0';
    if (inet_pton(AF_INET, string, address.ip) == 1)
        *out_address = address;
    else if (inet_pton(AF_INET6, string, &ipv6) == 1)
        *out_address = from_ipv6(&ipv6, 0);
    else
        return false;
    return true;
}

bool address_is_loopback(const struct address *address)
{
    static const uint8_t loopback[16] = { [15] = 1 };

    switch (address->kind) {
    case ADDRESS_UNIX: return true;
    case ADDRESS_IPV4: return address->ip[0] == 127;
    case ADDRESS_IPV6: return memcmp(address->ip, loopback, sizeof(loopback)) == 0;
    case ADDRESS_NONE: break;
    }
    return false;
}

struct address address_of_peer(int fd)
{
    struct sockaddr_storage storage = { 0 };
    socklen_t len = sizeof(storage);

    if (getpeername(fd, (struct sockaddr *)&storage, &len) < 0)
        return (struct address){ .kind = ADDRESS_NONE };
    return address_from_sockaddr(&storage);
}

struct address address_of_self(int fd)
{
    struct sockaddr_storage storage = { 0 };
    socklen_t len = sizeof(storage);

    if (getsockname(fd, (struct sockaddr *)&storage, &len) < 0)
        return (struct address){ .kind = ADDRESS_NONE };
    return address_from_sockaddr(&storage);
}
