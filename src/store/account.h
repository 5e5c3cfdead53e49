/* One open account: its log, its state in memory, its place on the disk.
 *
 * An account belongs to one thread at a time. account_open and account_close may block for long:
 * they run in a job, with nobody else holding the account; in between it belongs to its shard's
 * loop.
 *
 * Commit gating (promise 1). An act (store/act.h) is applied in memory and written to the log when
 * it returns; it is durable later. Whoever lets an answer out to the world asks first: the answer
 * may leave when account_durable(account) >= account_gate(account) was taken after the act.
 * account_sync starts one fdatasync for all that waits; the listener hears when it is through. */
#ifndef ROOST_STORE_ACCOUNT_H
#define ROOST_STORE_ACCOUNT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/job.h"
#include "base/time.h"
#include "store/types.h"

enum {
    ACCOUNT_MAILBOXES_MAX = 10000,
    /* What views may keep in memory of rows and flags that are no more; then the oldest views are
     * overdue (view_is_overdue). More than a mailbox of a million messages takes. */
    ACCOUNT_PINNED_BYTES_MAX = 64 * 1024 * 1024,
};

struct account;
struct mailbox;
struct packing;
struct vfs;

/* What may be removed from the log, and when: store/account_compact.h. */
struct compact_policy {
    bool enabled; /* false: nothing, unless account_purge asks for it */
    int64_t keep_us; /* mail.expunged_days: what was expunged stays that long */
    uint64_t expunged_bytes_max; /* mail.expunged_bytes_max: but no more than that; 0: no limit */
    uint64_t linger_ms; /* between a base and the removal of what it supersedes; 0: an hour */
    uint64_t garbage_bytes_min; /* less is left alone; 0: 1 MB */
    uint64_t check_ms; /* between two looks; 0: ten minutes */
    atomic_uint *running; /* compactions now, of all accounts that share it; borrowed; or NULL */
    unsigned running_max;
};

struct account_options {
    struct vfs *vfs; /* the account's directory; borrowed until account_close returns */
    struct executor *executor; /* where syncs, large writes and reads from the disk run; borrowed */
    struct executor *background; /* where compaction and checkpoints run; NULL: there too */
    struct account_id id;
    bool create; /* make it when the directory is empty, with the usual mailboxes */
    bool strict; /* mail.durability = strict: flag changes are gated too */
    bool compress; /* mail.compression = zstd: bodies that come are stored packed, where it pays */
    struct packing
        *packing; /* the thread's (store/packed_body.h); borrowed. NULL: one of its own */
    uint64_t quota_bytes; /* limit on living bodies; 0: none */
    uint32_t mailboxes_max; /* 0: ACCOUNT_MAILBOXES_MAX */
    uint32_t keywords_max; /* in one mailbox; 0, or above it: KEYWORDS_PER_MAILBOX_MAX */
    uint64_t pinned_bytes_max; /* 0: ACCOUNT_PINNED_BYTES_MAX */
    uint64_t checkpoint_bytes; /* of log between two checkpoints; 0: the usual 16 MB */
    uint32_t
        step_cost; /* what a step of an act may cost (store/applying.h); 0: a millisecond or so */
    uint32_t refresh_cost; /* and a step of view_refresh (store/snapshot.h); 0: likewise */
    uint64_t log_segment_bytes; /* when the log begins a new segment; 0: the usual 64 MB */
    uint64_t log_ahead_bytes; /* what it takes ahead at a time (store/log.h); 0: the usual, */
    uint32_t log_ahead_syncs; /* after so many small syncs; 0: the usual */
    struct compact_policy compact;
    struct wall now;
};

/* What opening met, for the event log. All zero after a clean shutdown. */
struct account_report {
    bool unclean; /* the last owner did not close */
    bool copied; /* the directory is not the one that its lock file names, or there is none */
    bool epoch; /* something may have been lost or repeated: an epoch was written */
    uint64_t records_replayed;
    uint64_t tail_bytes; /* set aside behind the last whole batch */
    uint64_t records_damaged; /* set aside before the durable mark */
    uint64_t left_out; /* messages that came while this copy was made, and have no body here */
    struct note damage; /* where the first damage is */
};

/* Calls on the owner's thread, in the turn of the loop in which the thing became true. */
struct account_listener {
    /* account_durable has moved. */
    void (*durable)(struct account_listener *listener);
    /* A change touched `mailbox` (messages, flags) or, when NULL, the list of mailboxes. */
    void (*changed)(struct account_listener *listener, struct mailbox *mailbox);
    /* Writing or syncing failed: nothing past the durable mark may be believed. The owner ends all
     * sessions of the account unanswered, closes it and opens it again. No act succeeds any more.
     */
    void (*failed)(struct account_listener *listener, const struct note *why);
};

/* Locks, recovers and loads. ERR_BUSY: another process holds the lock. ERR_NOT_FOUND: no account
 * there and `create` is false. ERR_INVALID: the log is that of an account with another id.
 * ERR_UNSUPPORTED: a newer Roost wrote it. ERR_CORRUPT is never the answer to damage: see the
 * report. `listener` may be NULL (tools) and is set later by account_set_listener. */
MUST_USE enum err account_open(const struct account_options *options, struct account **out_account,
                               struct account_report *out_report, struct note *why);

/* Syncs what is unsynced, writes the checkpoint, marks the directory clean, unlocks, frees. No
 * view, handle or body of it may be held. After a failure only unlocks and frees. NULL is allowed.
 */
void account_close(struct account *account, struct wall now);

void account_set_listener(struct account *account, struct account_listener *listener);

/* The log position up to which answers must be held back, and the one that is on the disk. */
uint64_t account_gate(const struct account *account);
uint64_t account_durable(const struct account *account);

/* Starts a sync when something is unsynced and none is running; else does nothing. */
void account_sync(struct account *account);

/* Housekeeping: to be called when the returned time has come (and after acts): syncs ungated
 * changes within a second, writes a checkpoint in steps of at most a few milliseconds, bounds what
 * views keep of the past. Answers when it wants to be called again; INT64_MAX ms: not before the
 * next act. */
struct mono account_tick(struct account *account, struct mono now, struct wall wall);

/* Gives back what is only kept for speed: descriptors and buffers. For accounts at rest: what is
 * left open is the lock, and the directory that `vfs` stands for. */
void account_trim(struct account *account);

/* True while a job of the account is running: it must not be closed before that is false. */
bool account_is_busy(const struct account *account);

bool account_has_failed(const struct account *account);
/* Why its log has failed: ERR_NO_SPACE, ERR_IO and so on; ERR_OK: it has not. */
enum err account_failure(const struct account *account);

struct account_id account_id(const struct account *account);

/* Bytes of bodies with a living reference, each counted once per reference; messages likewise. */
uint64_t account_used_bytes(const struct account *account);
uint64_t account_used_messages(const struct account *account);
uint64_t account_quota_bytes(const struct account *account);

/* The limits it has, as in account_options: never 0. */
uint32_t account_mailboxes_max(const struct account *account);
uint32_t account_keywords_max(const struct account *account); /* in one mailbox */
void account_set_quota(struct account *account, uint64_t quota_bytes);

/* Of the last change of the account; every change raises it. */
struct modseq account_change_number(const struct account *account);

#endif
