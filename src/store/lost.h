/* What an account had and has no more, found in its log: messages that were expunged, mailboxes
 * that were deleted, and, looking back at one time, names and flags that were others then. Filled
 * by lost_find.h or lost_then.h on any thread, brought back by act_undelete.h.
 *
 * Nothing of it is kept while the account is open: it is read out of the log when somebody asks.
 * Memory: about 150 bytes for each message, at most LOST_MESSAGES_MAX of them. */
#ifndef ROOST_STORE_LOST_H
#define ROOST_STORE_LOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store/keyword.h"
#include "store/record.h"
#include "store/types.h"

struct mailbox;

enum { LOST_MESSAGES_MAX = 1 << 20 };

/* The change that took something. */
struct lost_event {
    struct modseq change;
    struct wall when;
    enum protocol protocol;
    uint64_t session;
    struct bytes actor; /* owned */
};

struct lost_mailbox {
    struct mailbox_id id;
    uint64_t seen; /* grows with each lost_add_mailbox */
    struct bytes name; /* the one it is to have; owned */
    unsigned uses; /* enum special_use */
    bool is_wanted; /* it is to be there even when it is empty */
    bool is_renamed; /* the mailbox with this id is to have this name again */
    bool is_refused; /* that name is taken: it is not renamed (act_undelete.h) */
    uint32_t event; /* that deleted it; meaningless when it was not */
    struct keyword_table keywords; /* what the bits in `row` mean */
    struct mailbox_id
        target; /* where its messages go; 0: it is still to be made (act_undelete.h) */
    size_t to_put; /* of its messages, those that are not left out (act_undelete.h) */
};

struct lost_message {
    struct row row; /* as it was */
    struct place place; /* of its body */
    uint32_t mailbox; /* index */
    uint32_t event; /* index; of lost_then.h: no event, but greater for what counts as later */
    bool is_left_out; /* it lives there already (act_undelete.h) */
};

/* Flags that a message which is there is to have again. */
struct lost_flags {
    uint32_t mailbox; /* index */
    struct uid uid;
    uint16_t flags;
    struct keyword_set keywords;
};

struct lost {
    struct lost_mailbox *mailboxes;
    size_t mailbox_count;
    size_t mailbox_capacity;
    struct lost_message *messages; /* by mailbox, then UID */
    size_t message_count;
    size_t message_capacity;
    struct lost_flags *flags; /* by mailbox, then what they are, then UID */
    size_t flag_count;
    size_t flag_capacity;
    struct lost_event *events; /* in the order of the changes */
    size_t event_count;
    size_t event_capacity;
    uint64_t looks; /* lost_add_mailbox so far */
};

/* A zeroed one is valid and empty. */
void lost_done(struct lost *lost);

/* The index of `mailbox` under its present name, new or known; its keywords are taken over. */
uint32_t lost_add_mailbox(struct lost *lost, const struct mailbox *mailbox);

/* ERR_LIMIT: LOST_MESSAGES_MAX. */
MUST_USE enum err lost_add_message(struct lost *lost, const struct lost_message *message);
void lost_add_flags(struct lost *lost, const struct lost_flags *flags);

/* The first message and the first flags of a mailbox (of the count itself: the end). Once settled.
 */
size_t lost_first_message(const struct lost *lost, size_t mailbox);
size_t lost_first_flags(const struct lost *lost, size_t mailbox);

/* The index; the actor is copied. */
uint32_t lost_add_event(struct lost *lost, const struct lost_event *event);

/* Brings messages and flags into their order; of the messages those that `keep` names (by index)
 * stay, all when it is NULL. */
void lost_settle(struct lost *lost, const bool *keep);

#endif
