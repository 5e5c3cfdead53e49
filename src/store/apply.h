/* What ops do to the state. The one way in which anything changes: acts and replay come through
 * here with the same bytes, so that an account is the same before and after it was opened again:
 * replay at once, acts in steps (store/applying.h), by the same code.
 *
 * Ops come from the disk: one that does not fit the state (a mailbox that is not there, a UID used
 * already) is skipped, whole or for the rows that it misses, and nothing is asserted of it. But
 * mail is never skipped because the record that made its mailbox is lost: apply_lost.c. */
#ifndef ROOST_STORE_APPLY_H
#define ROOST_STORE_APPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "store/act.h"
#include "store/log.h"
#include "store/op.h"
#include "store/state.h"

/* Applies a CHANGE or BASE record, all of it or (false: its bytes make no sense) nothing. A CHANGE
 * whose number is not above the last one is no news: nothing is done. */
bool apply_record(struct state *state, const struct log_record *record);

/* Applies one op of change `number`; none of those that may take many steps (store/applying.h). */
void apply_op(struct state *state, const struct op *op, struct modseq number);

/* What STORE makes of flags, or of a word of keywords. */
struct block_mask apply_flag_mask(enum flag_mode mode, uint64_t bits);

/* In apply_message.c. */
void apply_put(struct state *state, const struct op_put *put, struct modseq number);

enum { APPLY_NAME_BYTES = 32 };

/* A name for a mailbox whose own one is lost or taken. */
struct bytes apply_free_name(const struct state *state, struct mailbox_id id,
                             char space[APPLY_NAME_BYTES]);

/* Makes the mailbox with that id, which is not there, for mail that came into it at `when`
 * (seconds); subscribed, so that it is seen. */
struct mailbox *apply_lost_mailbox(struct state *state, struct mailbox_id id, int64_t when,
                                   struct modseq number);

/* The ops of a base or a checkpoint, false for other ones: in apply_base.c. */
bool apply_base(struct state *state, const struct op *op);

/* Notes that a change touched the mailbox's rows: snapshot, HIGHESTMODSEQ, whom to tell. */
void apply_touch(struct mailbox *mailbox, struct modseq number);

#endif
