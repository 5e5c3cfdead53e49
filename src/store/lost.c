/* The list of what is lost. */
#include "store/lost.h"

#include <string.h>

#include "store/alloc.h"
#include "store/state.h"

static void free_bytes(struct bytes bytes)
{
    free((void *)(uintptr_t)bytes.at);
}

static struct bytes copy_bytes(struct bytes bytes)
{
    uint8_t *copy = store_alloc(1, bytes.len);

    if (bytes.len > 0)
        memcpy(copy, bytes.at, bytes.len);
    return bytes_make(copy, bytes.len);
}

void lost_done(struct lost *lost)
{
    for (size_t i = 0; i < lost->mailbox_count; i++) {
        free_bytes(lost->mailboxes[i].name);
        keyword_table_done(&lost->mailboxes[i].keywords);
    }
    for (size_t i = 0; i < lost->event_count; i++)
        free_bytes(lost->events[i].actor);
    free(lost->mailboxes);
    free(lost->messages);
    free(lost->flags);
    free(lost->events);
    *lost = (struct lost){ 0 };
}

/* The newest first: what was found last is asked for again. A table of keywords that became shorter
 * is another one, whatever the log says of the id. */
static uint32_t find_mailbox(const struct lost *lost, const struct mailbox *mailbox)
{
    for (size_t i = lost->mailbox_count; i > 0; i--) {
        const struct lost_mailbox *known = &lost->mailboxes[i - 1];

        if (known->id.value == mailbox->id.value &&
            known->keywords.count <= mailbox->keywords.count &&
            bytes_equal(known->name, mailbox_name_bytes(mailbox)))
            return (uint32_t)(i - 1);
    }
    return UINT32_MAX;
}

uint32_t lost_add_mailbox(struct lost *lost, const struct mailbox *mailbox)
{
    uint32_t at = find_mailbox(lost, mailbox);
    struct lost_mailbox *mine;

    if (at == UINT32_MAX) {
        lost->mailboxes = store_grow(lost->mailboxes, lost->mailbox_count, &lost->mailbox_capacity,
                                     sizeof(*lost->mailboxes));
        at = (uint32_t)lost->mailbox_count++;
        lost->mailboxes[at] =
            (struct lost_mailbox){ .id = mailbox->id,
                                   .name = copy_bytes(mailbox_name_bytes(mailbox)) };
    }
    mine = &lost->mailboxes[at];
    mine->uses = mailbox->uses;
    mine->seen = ++lost->looks;
    for (uint32_t i = mine->keywords.count; i < mailbox->keywords.count; i++)
        (void)keyword_table_add(&mine->keywords, mailbox->keywords.names[i]);
    return at;
}

enum err lost_add_message(struct lost *lost, const struct lost_message *message)
{
    if (lost->message_count >= LOST_MESSAGES_MAX)
        return ERR_LIMIT;
    lost->messages = store_grow(lost->messages, lost->message_count, &lost->message_capacity,
                                sizeof(*lost->messages));
    lost->messages[lost->message_count++] = *message;
    return ERR_OK;
}

void lost_add_flags(struct lost *lost, const struct lost_flags *flags)
{
    lost->flags =
        store_grow(lost->flags, lost->flag_count, &lost->flag_capacity, sizeof(*lost->flags));
    lost->flags[lost->flag_count++] = *flags;
}

uint32_t lost_add_event(struct lost *lost, const struct lost_event *event)
{
    struct lost_event *mine;

    lost->events =
        store_grow(lost->events, lost->event_count, &lost->event_capacity, sizeof(*lost->events));
    mine = &lost->events[lost->event_count];
    *mine = *event;
    mine->actor = copy_bytes(event->actor);
    return (uint32_t)lost->event_count++;
}

static int by_place(const void *a, const void *b)
{
    const struct lost_message *left = a;
    const struct lost_message *right = b;

    if (left->mailbox != right->mailbox)
        return left->mailbox < right->mailbox ? -1 : 1;
    return (left->row.uid.value > right->row.uid.value) -
           (left->row.uid.value < right->row.uid.value);
}

static bool is_in_order(const struct lost *lost)
{
    for (size_t i = 1; i < lost->message_count; i++)
        if (by_place(&lost->messages[i - 1], &lost->messages[i]) > 0)
            return false;
    return true;
}

static int by_flags(const void *a, const void *b)
{
    const struct lost_flags *left = a;
    const struct lost_flags *right = b;
    int order;

    if (left->mailbox != right->mailbox)
        return left->mailbox < right->mailbox ? -1 : 1;
    if (left->flags != right->flags)
        return left->flags < right->flags ? -1 : 1;
    order = memcmp(&left->keywords, &right->keywords, sizeof(left->keywords));
    if (order != 0)
        return order;
    return (left->uid.value > right->uid.value) - (left->uid.value < right->uid.value);
}

void lost_settle(struct lost *lost, const bool *keep)
{
    size_t kept = 0;

    for (size_t i = 0; i < lost->message_count; i++)
        if (keep == NULL || keep[i])
            lost->messages[kept++] = lost->messages[i];
    lost->message_count = kept;
    if (!is_in_order(lost))
        qsort(lost->messages, kept, sizeof(*lost->messages), by_place);
    if (lost->flag_count > 1)
        qsort(lost->flags, lost->flag_count, sizeof(*lost->flags), by_flags);
}

size_t lost_first_message(const struct lost *lost, size_t mailbox)
{
    size_t low = 0;
    size_t high = lost->message_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (lost->messages[middle].mailbox < mailbox)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t lost_first_flags(const struct lost *lost, size_t mailbox)
{
    size_t low = 0;
    size_t high = lost->flag_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (lost->flags[middle].mailbox < mailbox)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
