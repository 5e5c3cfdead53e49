/* Networks by prefix. */
#include "daemon/gate/networks.h"

#include "base/num.h"

static bool same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    for (unsigned i = 0; i < bits; i++)
        if (((a[i / 8] ^ b[i / 8]) & 0x80 >> i % 8) != 0)
            return false;
    return true;
}

static bool is_zero_behind(const struct network *network, unsigned bits)
{
    for (unsigned i = network->prefix_bits; i < bits; i++)
        if ((network->base.ip[i / 8] & 0x80 >> i % 8) != 0)
            return false;
    return true;
}

bool networks_add(struct networks *networks, struct bytes text)
{
    size_t slash = bytes_find_byte(text, 0, '/');
    struct network network = { .prefix_bits = 0 };
    unsigned bits;
    uint64_t prefix;

    if (networks->count == NETWORKS_MAX)
        return false;
    if (bytes_equal(text, BYTES("unix"))) {
        network.base.kind = ADDRESS_UNIX;
        networks->at[networks->count++] = network;
        return true;
    }
    if (!address_parse_ip(bytes_slice(text, 0, slash), &network.base))
        return false;
    bits = network.base.kind == ADDRESS_IPV4 ? 32 : 128;
    prefix = bits;
    if (slash < text.len && !num_parse(bytes_from(text, slash + 1), bits, &prefix))
        return false;
    network.prefix_bits = (unsigned)prefix;
    if (!is_zero_behind(&network, bits))
        return false;
    networks->at[networks->count++] = network;
    return true;
}

bool networks_contain(const struct networks *networks, const struct address *address)
{
    for (size_t i = 0; i < networks->count; i++) {
        const struct network *network = &networks->at[i];

        if (network->base.kind == address->kind &&
            same_prefix(network->base.ip, address->ip, network->prefix_bits))
            return true;
    }
    return false;
}
