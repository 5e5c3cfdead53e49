/* Finds what was expunged and deleted, in the log of an account.
 *
 * A message that was moved away is not lost, nor is one that was brought back since. What the store
 * itself expunged (a copy of the directory lacked the bodies) is not there to come back.
 *
 * For jobs: reads through history.h, touches no account; one thread at a time. */
#ifndef ROOST_STORE_LOST_FIND_H
#define ROOST_STORE_LOST_FIND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "store/lost.h"
#include "store/types.h"

struct lost_find;
struct vfs;

struct lost_find_options {
    struct vfs *vfs; /* the account's directory; borrowed until lost_find_free */
    uint64_t position; /* account_durable: nothing behind it is read */
    /* Which mailbox: the one that has this id, and those that had this name when something of them
     * went. Empty and 0: all. The name is copied. */
    struct bytes name;
    struct mailbox_id id;
    struct wall since; /* what went before is left alone */
};

/* Reads nothing yet. */
struct lost_find *lost_find_new(const struct lost_find_options *options);

/* Reads on for about `bytes` of log; *out_done: all is found. Blocks. ERR_LIMIT: more than
 * LOST_MESSAGES_MAX messages. After an error only lost_find_free works. */
MUST_USE enum err lost_find_read(struct lost_find *find, uint64_t bytes, bool *out_done,
                                 struct note *why);

/* How far it has come: a position of the log, up to the one in the options. */
uint64_t lost_find_position(const struct lost_find *find);

/* Once all is found; the caller owns what it holds. Mailboxes of which nothing is lost are in it,
 * too, without is_wanted. */
void lost_find_take(struct lost_find *find, struct lost *out_lost);

/* From when on the log was complete, once all is found. */
struct wall lost_find_since(const struct lost_find *find);

/* NULL is allowed. */
void lost_find_free(struct lost_find *find);

#endif
