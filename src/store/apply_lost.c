/* Mailboxes that have mail, though the record that made them is lost to damage. */
#include <stdio.h>

#include "store/apply.h"

enum { INBOX_ID = 1 }; /* the first that a new account makes; INBOX keeps its id */

struct bytes apply_free_name(const struct state *state, struct mailbox_id id,
                             char space[APPLY_NAME_BYTES])
{
    struct bytes name = BYTES("INBOX");

    if (id.value == INBOX_ID && state_find(state, name) == NULL)
        return name;
    (void)snprintf(space, APPLY_NAME_BYTES, "Recovered-%u", id.value);
    name = bytes_from_string(space);
    for (unsigned i = 2; state_find(state, name) != NULL; i++) {
        (void)snprintf(space, APPLY_NAME_BYTES, "Recovered-%u-%u", id.value, i);
        name = bytes_from_string(space);
    }
    return name;
}

/* UIDVALIDITY: the mailbox was made before its mail came, so this is not below what it was. */
struct mailbox *apply_lost_mailbox(struct state *state, struct mailbox_id id, int64_t when,
                                   struct modseq number)
{
    char space[APPLY_NAME_BYTES];
    struct bytes name = apply_free_name(state, id, space);
    struct mailbox *mailbox = state_mailbox_new(state, id, name);

    if (state->uidvalidity_last < UINT32_MAX)
        state->uidvalidity_last++;
    if (when > state->uidvalidity_last && when <= UINT32_MAX)
        state->uidvalidity_last = (uint32_t)when;
    mailbox->uidvalidity = state->uidvalidity_last;
    mailbox->highest = number;
    if (id.value >= state->mailbox_next)
        state->mailbox_next = id.value == UINT32_MAX ? id.value : id.value + 1;
    state_add(state, mailbox);
    (void)state_subscribe(state, name, true);
    return mailbox;
}
