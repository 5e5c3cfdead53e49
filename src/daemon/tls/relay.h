/* One client's TLS connection: handshake, then bytes both ways until both sides have ended.
 *
 *     client (TLS) <-> struct stream client <-> tls_conn <-> struct stream plain <-> socketpair
 *
 * Ends: a close_notify or a TCP end from the client becomes a half-close of the plain side; the end
 * of the plain side becomes a close_notify and a half-close, and the client then has
 * RELAY_LINGER_MS without progress to take what is left and to close. The same goes for a client
 * that does not read while the plain side has gone already. */
#ifndef ROOST_DAEMON_TLS_RELAY_H
#define ROOST_DAEMON_TLS_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "base/time.h"
#include "daemon/role/ask.h"
#include "sys/loop.h"
#include "sys/stream.h"
#include "sys/tls.h"

enum {
    RELAY_PLAIN_BYTES = 128 * 1024, /* decrypted at a time, in one buffer for all */
    RELAY_OUT_LOW = 16 * 1024,
    RELAY_OUT_HIGH = 64 * 1024,
    RELAY_OUT_MAX = 256 * 1024,
    RELAY_LINGER_MS = 30 * 1000,
    RELAY_STOP_MS = 500, /* the same once the process is to end */
    RELAY_FACTS_BYTES_MAX = 128,
};

enum relay_state {
    RELAY_SHAKING,
    RELAY_TALKING,
    RELAY_STALLED, /* talking, but the client does not read: the plain side is not read either */
    RELAY_LINGERING,
};

struct relay_house;

struct relay {
    struct list link; /* in the house's list of its state */
    struct relay_house *house;
    enum relay_state state;
    bool input_over; /* the client will send no more */
    struct mono deadline; /* not while TALKING */
    size_t unsent_before; /* at the last look while STALLED or LINGERING */
    struct tls_conn *conn;
    struct buf held; /* ciphertext that waits for room on the plain side */
    struct stream client;
    struct stream plain; /* from TALKING on */
    struct role_asker asker; /* who is told how the handshake ends */
};

/* What the relays of a process share. */
struct relay_house {
    struct loop *loop;
    struct tls_context *context; /* for the next handshake; the owner replaces it */
    int64_t handshake_ms;
    size_t count;
    size_t count_max;
    bool stopping;
    int64_t linger_ms;
    struct list shaking, talking, stalled, lingering; /* all but talking by deadline */
    struct loop_timer timer;
    uint8_t *plain;
    /* The handshake is over: with facts, and the plain end to be taken; or with NULL and why. */
    void (*settled)(struct relay *relay, const struct tls_facts *facts, int *plain_fd,
                    const char *why);
    /* The last relay has ended; set by relay_house_stop. */
    void (*empty)(struct relay_house *house);
};

void relay_house_init(struct relay_house *house, struct loop *loop);

/* Ends all relays at once; drops the context. */
void relay_house_done(struct relay_house *house);

/* `empty` will be called when the last relay has ended. Handshakes get RELAY_STOP_MS from now on,
 * and so do clients that have been told all there was. */
void relay_house_stop(struct relay_house *house, void (*empty)(struct relay_house *house));

struct relay_request {
    struct role_asker asker;
    const char *alpn; /* tls_conn_new */
};

/* Takes *fd, a connected stream socket, and begins. `settled` is called later, once. ERR_LIMIT: as
 * many as there may be; *fd stays the caller's. */
MUST_USE enum err relay_start(struct relay_house *house, int *fd,
                              const struct relay_request *request);

#endif
