/* A state as the ops of BASE records: what checkpoints and base segments are made of
 * (docs/format.md, "Ops"). In pieces, so that each can be made in steps; the order is that of the
 * functions here, each mailbox before its rows. All add to `buf`. */
#ifndef ROOST_STORE_STATE_ENCODE_H
#define ROOST_STORE_STATE_ENCODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "store/types.h"

struct block;
struct drops;
struct mailbox;
struct state;

/* BASE_STATE: the state is that of `position` of the log. */
void state_head_encode(struct buf *buf, const struct state *state, uint64_t position);

/* BASE_MAILBOX and its BASE_VANISHED. */
void state_mailbox_encode(struct buf *buf, const struct mailbox *mailbox);

/* The first `count` rows of a block of the mailbox as one BASE_ROWS, with the places of the body
 * table. */
void state_rows_encode(struct buf *buf, const struct state *state, struct mailbox_id mailbox,
                       const struct block *block, uint32_t count);

/* One SUBSCRIBE. */
void state_subscription_encode(struct buf *buf, const struct state *state, size_t index);

/* All THREAD, the oldest first: about a MB at most. */
void state_threads_encode(struct buf *buf, const struct state *state);

/* BASE_DROP; nothing when there are none. */
void state_drops_encode(struct buf *buf, const struct drops *drops);

#endif
