/* What an open account is made of; for the files of this room. */
#ifndef ROOST_STORE_ACCOUNT_STATE_H
#define ROOST_STORE_ACCOUNT_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/job.h"
#include "store/account.h"
#include "store/checkpoint.h"
#include "store/log.h"
#include "store/state.h"
#include "store/summary_file.h"

struct account {
    struct state state;
    struct vfs *vfs; /* borrowed */
    struct executor *executor; /* borrowed */
    struct executor *background; /* for what nobody waits for; borrowed */
    struct log *log; /* owned */
    struct log_listener log_listener;
    struct account_listener *listener; /* borrowed; may be NULL */
    struct summary_file *summaries; /* owned */
    struct checkpoint *checkpoint; /* owned */
    struct job checkpoint_job;
    bool checkpoint_writing; /* the job is running */
    uint64_t checkpoint_bytes; /* of log between two */
    uint64_t checkpoint_position; /* of the log when the last one was begun */
    bool checkpoint_due; /* one is wanted, whatever has been written since the last */
    struct compaction *compaction; /* owned */
    struct buf summary; /* the one given out last, encoded */
    struct buf ops; /* of the change being made */
    struct act *act; /* that goes on: store/act_steps.h; owned as long as nobody has taken it */
    struct waker **waiting; /* for its end; owned, the wakers borrowed */
    size_t waiting_count;
    size_t waiting_capacity;
    uint32_t step_cost; /* of one step of an act, as store/applying.h counts */
    struct list loads; /* struct body_load */
    uint32_t load_count;
    struct wall wall; /* the latest time that anybody told */
    uint64_t quota_bytes;
    uint64_t pinned_bytes_max;
    uint32_t mailboxes_max;
    uint32_t keywords_max;
    uint32_t jobs; /* running, of bodies, summaries and the checkpoint */
    bool strict;
    bool failed;
    uint64_t rest_tip; /* the end of the log when it was last looked at for that */
    int64_t rest_due_ms; /* when the log gives back what it has taken ahead; INT64_MAX: nothing */
    int64_t sync_due_ms; /* when ungated changes must be synced; INT64_MAX: none are waiting */
    int64_t
        summaries_due_ms; /* when what waits of them is to be written; INT64_MAX: nothing waits */
};

/* True when `bytes` more would pass the quota. */
bool account_is_over_quota(const struct account *account, uint64_t bytes);

/* A step of the checkpoint, when it is time for one; true when there is more to do at once. */
bool account_checkpoint_tick(struct account *account);

/* Ends the one that is under way, if any. Blocks. */
void account_checkpoint_finish(struct account *account);

/* Writes it whole, when there is something new. Blocks; everything is durable. */
void account_checkpoint_close(struct account *account);

/* Tells listeners and watchers what the last changes touched. */
void account_tell(struct account *account);

#endif
