/* One act on its way into the log and the state: begin, add ops, commit. */
#ifndef ROOST_STORE_CHANGE_H
#define ROOST_STORE_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "store/op.h"
#include "store/types.h"

struct account;
struct mailbox;

struct change {
    struct account *account;
    const struct origin *origin;
    struct modseq number; /* that the change will have */
    uint32_t mailbox_next; /* the next mailbox id, those of this change counted */
    uint32_t uidvalidity_last;
    uint32_t mailboxes; /* that this change makes */
    size_t ops_at; /* where ops begin in account->ops, behind who made it */
    bool exhausted; /* no id or no UIDVALIDITY is left for one of them */
};

/* Begins a batch of the log. A change that is not committed is forgotten. ERR_CLOSED. */
MUST_USE enum err change_begin(struct account *account, const struct origin *origin,
                               struct change *out_change);

void change_add(struct change *change, const struct op *op);

/* Adds the creation of a mailbox with the next id and a UIDVALIDITY never used; answers the id. */
struct mailbox_id change_add_mailbox(struct change *change, struct bytes name, unsigned uses);

/* Nothing was added. */
bool change_is_empty(const struct change *change);

/* Writes it in pieces, as log_write does; nothing else is asked of the account meanwhile. What is
 * left to do once change_write has answered ERR_OK is to apply the record, which is valid until
 * then, and to call change_end. ERR_LIMIT: too large, too many mailboxes, or their ids are used up.
 */
struct log_record;
MUST_USE enum err change_write_begin(struct change *change, bool gated,
                                     struct log_record *out_record);
MUST_USE enum err change_write(struct change *change, uint64_t bytes_max);

/* The record was applied: tells everybody. */
void change_end(const struct change *change);

/* All of that at once, for small changes. */
MUST_USE enum err change_commit(struct change *change, bool gated);

#endif
