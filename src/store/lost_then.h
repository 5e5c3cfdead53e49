/* What an account was at one time and is not now: mailboxes and messages that are missing, names
 * and flags that are others (a message that is not
 * \Deleted now is not to become it). What came since is not looked at: bringing back takes nothing
 * away.
 *
 * A message that was moved since is missing where it was, although it lives elsewhere. One that is
 * there under another UID (it went and was brought back) is not missing.
 *
 * For jobs: reads through history.h, touches no account; one thread at a time. Memory: two states
 * of the account. */
#ifndef ROOST_STORE_LOST_THEN_H
#define ROOST_STORE_LOST_THEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "store/lost.h"
#include "store/types.h"

struct lost_then;
struct vfs;

struct lost_then_options {
    struct vfs *vfs; /* the account's directory; borrowed until lost_then_free */
    uint64_t position; /* account_durable: what the log says up to it is now */
    struct wall at; /* changes of this moment are part of what was */
};

/* Reads nothing yet. */
struct lost_then *lost_then_new(const struct lost_then_options *options);

/* Reads on for about `bytes` of log; *out_done: all is compared. Blocks. ERR_CONFLICT: the log does
 * not reach back to that time (lost_then_since). ERR_LIMIT: more than LOST_MESSAGES_MAX messages.
 * After an error only lost_then_since and lost_then_free work. */
MUST_USE enum err lost_then_read(struct lost_then *then, uint64_t bytes, bool *out_done,
                                 struct note *why);

/* How far it has come, of twice the position in the options: the log is read up to the time, and
 * once more to its end. */
uint64_t lost_then_position(const struct lost_then *then);

/* Once all is compared; the caller owns what it holds. All mailboxes of that time are in it. The
 * events of its messages are not known. */
void lost_then_take(struct lost_then *then, struct lost *out_lost);

/* The earliest time that can be asked for; 0 as long as that is not known. */
struct wall lost_then_since(const struct lost_then *then);

/* NULL is allowed. */
void lost_then_free(struct lost_then *then);

#endif
