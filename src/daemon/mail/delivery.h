/* A message on its way in: copied from the gate's packet, or the descriptor that came with it, into
 * the log in bounded steps, and
 * answered when the log that holds it is durable. */
#ifndef ROOST_DAEMON_MAIL_DELIVERY_H
#define ROOST_DAEMON_MAIL_DELIVERY_H

#include <stdint.h>

#include "base/job.h"
#include "base/list.h"
#include "daemon/role/ask.h"

struct body_writer;
struct home;

enum delivery_phase {
    DELIVERY_QUEUED,
    DELIVERY_COPYING,
    DELIVERY_FINISHING,
    DELIVERY_COMMITTED, /* waits for `gate` */
};

struct delivery {
    struct list link; /* in home->deliveries */
    struct list run_link; /* in shard->queued or shard->ready */
    struct home *home;
    struct role_asker asker;
    enum delivery_phase phase;
    struct body_writer *writer;
    struct waker waker;
    int fd; /* -1: the message is `content` */
    uint64_t size; /* of the message, without the trace */
    uint64_t offset;
    uint64_t gate;
    uint64_t session;
    uint8_t service;
    struct bytes trace; /* these point into `text` */
    struct bytes content;
    struct bytes mailbox;
    struct bytes recipient;
    struct bytes user;
    size_t trace_taken;
    char *text; /* owned */
};

/* Begins when the account is open. Takes `fd`. */
void delivery_new(struct home *home, const struct role_asker *asker,
                  const struct ipc_deliver *deliver, struct bytes user, int fd);
void delivery_begin(struct delivery *delivery); /* the account is open */
void delivery_step(struct delivery *delivery); /* one bounded step; may free it */
void delivery_release(struct delivery *delivery); /* the log has moved; may free it */
void delivery_fail(struct delivery *delivery, enum ipc_result result, const char *text);

#endif
