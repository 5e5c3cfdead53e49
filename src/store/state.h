/* What an account is, in memory: all that replaying its log gives. Pure: no disk, no jobs.
 *
 * Changed by store/apply.h only. Mailboxes and views point into it; it is embedded in the account.
 */
#ifndef ROOST_STORE_STATE_H
#define ROOST_STORE_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "store/body_table.h"
#include "store/keyword.h"
#include "store/mailbox.h"
#include "store/rows.h"
#include "store/snapshot.h"
#include "store/thread_table.h"
#include "store/types.h"
#include "store/vanished.h"

struct mailbox {
    struct state *state;
    struct mailbox_id id;
    uint32_t uidvalidity;
    uint32_t uidnext;
    uint32_t recent_floor;
    uint32_t holds; /* of others than the state */
    unsigned uses;
    bool deleted;
    uint8_t *name; /* owned */
    size_t name_len;
    struct modseq highest;
    struct rows rows;
    uint32_t unseen;
    uint32_t flagged_deleted;
    uint64_t size;
    struct keyword_table keywords;
    struct vanished vanished;
    struct snapshot *snapshot; /* of the rows as they are now, once somebody asked; held */
    struct list views; /* struct view */
    struct list touched; /* in state->touched */
};

/* Segments that the base made superfluous; they may be removed some time after it was made. */
struct drops {
    uint64_t *segments;
    size_t count;
    size_t capacity;
    struct wall when; /* the base was made */
};

struct state {
    struct account_id id;
    struct modseq change; /* number of the last change */
    struct wall changed_at; /* when it was made, as its record says; 0: not known */
    struct modseq floor; /* least MODSEQ of everything, from the last epoch */
    uint32_t uidvalidity_last;
    uint32_t mailbox_next;
    uint64_t body_next;

    struct mailbox **by_name; /* sorted by name */
    struct mailbox **by_id; /* sorted by id */
    size_t mailbox_count;
    size_t by_name_capacity;
    size_t by_id_capacity;

    struct bytes *subscriptions; /* sorted; each owned */
    size_t subscription_count;
    size_t subscription_capacity;

    struct body_table bodies;
    struct thread_table threads;
    uint64_t *body_segments; /* sorted: those that a change ever named, for finding the others */
    size_t body_segment_count;
    size_t body_segment_capacity;
    struct drops drops;
    uint64_t garbage; /* see state_garbage: without the bodies that died in this table */
    bool damaged; /* an epoch told of damage: what nobody names may have been named */
    uint64_t used_bytes; /* of all messages in all mailboxes */
    uint64_t used_messages;

    struct list views; /* of all mailboxes, deleted ones too; those behind the longest first */
    uint32_t refresh_cost; /* of a step of view_refresh (store/snapshot.h); 0: the usual */
    uint32_t pins_round; /* of the last pins_bound */
    struct list touched; /* mailboxes whose messages changed since state_take_touched */
    bool list_touched; /* mailboxes or subscriptions came, went or changed their names */
};

void state_init(struct state *state);

/* Frees everything; no mailbox may be held. */
void state_done(struct state *state);

static inline struct bytes mailbox_name_bytes(const struct mailbox *mailbox)
{
    return bytes_make(mailbox->name, mailbox->name_len);
}

/* NULL when there is none. */
struct mailbox *state_find(const struct state *state, struct bytes name);
struct mailbox *state_find_id(const struct state *state, struct mailbox_id id);

/* The place of the first mailbox whose name is not below (or, with `after`, is above) `name`. */
size_t state_name_place(const struct state *state, struct bytes name, bool after);

/* Puts a mailbox into the tables: neither its id nor its name is there. Takes it over. */
void state_add(struct state *state, struct mailbox *mailbox);
/* Takes it out; frees it unless it is held. */
void state_remove(struct state *state, struct mailbox *mailbox);
void state_set_name(struct state *state, struct mailbox *mailbox, struct bytes name);

/* A mailbox that is in no table yet. */
struct mailbox *state_mailbox_new(struct state *state, struct mailbox_id id, struct bytes name);
void state_mailbox_free(struct mailbox *mailbox);

/* True when a mailbox has a name that starts with `name` and '/'. */
bool state_has_below(const struct state *state, struct bytes name);

/* True when that changed something. */
bool state_subscribe(struct state *state, struct bytes name, bool subscribed);
size_t state_subscription_place(const struct state *state, struct bytes name, bool after);

/* Notes a body segment, in any order; those that are known already are ignored. */
void state_add_body_segment(struct state *state, uint64_t segment);
bool state_has_body_segment(const struct state *state, uint64_t segment);

void state_add_drop(struct state *state, uint64_t segment, struct wall when);
void state_forget_drops(struct state *state);

/* Bytes of the log that a compaction at this state would not need, about: changes, and bodies
 * without messages. */
uint64_t state_garbage(const struct state *state);

/* Rows of the mailbox are about to change: the cached snapshot goes, the mailbox is noted. */
void state_touch(struct mailbox *mailbox);

/* The next touched mailbox, no longer noted; NULL when there is none. */
struct mailbox *state_take_touched(struct state *state);

/* What every row that comes or goes does to the counts, and all rows of a block that comes. */
void state_count_row(struct mailbox *mailbox, const struct row *row, int sign);
void state_count_block(struct mailbox *mailbox, const struct block *block);

/* The snapshot of now; borrowed. */
struct snapshot *state_snapshot(struct mailbox *mailbox);

/* The change number up to which no view remembers anything: dead bodies may be forgotten. */
uint64_t state_views_floor(const struct state *state);

#endif
