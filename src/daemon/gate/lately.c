/* The last few recipients of a session. */
#include "daemon/gate/lately.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST = 4 }; /* most sessions name no more */

struct lately_entry {
    struct looked_up found;
    uint8_t address_len;
    uint8_t address[LATELY_ADDRESS_BYTES_MAX];
};

static_assert(LATELY_MAX % FIRST == 0 && LATELY_ADDRESS_BYTES_MAX <= UINT8_MAX, "sizes");

void lately_done(struct lately *lately)
{
    free(lately->entries);
    *lately = (struct lately){ 0 };
}

/* LATELY_MAX: not there. */
static unsigned find(const struct lately *lately, struct bytes address)
{
    for (unsigned i = 0; i < lately->count; i++) {
        const struct lately_entry *entry = &lately->entries[i];

        if (bytes_equal(bytes_make(entry->address, entry->address_len), address))
            return i;
    }
    return LATELY_MAX;
}

const struct looked_up *lately_find(const struct lately *lately, struct bytes address,
                                    struct mono now)
{
    unsigned at = find(lately, address);
    const struct looked_up *found = at < LATELY_MAX ? &lately->entries[at].found : NULL;

    return found != NULL && found->is_kept && looked_up_is_fresh(found, now) ? found : NULL;
}

static void grow(struct lately *lately)
{
    unsigned max = lately->max == 0 ? FIRST : 2 * lately->max;

    lately->entries = reallocarray(lately->entries, max, sizeof(*lately->entries));
    if (lately->entries == NULL)
        abort();
    lately->max = max;
}

/* For an address that is not there. */
static unsigned take_entry(struct lately *lately, struct bytes address)
{
    unsigned at = lately->count;

    if (at < LATELY_MAX) {
        if (at == lately->max)
            grow(lately);
        lately->count++;
    } else {
        at = lately->next;
        lately->next = (at + 1) % LATELY_MAX;
    }
    lately->entries[at].address_len = (uint8_t)address.len;
    memcpy(lately->entries[at].address, address.at, address.len);
    return at;
}

void lately_note(struct lately *lately, struct bytes address, struct looked_up *found)
{
    unsigned at = find(lately, address);

    found->is_kept =
        at < LATELY_MAX && found->when.ms - lately->entries[at].found.when.ms < 2 * LATELY_MS;
    if (at == LATELY_MAX && address.len > 0 && address.len <= LATELY_ADDRESS_BYTES_MAX)
        at = take_entry(lately, address);
    if (at < LATELY_MAX)
        lately->entries[at].found = *found;
}

void lately_forget(struct lately *lately, const struct ipc_ticket *ticket)
{
    for (unsigned i = 0; i < lately->count; i++)
        if (memcmp(lately->entries[i].found.ticket.raw, ticket->raw, IPC_TICKET_BYTES) == 0)
            lately->entries[i].found.is_kept = false;
}
