/* A logged-in connection: bytes to its session, the session's answers to the client when the log
 * permits. Holds no buffer while it is idle. */
#ifndef ROOST_DAEMON_MAIL_CONNECTION_H
#define ROOST_DAEMON_MAIL_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/time.h"
#include "daemon/mail/held.h"
#include "imap/session.h"
#include "ipc/messages.h"
#include "sys/stream.h"

struct home;

enum connection_end {
    END_NOT,
    END_CLOSE,
    END_HAND_BACK,
};

struct connection {
    struct list link; /* in home->connections */
    struct list run_link; /* in shard->fresh or home->again */
    struct home *home;
    struct imap_session *session; /* NULL until the account is open */
    struct stream stream;
    struct waker waker;
    struct loop_timer timer;
    struct buf in; /* read and not taken by the session */
    struct held held;
    enum imap_want want;
    enum connection_end end;
    uint16_t gate; /* that handed it over */
    struct mono begun;
    uint64_t taken_bytes, said_bytes; /* from the client, to it */
    bool input_ended;
    const char *farewell; /* of a session that has ended; NULL: the client logged out */
    bool ended_by_client; /* which closed its side without LOGOUT */
    bool blocked; /* too much output waits */
    const char *bye; /* static; NULL: nothing asks it to end */
    struct ipc_client client; /* its bytes point into `text` */
    struct bytes user;
    struct bytes tag; /* until the session is made */
    char *text; /* owned */
};

/* Begins when the account is open. Takes `fd`. */
void connection_new(struct home *home, const struct ipc_handoff *handoff, struct bytes user, int fd,
                    uint16_t gate);
void connection_begin(struct connection *connection); /* the account is open */
/* It cannot be opened: says so as the answer to the login, and ends. */
void connection_refuse(struct connection *connection, const char *why);
void connection_step(struct connection *connection); /* one bounded step; may free it */
void connection_wake(struct connection *connection); /* steps in this turn */
void connection_release(struct connection *connection); /* the log has moved; may free it */
void connection_bye(struct connection *connection, const char *text);
void connection_evict(struct connection *connection, const char *bye); /* at once, with a BYE */
void connection_free(struct connection *connection); /* at once, unanswered */

#endif
