/* When an account compacts its log, what it removes of it, and who may ask it not to.
 *
 * Policy (struct compact_policy). When about a quarter as much is garbage as is living, whole
 * segments whose last change is older than the retention are superseded by a base
 * (store/compact.h), in jobs, step by step. What the base makes superfluous is removed when the
 * linger is over. Beyond expunged_bytes_max the oldest is superseded before its time.
 *
 * All on the owner's thread; account_tick drives it. */
#ifndef ROOST_STORE_ACCOUNT_COMPACT_H
#define ROOST_STORE_ACCOUNT_COMPACT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/job.h"
#include "base/list.h"
#include "base/time.h"

struct account;

/* As long as a hold is there nothing is removed from the log, until the wall time `until` has
 * passed. Answers its number, for account_release. */
uint64_t account_hold(struct account *account, struct wall until);
void account_release(struct account *account, uint64_t hold);

/* Somebody who reads the past and may name bodies by the places found there. */
struct account_pause {
    struct waker *waker;
    struct list link; /* while it waits; zero at first */
    bool is_held;
};

/* From the moment that this answers true until account_compact_resume no step of a compaction is
 * made, and nothing is removed; one that is under way goes on afterwards. False: not yet; the waker
 * is woken when it is worth asking again, and `pause` must stay where it is until
 * account_compact_resume. Pauses that follow each other, or overlap, let compaction have its turn
 * in between. */
MUST_USE bool account_compact_pause(struct account *account, struct account_pause *pause);

/* Harmless for one that is not held and does not wait. `named`: bodies may have been named by old
 * places meanwhile, and a compaction that waits must begin again. */
void account_compact_resume(struct account *account, struct account_pause *pause, bool named);

bool account_compact_is_running(const struct account *account);

/* What a purge did. */
struct account_purged {
    struct wall since; /* what was expunged after that change is still known; 0: nothing was
                        * forgotten */
    uint64_t freed_bytes; /* of the log, with what was written instead taken off */
    bool held; /* removal waits: somebody holds the log, a backup say */
};

/* Begins to forget for good what was expunged before: all segments whose last change is older than
 * `before` (INT64_MAX: all) are superseded, and removed at once; the present segment
 * ends here, so that a later one can forget up to this moment; summaries are made anew when they
 * are asked for. The disk must have room for what is living in those segments. It goes on with
 * account_tick, with shorter rests than a compaction that nobody asked for. `waker` is woken when
 * it has ended; not after account_purge_forget. ERR_BUSY: a purge is under way. */
MUST_USE enum err account_purge(struct account *account, struct wall before, struct waker *waker);

/* ERR_BUSY: it has not ended. Else how it ended; on failure with a note. */
MUST_USE enum err account_purge_result(struct account *account, struct account_purged *out_purged,
                                       struct note *why);

/* Nobody waits for it any more. */
void account_purge_forget(struct account *account);

/* For the event log: how a compaction ended. */
struct account_compacted {
    enum err err; /* with a note */
    struct note why;
    uint64_t written_bytes; /* of the base */
    uint64_t dropped_bytes; /* of what may be removed when the linger is over */
};

/* True when one has made a base, or has failed, since the last call. */
bool account_compacted(struct account *account, struct account_compacted *out_compacted);

/* For account.c and account_checkpoint.c. */
struct compact_policy;
struct compaction *account_compact_new(const struct compact_policy *policy);
/* Does what is due; answers when it wants to be called again. */
struct mono account_compact_tick(struct account *account, struct mono now);
/* Bodies are moving in the table: no checkpoint may begin. */
bool account_compact_is_switching(const struct account *account);
/* Gives up what is not done; finishes what is. Before the last checkpoint. */
void account_compact_close(struct account *account);

#endif
