/* Messages with descriptors between two processes: a unix SOCK_SEQPACKET socket on a loop.
 *
 * A message arrives whole, in order and once, or the channel closes. Sending never blocks: what the
 * kernel does not take waits in a bounded queue. ETOOMANYREFS (too many descriptors in flight for
 * this user) means later. The other side is not trusted: a message that came cut short, or with
 * more descriptors than allowed, is dropped with its descriptors closed and counted.
 *
 * Callbacks come from the loop, never from inside a call to this module but channel_receive_now,
 * and may free the channel.
 */
#ifndef ROOST_SYS_CHANNEL_H
#define ROOST_SYS_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/list.h"
#include "sys/loop.h"

enum {
    CHANNEL_MESSAGE_BYTES_MAX = 65536,
    CHANNEL_FDS_MAX = 16, /* descriptors in one message */
    CHANNEL_QUEUE_BYTES_MAX = 8 * 1024 * 1024, /* waiting to be sent, unless told otherwise */
    CHANNEL_BATCH = 64, /* most messages handed over in one turn */
    CHANNEL_NOW_MAX = 4096, /* by channel_receive_now: more than the kernel holds */
    CHANNEL_RETRY_MS = 10, /* after ETOOMANYREFS */
};

/* Descriptors that came with a message. The receiver takes those it wants with fd_take(); what is
 * left when the callback returns is closed. Each is O_CLOEXEC and else unchecked: sys/fd.h. */
struct channel_fds {
    int fd[CHANNEL_FDS_MAX];
    size_t count;
};

struct channel {
    struct loop_fd watch;
    struct loop_timer retry;
    struct loop_task late;
    struct list queue;
    size_t queue_bytes; /* waiting, with their overhead */
    size_t queue_bytes_max;
    uint64_t dropped; /* bad messages received */
    bool closed;
    /* `message` (at most 64 KB, not empty) and `fds` are valid until return. */
    void (*received)(struct channel *channel, struct bytes message, struct channel_fds *fds);
    /* The peer is gone or the socket failed. Once; nothing follows. */
    void (*peer_closed)(struct channel *channel);
};

/* Takes `fd`; hands over messages from the next turn on. */
void channel_init(struct channel *channel, struct loop *loop, int fd,
                  void (*received)(struct channel *, struct bytes, struct channel_fds *),
                  void (*peer_closed)(struct channel *));

/* Closes; unsent messages and their descriptors are dropped. Harmless on a zeroed struct. */
void channel_done(struct channel *channel);

/* Sends one message of 1 to 64 KB with `fd_count` descriptors. On ERR_OK the descriptors belong to
 * the channel, which closes them once sent; on failure they stay the caller's. ERR_LIMIT when the
 * queue is full (the peer hangs), ERR_CLOSED, ERR_INVALID. */
MUST_USE enum err channel_send(struct channel *channel, struct bytes message, const int *fds,
                               size_t fd_count);

/* True when nothing waits: what was sent last is where the peer will find it, and before anything
 * that this process tells others from now on. */
static inline bool channel_is_through(const struct channel *channel)
{
    return list_is_empty(&channel->queue);
}

/* Hands over all that has come by now, at most CHANNEL_NOW_MAX messages, from within the callback
 * of another channel: for who must know of it before going on. What that callback was given stays
 * valid. A callback of this channel must not call it, nor free the channel when called by it. */
void channel_receive_now(struct channel *channel);

/* True when more than half of the queue is in use: producers should wait. */
bool channel_is_congested(const struct channel *channel);

/* For the last words before an exit, and for small tools: sends, or receives, one message and
 * waits up to `timeout_ms` for it. Descriptors that were sent stay the caller's, those received are
 * the caller's. ERR_BUSY when the time is over, ERR_CLOSED. */
MUST_USE enum err channel_send_wait(int fd, struct bytes message, const int *fds, size_t fd_count,
                                    int timeout_ms);
MUST_USE enum err channel_receive_wait(int fd, uint8_t into[CHANNEL_MESSAGE_BYTES_MAX],
                                       size_t *out_len, struct channel_fds *out_fds,
                                       int timeout_ms);

#endif
