/* PROXY protocol, version 2. */
#include "daemon/gate/proxy.h"

#include <string.h>

static const uint8_t signature[12] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                       0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a };

enum {
    VERSION_AND_LOCAL = 0x20,
    VERSION_AND_PROXY = 0x21,
    FAMILY_IPV4_STREAM = 0x11,
    FAMILY_IPV6_STREAM = 0x21,
    FAMILY_UNIX_STREAM = 0x31,
    IPV4_BYTES = 12, /* two addresses, two ports */
    IPV6_BYTES = 36,
    UNIX_BYTES = 216,
};

static uint16_t load_port(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

/* False when the block is too short for its family. A family that we do not know names nobody. */
static bool parse_source(uint8_t family, struct bytes block, struct address *out_address)
{
    *out_address = (struct address){ .kind = ADDRESS_NONE };
    switch (family) {
    case FAMILY_IPV4_STREAM:
        if (block.len < IPV4_BYTES)
            return false;
        out_address->kind = ADDRESS_IPV4;
        memcpy(out_address->ip, block.at, 4);
        out_address->port = load_port(block.at + 8);
        return true;
    case FAMILY_IPV6_STREAM:
        if (block.len < IPV6_BYTES)
            return false;
        out_address->kind = ADDRESS_IPV6;
        memcpy(out_address->ip, block.at, 16);
        out_address->port = load_port(block.at + 32);
        return true;
    case FAMILY_UNIX_STREAM:
        if (block.len < UNIX_BYTES)
            return false;
        out_address->kind = ADDRESS_UNIX;
        return true;
    default: return true;
    }
}

enum proxy_result proxy_parse(struct bytes in, size_t *out_len, struct address *out_address)
{
    size_t seen = in.len < sizeof(signature) ? in.len : sizeof(signature);
    size_t len;

    if (seen > 0 && memcmp(in.at, signature, seen) != 0)
        return PROXY_BAD;
    if (in.len < PROXY_HEADER_BYTES) {
        *out_len = PROXY_HEADER_BYTES;
        return PROXY_MORE;
    }
    len = PROXY_HEADER_BYTES + (size_t)load_port(in.at + 14); /* a length, in the same order */
    if (len > PROXY_BYTES_MAX || (in.at[12] != VERSION_AND_LOCAL && in.at[12] != VERSION_AND_PROXY))
        return PROXY_BAD;
    *out_len = len;
    if (in.len < len)
        return PROXY_MORE;
    if (in.at[12] == VERSION_AND_LOCAL) {
        *out_address = (struct address){ .kind = ADDRESS_NONE };
        return PROXY_DONE;
    }
    if (!parse_source(in.at[13], bytes_slice(in, PROXY_HEADER_BYTES, len - PROXY_HEADER_BYTES),
                      out_address))
        return PROXY_BAD;
    return PROXY_DONE;
}
