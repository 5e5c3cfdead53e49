/* An act of src/maintain on an account of this shard, on behalf of control.
 *
 * It counts as a user of its home. One step a turn; what its lines say goes out as IPC_MAINTAIN_-
 * ANSWERs, each but the last only when control has asked for more: a slow reader stops its own act
 * and nothing else. The end of an act that changes the account is told when the log is durable. */
#ifndef ROOST_DAEMON_MAIL_MAINTENANCE_H
#define ROOST_DAEMON_MAIL_MAINTENANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/job.h"
#include "base/list.h"
#include "daemon/role/ask.h"

struct home;
struct maintain;
struct shard;

enum {
    MAINTENANCES_MAX = 64,
    /* Without anything to say, a sign of life. Below control's patience. */
    MAINTENANCE_BEAT_MS = 5000,
};

struct maintenance {
    struct list link; /* in home->maintenances */
    struct list all_link; /* in shard->maintenances */
    struct list run_link; /* in shard->maintaining while it wants a step */
    struct home *home;
    struct role_asker asker;
    struct waker waker;
    struct loop_timer beat;
    struct maintain *act; /* NULL until the account is open */
    struct buf lines; /* to be sent */
    bool may_send; /* control waits */
    bool wants_step;
    bool is_done;
    uint64_t gate; /* once it is done */
    struct bytes name; /* these point into `text` */
    struct bytes arguments;
    struct bytes actor;
    char *text; /* owned */
};

/* Handlers of control's messages. */
void mail_on_maintain(struct role_peer *from, const struct ipc_message *message, int *fd);
void mail_on_maintain_continue(struct role_peer *from, const struct ipc_message *message, int *fd);
void mail_on_maintain_cancel(struct role_peer *from, const struct ipc_message *message, int *fd);

void maintenance_begin(struct maintenance *maintenance); /* the account is open; may free it */
void maintenance_step(struct maintenance *maintenance); /* one bounded step; may free it */
void maintenance_release(struct maintenance *maintenance); /* the log has moved; may free it */
void maintenance_fail(struct maintenance *maintenance, enum ipc_result result, const char *text);

#endif
