/* Which accounts were changed lately, so that what was verified before a change is not believed
 * after it. Pure; a plain value, zero at first. */
#ifndef ROOST_DAEMON_AUTH_CHANGES_H
#define ROOST_DAEMON_AUTH_CHANGES_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/accounts.h"

enum { CHANGES_KEPT = 256 };

struct changes {
    uint64_t count; /* of all changes ever noted: the point in time */
    struct accounts_id ring[CHANGES_KEPT];
};

/* The password of that account was changed, or the account removed, just now. */
void changes_note(struct changes *changes, const struct accounts_id *id);

/* True when it may have been since `count` was `since`; also when that was too many changes ago to
 * know. */
bool changes_since(const struct changes *changes, const struct accounts_id *id, uint64_t since);

#endif
