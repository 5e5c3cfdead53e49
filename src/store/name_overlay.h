/* The names of mailboxes as they will be when a change that is being made is applied: those of the
 * state, less the ones that it frees, and the ones that it gives. */
#ifndef ROOST_STORE_NAME_OVERLAY_H
#define ROOST_STORE_NAME_OVERLAY_H

#include <stddef.h>

#include "base/bytes.h"
#include "store/types.h"

struct state;

struct name_entry {
    struct bytes name; /* borrowed */
    struct mailbox_id id; /* 0: nobody's any more */
};

struct name_overlay {
    const struct state *state; /* borrowed */
    struct name_entry *entries; /* by name; owned */
    size_t count;
    size_t capacity;
};

void name_overlay_done(struct name_overlay *overlay);

/* The mailbox that will have that name; 0: none. */
struct mailbox_id name_overlay_find(const struct name_overlay *overlay, struct bytes name);

/* `name` lives as long as the overlay. */
void name_overlay_set(struct name_overlay *overlay, struct bytes name, struct mailbox_id id);

#endif
