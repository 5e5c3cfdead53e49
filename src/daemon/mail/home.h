/* A home: an account that somebody uses, or used a while ago. Opened by a job on first use, closed
 * by a job when it was quiet for long, reopened after a failure, moved to the trash when removed.
 */
#ifndef ROOST_DAEMON_MAIL_HOME_H
#define ROOST_DAEMON_MAIL_HOME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "daemon/mail/mark.h"
#include "daemon/role/ask.h"
#include "store/account.h"

struct shard;
struct vfs;

enum {
    HOME_QUIET_MS = 5 * 60 * 1000, /* without a session before it is closed */
    HOME_BUSY_RETRY_MS = 100, /* while another process holds the lock */
    HOME_BUSY_TRIES = 50,
    HOME_FDS = 2, /* open as long as the account is: its directory, its lock */
    HOME_AWAKE_MS = 10 * 1000, /* without being used before its other files are closed */
};

enum home_state {
    HOME_OPENING,
    HOME_OPEN,
    HOME_CLOSING, /* waits for the store's jobs, then a job closes it */
    HOME_TRASHING, /* closed; a job moves the directory */
};

struct home {
    struct shard *shard;
    struct list link; /* in shard->quiet while nobody uses it */
    struct list touched_link; /* in shard->touched */
    struct list busy_link; /* in shard->busy */
    struct list awake_link; /* in shard->awake */
    enum home_state state;
    uint8_t id[IPC_ACCOUNT_ID_BYTES];
    uint64_t quota_bytes;
    struct mark_jobs jobs; /* all that is done for it in other threads goes through here, */
    struct mark_jobs background; /* or here, when it has time */
    struct account *account; /* NULL unless HOME_OPEN or HOME_CLOSING */
    struct vfs *vfs; /* the directory, as long as the account is there */
    struct account_listener listener;
    uint64_t durable; /* of its log, when last looked at */
    struct list connections;
    struct list deliveries;
    struct list maintenances;
    struct list again; /* connections that want another turn */
    struct loop_timer timer; /* account_tick; or the next try to open or close */
    struct mono quiet_since;
    struct mono used; /* last, while it is awake */
    unsigned tries;
    bool makes; /* somebody brings or wants mail: what is missing is made */
    bool failed; /* the store said so; the turn ends it */
    char *failure; /* what the store said then; from the heap, NULL until it has */
    bool trash; /* after the close: IPC_ACCOUNT_DROP */
    struct role_asker trash_asker;
};

/* An account for a connection or a delivery; opens it when it must, makes it when it was never
 * used. NULL: too few descriptors, or it goes to the trash. `quota_bytes` is auth's latest word. */
struct home *home_for(struct shard *shard, const uint8_t id[IPC_ACCOUNT_ID_BYTES],
                      uint64_t quota_bytes);
/* The same for maintenance, which makes nothing: where there is no mail it ends. */
struct home *home_for_maintenance(struct shard *shard, const uint8_t id[IPC_ACCOUNT_ID_BYTES],
                                  uint64_t quota_bytes);
struct home *home_find(struct shard *shard, const uint8_t id[IPC_ACCOUNT_ID_BYTES]);
/* Something was done to it, or its log has moved: the turn looks after it. */
void home_touch(struct home *home);
/* It was used: its files may be open now. Those of the homes used least recently are closed when
 * there are too many. */
void home_awake(struct home *home);

/* A line in the log when a compaction of the account has ended. */
void home_log_compaction(struct home *home);

/* A connection, delivery or maintenance of it has gone. */
void home_left(struct home *home);
/* Its connections are told to end. */
void home_bye(struct home *home, const char *bye);
/* What maintenance it undergoes ends, with that word. */
void home_end_maintenance(struct home *home, enum ipc_result result, const char *why);
/* Its users end at once, unanswered. */
void home_evict(struct home *home);
/* The store failed it: its users end unanswered, and it is closed. */
void home_fail(struct home *home);
/* Nobody uses it: a job closes it. */
void home_close(struct home *home);
/* Ends its users, closes it, moves its directory to the trash and answers. False: not now. */
bool home_trash(struct shard *shard, const uint8_t id[IPC_ACCOUNT_ID_BYTES],
                const struct role_asker *asker);
/* Closes what has been quiet for long, or is too much; lets what was not used for a while rest. */
void homes_look_round(struct shard *shard);
void homes_free(struct shard *shard);

#endif
