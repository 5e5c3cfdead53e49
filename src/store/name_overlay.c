/* A sorted list of what differs. */
#include "store/name_overlay.h"

#include <stdlib.h>
#include <string.h>

#include "store/alloc.h"
#include "store/state.h"

void name_overlay_done(struct name_overlay *overlay)
{
    free(overlay->entries);
    *overlay = (struct name_overlay){ 0 };
}

static size_t place(const struct name_overlay *overlay, struct bytes name)
{
    size_t low = 0;
    size_t high = overlay->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (bytes_compare(overlay->entries[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct name_entry *entry_at(const struct name_overlay *overlay, size_t at, struct bytes name)
{
    return at < overlay->count && bytes_equal(overlay->entries[at].name, name)
               ? &overlay->entries[at]
               : NULL;
}

struct mailbox_id name_overlay_find(const struct name_overlay *overlay, struct bytes name)
{
    const struct name_entry *entry = entry_at(overlay, place(overlay, name), name);
    const struct mailbox *mailbox;

    if (entry != NULL)
        return entry->id;
    mailbox = state_find(overlay->state, name);
    return mailbox == NULL ? (struct mailbox_id){ 0 } : mailbox->id;
}

void name_overlay_set(struct name_overlay *overlay, struct bytes name, struct mailbox_id id)
{
    size_t at = place(overlay, name);
    struct name_entry *entry = entry_at(overlay, at, name);

    if (entry != NULL) {
        entry->id = id;
        return;
    }
    overlay->entries =
        store_grow(overlay->entries, overlay->count, &overlay->capacity, sizeof(*overlay->entries));
    memmove(overlay->entries + at + 1, overlay->entries + at,
            (overlay->count - at) * sizeof(*overlay->entries));
    overlay->entries[at] = (struct name_entry){ name, id };
    overlay->count++;
}
