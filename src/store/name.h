/* What a mailbox may be called (store/mailbox.h). */
#ifndef ROOST_STORE_NAME_H
#define ROOST_STORE_NAME_H

#include <stdbool.h>

#include "base/bytes.h"

/* UTF-8 without control characters, 1 to MAILBOX_LEVELS_MAX levels, none of them empty, at most
 * MAILBOX_NAME_BYTES_MAX bytes; a first level that is "INBOX" but for case is spelled so. */
bool name_is_valid(struct bytes name);

/* True when `name` is below `above`. */
bool name_is_below(struct bytes name, struct bytes above);

/* The use (enum special_use) that the mailbox of this name has in a new account; 0: none. */
unsigned name_usual_use(struct bytes name);

#endif
