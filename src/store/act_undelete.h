/* Bringing back what is lost (store/lost.h): an act, and what has to be known before it.
 *
 * Messages come back under new UIDs with their bodies, flags (\Deleted left out), keywords and
 * dates: into the mailbox of the same id when it is still there, else into one of the same name,
 * which is made when there is none. What lives there already is left out, so that doing it twice
 * does nothing twice; of a message that went from there several times the last one comes back.
 *
 * One CHANGE holds some 300,000 messages. What does not fit into one is written as several, each of
 * them all or nothing; everything that a CHANGE needs (mailboxes, levels above them) is in it. */
#ifndef ROOST_STORE_ACT_UNDELETE_H
#define ROOST_STORE_ACT_UNDELETE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store/types.h"

struct account;
struct lost;
struct undelete_plan;

struct undelete_counts {
    uint64_t messages;
    uint64_t bytes;
    uint64_t flags; /* messages that get other flags */
    uint32_t made; /* mailboxes, levels above them not counted */
    uint32_t levels; /* mailboxes made only because they are above another one */
    uint32_t renamed;
    uint32_t not_renamed; /* the name that it should have is taken */
};

/* A mailbox of the lost ones, in the order of their names. */
struct undelete_order {
    struct bytes name;
    size_t index;
};

struct undelete {
    struct account *account;
    struct lost *lost; /* both borrowed */
    struct undelete_order *order; /* owned */
    size_t next; /* the next of `order` to be dealt with */
    size_t message; /* the next message of it; 0: from its first */
    size_t flag; /* likewise */
    bool renames_done;
    struct undelete_plan *plan; /* owned; NULL once it is made */
    struct undelete_counts planned; /* what there is to do in all, as the account is now */
    struct undelete_counts done; /* so far */
};

/* To be planned. */
void undelete_begin(struct undelete *undelete, struct account *account, struct lost *lost);

/* A step of the plan: what goes where and what is left out, in `lost` and in `planned`. Writes
 * nothing. True: it is made, and act_undelete may follow. Others may act on the account meanwhile:
 * then it begins anew, and at last as an act, in steps of the account's own (account_is_acting):
 * nothing but to be called again once that is over. Not while another act goes on. */
MUST_USE bool undelete_plan(struct undelete *undelete);

void undelete_done(struct undelete *undelete);

/* May take steps (store/acting.h). Writes the next CHANGE; none when there is nothing to do.
 * *out_done: that was the last one. What act.h says of all acts holds; ERR_OVER_QUOTA: all of it
 * together does not fit, and nothing was done; ERR_LIMIT: too many mailboxes, or no UID is left. */
MUST_USE enum err act_undelete(struct undelete *undelete, const struct origin *origin,
                               bool *out_done);

#endif
