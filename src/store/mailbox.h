/* Mailboxes of an open account: finding them, and what they say of themselves.
 *
 * Names are UTF-8 in NFC, levels separated by '/', at most MAILBOX_NAME_BYTES_MAX bytes and
 * MAILBOX_LEVELS_MAX levels; "INBOX" is spelled so (a first level that equals it without case is
 * turned into it by the wire). A mailbox that was deleted stays readable as long as somebody holds
 * it (mailbox_hold); mailbox_is_deleted tells. */
#ifndef ROOST_STORE_MAILBOX_H
#define ROOST_STORE_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "store/types.h"

enum { MAILBOX_NAME_BYTES_MAX = 1000, MAILBOX_LEVELS_MAX = 64 };

struct account;
struct mailbox;

struct mailbox_counts {
    uint32_t messages;
    uint32_t unseen;
    uint32_t deleted;
    uint32_t recent; /* messages with a UID at or above the recent floor */
    uint64_t size; /* sum of RFC822.SIZE */
};

/* NULL when there is none. Borrowed: valid until the next act unless held. */
struct mailbox *mailbox_find(struct account *account, struct bytes name);
struct mailbox *mailbox_find_id(struct account *account, struct mailbox_id id);

/* Walks the names in byte order, so that children follow their parent: `after` empty for the first;
 * NULL at the end. Robust against acts between two calls. */
struct mailbox *mailbox_next(struct account *account, struct bytes after);
uint32_t mailbox_count(const struct account *account);

/* Keeps the mailbox's memory until the matching release; released ones may vanish at once. */
void mailbox_hold(struct mailbox *mailbox);
void mailbox_release(struct mailbox *mailbox);

struct account *mailbox_account(const struct mailbox *mailbox);
bool mailbox_is_deleted(const struct mailbox *mailbox);
struct mailbox_id mailbox_id(const struct mailbox *mailbox);
struct bytes mailbox_name(const struct mailbox *mailbox); /* until the next act */
bool mailbox_has_children(const struct mailbox *mailbox);
unsigned mailbox_uses(const struct mailbox *mailbox); /* enum special_use */

uint32_t mailbox_uidvalidity(const struct mailbox *mailbox);
uint32_t mailbox_uidnext(const struct mailbox *mailbox);
struct modseq mailbox_highest_modseq(const struct mailbox *mailbox);
void mailbox_counts(const struct mailbox *mailbox, struct mailbox_counts *out_counts);

/* Messages with a UID at or above this one are \Recent for the session that asks for it first
 * (RFC 3501 section 2.3.2); see act_recent_claim. */
uint32_t mailbox_recent_floor(const struct mailbox *mailbox);

/* The table of keywords seen in this mailbox, in the spelling first seen. */
uint32_t mailbox_keyword_count(const struct mailbox *mailbox);
struct bytes mailbox_keyword(const struct mailbox *mailbox, uint32_t index);
/* The index of a keyword, compared without ASCII case; -1 when it was never used here. */
int mailbox_keyword_find(const struct mailbox *mailbox, struct bytes keyword);

/* Walks the subscribed names, existing or not, in byte order, as mailbox_next does. Empty: the end.
 * The result is valid until the next act. */
struct bytes subscription_next(struct account *account, struct bytes after);
bool subscription_has(struct account *account, struct bytes name);

/* UIDs expunged with a change number above `since`, out of `within` (VANISHED (EARLIER), RFC 7162
 * section 3.2.5.2). Where the history does not reach back that far the answer is every UID of
 * `within` below UIDNEXT that is not there now. Memory from `arena`; ERR_LIMIT: over budget. */
struct arena;
MUST_USE enum err mailbox_vanished(struct mailbox *mailbox, struct modseq since,
                                   struct uid_set within, struct arena *arena,
                                   struct uid_set *out_set);

#endif
