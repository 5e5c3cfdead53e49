/* Counting connections by address. */
#include "daemon/gate/tally.h"

#include <assert.h>

enum { IPV6_SITE_BYTES = 8 };

/* No bytes for those that are not counted. */
static struct bytes key_of(const struct address *address)
{
    if (address_is_loopback(address))
        return bytes_make(NULL, 0);
    if (address->kind == ADDRESS_IPV4)
        return bytes_make(address->ip, 4);
    if (address->kind == ADDRESS_IPV6)
        return bytes_make(address->ip, IPV6_SITE_BYTES);
    return bytes_make(NULL, 0);
}

void tally_done(struct tally *tally)
{
    map_done(&tally->by_address);
}

/* The map's value is the count itself. */
static uintptr_t count_of(const struct tally *tally, struct bytes key)
{
    return (uintptr_t)map_get(&tally->by_address, key);
}

bool tally_add(struct tally *tally, const struct address *address)
{
    struct bytes key = key_of(address);
    uintptr_t count;

    if (key.len == 0)
        return true;
    count = count_of(tally, key);
    if (count >= tally->per_address_max)
        return false;
    (void)map_set(&tally->by_address, key, (void *)(count + 1));
    return true;
}

void tally_remove(struct tally *tally, const struct address *address)
{
    struct bytes key = key_of(address);
    uintptr_t count;

    if (key.len == 0)
        return;
    count = count_of(tally, key);
    assert(count > 0);
    if (count == 1)
        (void)map_remove(&tally->by_address, key);
    else
        (void)map_set(&tally->by_address, key, (void *)(count - 1));
}
