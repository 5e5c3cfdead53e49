/* A ring of changed accounts. */
#include "daemon/auth/changes.h"

#include <string.h>

void changes_note(struct changes *changes, const struct accounts_id *id)
{
    changes->ring[changes->count % CHANGES_KEPT] = *id;
    changes->count++;
}

bool changes_since(const struct changes *changes, const struct accounts_id *id, uint64_t since)
{
    if (changes->count - since > CHANGES_KEPT)
        return true;
    for (uint64_t at = since; at < changes->count; at++) {
        if (memcmp(changes->ring[at % CHANGES_KEPT].raw, id->raw, ACCOUNTS_ID_BYTES) == 0)
            return true;
    }
    return false;
}
