/* Acts: everything that changes an account. One act is one CHANGE record, all or nothing (promise
 * 2).
 *
 * Each function checks first, then writes one batch, then applies the very bytes it wrote through
 * the code that replay uses. It never blocks on a sync: see account.h for when its answer may
 * leave. Errors of all: ERR_NOT_FOUND (the mailbox was deleted, and is only still held), ERR_IO,
 * ERR_NO_SPACE (nothing happened; the account may have failed, see account_has_failed), ERR_CLOSED
 * (it has failed earlier), ERR_LIMIT (names in account_options). Those that may take
 * steps: ERR_BUSY (store/acting.h). */
#ifndef ROOST_STORE_ACT_H
#define ROOST_STORE_ACT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "store/types.h"

struct account;
struct body_writer;
struct mailbox;

/* Makes the mailbox and the missing levels above it. ERR_EXISTS; ERR_INVALID: not a name.
 * `uses`: enum special_use; ERR_CONFLICT when another mailbox has that use already. Without any, a
 * mailbox named as one of a new account (Drafts, Trash ...) has that one's use, if no other has it:
 * some clients delete Drafts when it is empty, and make it anew with CREATE alone. */
MUST_USE enum err act_mailbox_create(struct account *account, const struct origin *origin,
                                     struct bytes name, unsigned uses,
                                     struct mailbox **out_mailbox);

/* May take steps. Deletes it, not its children (RFC 9051 section 6.3.5): a level that only children
 * have is a name without a mailbox, shown as \NonExistent. ERR_DENIED: INBOX. */
MUST_USE enum err act_mailbox_delete(struct account *account, const struct origin *origin,
                                     struct mailbox *mailbox);

/* May take steps. Renames it with all below it and makes missing levels above the new name (RFC
 * 9051 section 6.3.6). INBOX: its messages move to a new mailbox, INBOX and its children stay.
 * ERR_EXISTS; ERR_INVALID: into itself, or not a name. Subscriptions are names and stay. */
MUST_USE enum err act_mailbox_rename(struct account *account, const struct origin *origin,
                                     struct mailbox *mailbox, struct bytes new_name);

/* Subscribing what is so already writes nothing. The mailbox need not exist. */
MUST_USE enum err act_subscribe(struct account *account, const struct origin *origin,
                                struct bytes name, bool subscribed);

/* Claims \Recent: answers the floor before and raises it to UIDNEXT. Writes nothing when no message
 * is recent. */
MUST_USE enum err act_recent_claim(struct account *account, const struct origin *origin,
                                   struct mailbox *mailbox, uint32_t *out_floor);

/* Keywords as spelled by the client, 1 to KEYWORD_BYTES_MAX bytes; duplicates are allowed. */
struct flag_names {
    uint16_t flags; /* enum message_flag */
    const struct bytes *keywords;
    uint32_t keyword_count;
};

struct append_item {
    struct body_writer *body; /* finished; consumed when the act succeeds or takes steps (even if it
                               * fails in the end), untouched else */
    struct flag_names flags;
    struct zoned_time internal_date;
};

/* APPEND, MULTIAPPEND and delivery. The new messages take consecutive UIDs from *out_first on. With
 * more than one it may take steps. ERR_OVER_QUOTA; ERR_LIMIT: too many keywords. */
MUST_USE enum err act_append(struct mailbox *mailbox, const struct origin *origin,
                             const struct append_item *items, uint32_t count,
                             struct uid *out_first);

enum flag_mode {
    FLAGS_REPLACE = 0, /* numbers are on disk */
    FLAGS_ADD = 1,
    FLAGS_REMOVE = 2,
};

/* May take steps. STORE. Rows that it does not change are not touched; when it changes none nothing
 * is written and the result has modseq 0. UIDs that are not there are skipped. Not gated unless the
 * account is strict. With `unchanged_since` not UINT64_MAX (CONDSTORE) rows with a higher MODSEQ
 * are left alone and listed in the result (arena memory). */
struct flag_act {
    struct uid_set uids;
    enum flag_mode mode;
    struct flag_names flags;
    uint64_t unchanged_since;
};
struct flag_result {
    struct modseq modseq; /* of the change; 0: there was none */
    struct uid_set modified; /* left alone because of unchanged_since */
};
MUST_USE enum err act_flags(struct mailbox *mailbox, const struct origin *origin,
                            const struct flag_act *act, struct arena *arena,
                            struct flag_result *out_result);

/* May take steps. COPY or MOVE within the account. Stores no second body. MOVE expunges in the same
 * change. A message that only a view still has (expunged elsewhere) is skipped. ERR_OVER_QUOTA
 * (COPY only).
 */
struct copy_act {
    struct mailbox *to;
    struct uid_set uids;
    bool move;
};
struct copy_result {
    struct uid_set copied; /* the UIDs that were there, ascending (arena memory) */
    struct uid first; /* of the copies, which are consecutive and in the same order */
};
MUST_USE enum err act_copy(struct mailbox *from, const struct origin *origin,
                           const struct copy_act *act, struct arena *arena,
                           struct copy_result *out_result);

/* May take steps. Expunges those of `uids` that are there (and have \Deleted, when `deleted_only`).
 * *out_count of 0: nothing was written. */
MUST_USE enum err act_expunge(struct mailbox *mailbox, const struct origin *origin,
                              struct uid_set uids, bool deleted_only, uint32_t *out_count);

#endif
