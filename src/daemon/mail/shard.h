/* The shard as its own files see it.
 *
 * Rhythm: callbacks of streams, wakers, timers and the store only note what has happened and defer
 * the shard's turn (turn.c). The turn steps what is runnable, each one bounded step, then starts
 * one sync for each account that was touched, then lets out what may leave. */
#ifndef ROOST_DAEMON_MAIL_SHARD_H
#define ROOST_DAEMON_MAIL_SHARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/job.h"
#include "base/list.h"
#include "base/map.h"
#include "config/config.h"
#include "daemon/mail/mail.h"
#include "daemon/mail/ticket.h"
#include "imap/session.h"
#include "sys/pool.h"

struct connection;
struct marks;
struct packing;
struct search_texts;
struct vfs;

enum {
    SHARD_SCRATCH_BYTES_MAX = 8 * 1024 * 1024, /* output of one step */
    SHARD_SCRATCH_KEPT_BYTES = 256 * 1024,
    SHARD_HELD_BYTES_MAX = 9 * 1024 * 1024,
    SHARD_OUTPUT_BYTES_MAX = 18 * 1024 * 1024, /* held and produced may meet in the stream */
    SHARD_INPUT_BYTES_MAX = 256 * 1024,
    SHARD_DELIVERIES_MAX = 4096, /* waiting and running */
    SHARD_COPYING_MAX = 64, /* running */
    SHARD_TEXTS_BYTES_MAX = 64 * 1024 * 1024, /* of header fields, for searches */
};

struct shard {
    struct role *role;
    struct config config;
    struct imap_session_limits limits;
    struct executor *executor;
    struct executor *background; /* for what has time: nobody waits for it */
    struct pool *pool; /* NULL, as the next, when the executor is a test's */
    struct pool *idle_pool;
    struct vfs *vfs; /* the accounts directory */
    struct packing *packing; /* for all accounts: one body at a time */
    struct search_texts *texts; /* of all accounts, from earlier searches */
    struct tickets tickets;
    struct map homes; /* by account id */
    struct list quiet; /* homes without users, longest first */
    struct list touched; /* homes: to be synced, or news of the log */
    struct list busy; /* homes with connections that want another turn */
    struct list fresh; /* connections that have something new to do */
    struct list queued; /* deliveries that have not begun */
    struct list ready; /* deliveries that can go on */
    struct list maintenances; /* all of them */
    struct list maintaining; /* those that want a step */
    unsigned copying; /* deliveries that have begun and not committed */
    struct loop_task turn;
    struct loop_timer quiet_timer;
    struct loop_timer stop_timer;
    struct buf scratch; /* output of the step that runs */
    struct connection *running;
    struct marks *marks; /* what we are at: see mark.h */
    unsigned mark_depth;
    struct list awake; /* homes whose files may be open, those used least recently first */
    size_t awake_count;
    size_t awake_max;
    uint64_t fds_max; /* descriptors for homes, sessions and deliveries */
    atomic_uint compactions; /* that run now; closing an account in a job may end one */
    size_t closing; /* homes that a job is closing, or soon will */
    struct job trim_job; /* gives back what closed accounts had in memory */
    bool trimming; /* it runs */
    bool stopping;
    struct shard_counts counts;
};

void shard_turn_soon(struct shard *shard);
void shard_turn(struct loop_task *task);

#endif
