/* A record on its way into the state, in steps: what store/apply.h does at once.
 *
 * Between two steps the state is neither what it was nor what it will be: nobody may look at it.
 * The steps may be of any size, the state is the same in the end. */
#ifndef ROOST_STORE_APPLYING_H
#define ROOST_STORE_APPLYING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "store/block.h"
#include "store/log.h"
#include "store/op.h"
#include "store/state.h"

/* What things cost, in the unit in which steps are measured: about 10 ns on a machine of today. */
enum {
    APPLYING_FLAG_COST = 1, /* a message gets other flags */
    APPLYING_EXPUNGE_COST = 6,
    APPLYING_COPY_COST = 8,
    APPLYING_FLAG_BLOCK_COST =
        2048, /* a block, however few of its rows: it may have to be copied */
    APPLYING_EXPUNGE_BLOCK_COST = 8192, /* what is left of it is made anew */
    APPLYING_COPY_BLOCK_COST = 1024,
    APPLYING_BODY_COST = 8, /* a body that is looked for before its message is put */
    APPLYING_OP_COST = 64, /* one of the others, a message that is put among them */
    APPLYING_PAGE_COST = 16384, /* a page of the body table, made anew */
};

/* Keywords of one mailbox as another one numbers them. */
struct keyword_bridge {
    const struct mailbox *from;
    struct mailbox *to;
    int16_t index[KEYWORDS_PER_MAILBOX_MAX]; /* + 1; 0: not asked yet */
};

struct applying {
    struct state *state;
    struct modseq number;
    struct wall when;
    uint64_t bytes; /* of the CHANGE in the log; 0: it is none, or no news */
    uint32_t left; /* what this step may still cost */
    struct op_walk walk; /* behind `op` */
    struct op op;
    bool has_op; /* it is being applied */

    /* An op on a set of messages. */
    struct mailbox *mailbox;
    struct op_uid_walk uids;
    struct uid_range range; /* what is left of the one that `uids` gave last */
    bool has_range;
    struct uid_range *ranges; /* those of one piece; owned */
    struct block_mask masks[3]; /* FLAGS: what becomes of flags and of the keywords' words */
    struct keyword_bridge bridge; /* COPY, MOVE */
    uint32_t uid; /* COPY, MOVE: of the next copy */
    bool is_copied; /* MOVE: what is left is to expunge */
    size_t block; /* DELETE: the next one */

    /* Bodies that are made known before the messages that are put: store/apply.c. */
    bool looks_ahead;
    struct op_walk ahead;
    uint32_t seen_ahead; /* ops between `walk` and `ahead` */
    struct body_entry *entries; /* owned */
    size_t entry_count;
    size_t entry_next; /* those before it are in the table */
};

/* Takes a CHANGE or BASE record, whose payload stays where it is until it is through. False: its
 * bytes make no sense, and there is nothing to do. `checked`: they are known to make sense. A
 * CHANGE whose number is not above the last one is no news: it is through at the first step. */
MUST_USE bool applying_begin(struct applying *applying, struct state *state,
                             const struct log_record *record, bool checked);

/* Goes on for about `cost`, and at least a little. True: it is through. */
MUST_USE bool applying_step(struct applying *applying, uint32_t cost);

/* Frees it. When it was not through the state is good for nothing but state_done. */
void applying_done(struct applying *applying);

/* For the ops of apply_message.c: takes off what the step did. */
void applying_charge(struct applying *applying, uint64_t cost);

/* The next piece of the op's set, at most as large as the step allows when each row of `rows` costs
 * so much; empty: all of it has been given. Valid until the next call. */
struct uid_set applying_piece(struct applying *applying, const struct rows *rows, uint32_t cost);

/* Ops on sets of messages, in apply_message.c: begins one, false when there is nothing to do; one
 * piece of it, true when that was the last. */
bool apply_flags_begin(struct applying *applying);
bool apply_flags_step(struct applying *applying);
bool apply_copy_begin(struct applying *applying);
bool apply_copy_step(struct applying *applying);
bool apply_expunge_begin(struct applying *applying);
bool apply_expunge_step(struct applying *applying);

/* In apply.c. */
bool apply_delete_begin(struct applying *applying);
bool apply_delete_step(struct applying *applying);

#endif
