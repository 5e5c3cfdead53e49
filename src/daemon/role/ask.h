/* Questions to other processes and their answers, matched by number (see role.h).
 *
 * An ask ends exactly once: with its last answer, with NULL when the peer went away or was too
 * slow, or dropped by its owner. */
#ifndef ROOST_DAEMON_ROLE_ASK_H
#define ROOST_DAEMON_ROLE_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/role/role.h"

/* A question that is out. Embed it; it must live until it is answered or dropped. */
struct role_ask {
    struct list link; /* in peer->asks while out */
    struct role_peer *peer;
    uint64_t request;
    enum ipc_type type;
    int64_t timeout_ms;
    struct loop_timer timer;
    /* `answer` is of a type that ipc_is_answer_to allows, or NULL: the peer is gone or too slow.
     * The ask is over, and may be freed, unless ipc_is_last says that more will come. */
    void (*answered)(struct role_ask *ask, const struct ipc_message *answer, int *fd);
};

/* Sends `message` with a number of its own in its `request` field. Without an answer in
 * `timeout_ms` the ask is answered with NULL; after a challenge, or a part of what maintenance
 * says, no clock runs until role_ask_follow. Never answered before it returns; on failure not at
 * all. */
MUST_USE enum err role_ask(struct role_peer *peer, struct role_ask *ask,
                           struct ipc_message *message, int *fd, int64_t timeout_ms);

/* The next message of the same exchange, after an answer that was not the last. */
MUST_USE enum err role_ask_follow(struct role_ask *ask, struct ipc_message *message);

/* Forgets it; the answer, if it comes, is dropped. Harmless when it is not out, and on a zeroed
 * one. */
void role_ask_drop(struct role_ask *ask);

static inline bool role_ask_is_out(const struct role_ask *ask)
{
    return list_is_linked(&ask->link);
}

/* Who asked, to be kept until the answer is known. */
struct role_asker {
    struct role_peer *peer;
    uint64_t serial;
    uint64_t request;
};

static inline struct role_asker role_asker_of(struct role_peer *from,
                                              const struct ipc_message *message)
{
    return (struct role_asker){ from, from->serial, message->request.request };
}

/* True while the channel over which it was asked is open. */
static inline bool role_asker_waits(const struct role_asker *asker)
{
    return asker->peer->connected && asker->peer->serial == asker->serial;
}

/* Answers, with the asker's number. What cannot be sent is dropped, and `fd` then closed: an asker
 * that is gone or hangs has given up already. `fd` may be NULL. */
void role_answer(const struct role_asker *asker, struct ipc_message *answer, int *fd);

#endif
