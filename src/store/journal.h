/* What happened to an account, change by change, out of its log: for people.
 *
 * For jobs: reads through history.h, touches no account; one thread at a time. What a change did to
 * one mailbox is one entry. Housekeeping (threads, places of bodies, \Recent) has none. */
#ifndef ROOST_STORE_JOURNAL_H
#define ROOST_STORE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store/types.h"

struct journal;
struct vfs;

enum journal_kind {
    JOURNAL_BEGAN, /* the account was made */
    JOURNAL_CREATED,
    JOURNAL_RENAMED, /* `mailbox` to `to` */
    JOURNAL_DELETED, /* with `messages` */
    JOURNAL_ADDED, /* delivered or appended */
    JOURNAL_UNDELETED, /* brought back by an administrator */
    JOURNAL_FLAGGED, /* `detail`: what was set */
    JOURNAL_COPIED, /* from `mailbox` to `to` */
    JOURNAL_MOVED,
    JOURNAL_EXPUNGED,
    JOURNAL_SUBSCRIBED,
    JOURNAL_UNSUBSCRIBED,
    JOURNAL_EPOCH, /* `detail`: why */
};

struct journal_entry {
    enum journal_kind kind;
    struct wall when;
    struct modseq change;
    enum protocol protocol;
    uint64_t session;
    struct bytes actor;
    struct bytes mailbox; /* by its name then; empty: none is meant */
    struct bytes to;
    uint64_t messages;
    struct bytes uids; /* "4:6,9", of `mailbox`; ends with "..." when there are many */
    struct bytes detail;
    uint8_t *text; /* where all of them stand */
};

struct journal_options {
    struct vfs *vfs; /* the account's directory; borrowed until journal_free */
    uint64_t position; /* account_durable: nothing behind it is read */
    /* Which mailbox: the one that has this id, and those that had this name then. Empty and 0: all
     * that happened. The name is copied. */
    struct bytes name;
    struct mailbox_id id;
    struct wall since; /* what came before has no entry */
    size_t last_max; /* keep only so many, the last ones; 0: all */
};

/* Reads nothing yet. */
struct journal *journal_new(const struct journal_options *options);

/* Reads on for about `bytes` of log; *out_done: that was all. Blocks. After an error only
 * journal_free works. */
MUST_USE enum err journal_read(struct journal *journal, uint64_t bytes, bool *out_done,
                               struct note *why);

/* What was read and not cleared, oldest first; borrowed until the next call. */
const struct journal_entry *journal_entries(const struct journal *journal, size_t *out_count);
void journal_clear(struct journal *journal);

/* How far it has come: a position of the log. */
uint64_t journal_position(const struct journal *journal);

/* From when on the log was complete, once all is read. */
struct wall journal_since(const struct journal *journal);

/* Something came before that, and is forgotten; once all is read. */
bool journal_is_cut(const struct journal *journal);

/* NULL is allowed. */
void journal_free(struct journal *journal);

/* "expunged"; static. */
const char *journal_kind_text(enum journal_kind kind);
/* "imap"; empty for none. */
const char *journal_protocol_text(enum protocol protocol);

#endif
