/* What the files of the gate share: the gate itself and one connection of it. */
#ifndef ROOST_DAEMON_GATE_INTERNAL_H
#define ROOST_DAEMON_GATE_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "config/config.h"
#include "daemon/gate/crowd.h"
#include "daemon/gate/gate.h"
#include "daemon/gate/networks.h"
#include "daemon/gate/tally.h"
#include "daemon/role/ask.h"
#include "sys/listener.h"
#include "sys/process.h"
#include "sys/stream.h"

enum {
    GATE_LISTENERS_MAX = 64,
    GATE_INPUT_BYTES_MAX = 128 * 1024, /* read and not used yet, of one connection */
    GATE_OUTPUT_BYTES_MAX = 256 * 1024,
    GATE_READ_LOGIN_BYTES = 16 * 1024, /* so that what is unread at a login fits an IPC_HANDOFF */
    GATE_LINGER_MS = 2000, /* for the client to read our last words */
    GATE_LINGER_STOP_MS = 200, /* likewise, while the server is going down */
    GATE_HANDOFF_MS = 10000, /* as long as the ticket holds */
    GATE_TLS_GRACE_MS = 5000, /* beyond the tls role's own limit */
};

struct gate_listener {
    struct list link;
    struct gate *gate;
    struct listener listener;
    int fd; /* until the start; then -1 */
    enum ipc_service service;
    bool implicit_tls;
};

struct gate {
    struct role *role;
    struct config config;
    struct networks proxies;
    struct tally tally;
    struct list listeners;
    size_t listener_count;
    struct list clients;
    size_t client_count;
    size_t crowd_counts[GATE_CROWDS];
    bool full[GATE_CROWDS]; /* at gate.connections_max: its listeners are paused */
    bool draining; /* IPC_STOP came */
    uint64_t session_next;
    unsigned tls_next; /* the tls process whose turn it is */
    char host[PROCESS_HOST_NAME_MAX]; /* how we call ourselves */
    struct loop_timer stop_timer;
};

/* auth.mechanisms has it. */
bool gate_offers(const struct gate *gate, struct bytes mechanism);

struct client;

/* What is spoken on a connection once it is there in the clear. `step` is called when input came,
 * when output has drained, when the deadline is over: as often as you like. */
struct gate_protocol {
    void (*open)(struct client *client);
    void (*step)(struct client *client); /* may close the client */
    void (*tls_started)(struct client *client); /* NULL: no STARTTLS */
    void (*stop)(struct client *client); /* the server ends; may close the client */
    void (*close)(struct client *client); /* frees what open made */
    size_t read_bytes_max;
};

extern const struct gate_protocol gate_imap;
extern const struct gate_protocol gate_lmtp;

enum client_stage {
    CLIENT_PROXY, /* waits for a PROXY header */
    CLIENT_TLS, /* the tls role has the socket and shakes hands */
    CLIENT_TALKING,
    CLIENT_CLOSING, /* last words are going out */
};

struct client {
    struct list link; /* in gate.clients */
    struct gate *gate;
    const struct gate_protocol *protocol;
    void *state; /* the protocol's own; NULL before open */
    enum ipc_service service;
    enum client_stage stage;
    bool implicit_tls;
    bool counted; /* in the tally, by `peer` */
    bool resumed; /* given back by a shard (RFC 8437) */
    bool tls;
    bool input_ended;
    const char *farewell; /* for the log, why it is closing; static */
    bool end_told; /* another line of the log tells how it ended */
    struct address peer; /* the client's, not the balancer's */
    uint64_t session;
    struct mono begun;
    uint64_t read_bytes;
    unsigned messages; /* that an MTA has sent */
    struct stream stream; /* zero while the tls role has the socket */
    struct loop_timer timer;
    struct buf in; /* read and not used */
    struct role_ask ask; /* the tls role, auth or a shard: one at a time */
    uint8_t binding_len;
    uint8_t binding[64]; /* tls-exporter (RFC 9266) */
    char facts[128]; /* as in struct ipc_client */
    char address[ADDRESS_TEXT_MAX];
};

/* A new connection; takes `fd`. */
void client_accept(struct gate_listener *listener, int fd, const struct address *peer);

/* A connection that a shard gives back, logged out; takes `fd`. */
void client_take_back(struct gate *gate, const struct ipc_hand_back *back, int fd);

/* At once, without a word. `client` is gone. */
void client_close(struct client *client);

/* Once all output is out. Nothing is read any more; the protocol is closed. `why`: for the log. */
void client_finish(struct client *client, const char *why);

/* The server ends. The client may be gone afterwards. */
void client_stop(struct client *client);

/* The protocol is stepped again at `deadline`, at the latest. */
void client_wait_until(struct client *client, struct mono deadline);

/* Reading on or off: off while the protocol waits for others. */
void client_read(struct client *client, bool on);

/* All output is out. protocol->tls_started follows, or the connection ends. */
void client_start_tls(struct client *client);

/* True when a tls process is there. */
bool client_tls_is_there(const struct client *client);

/* The connection is another process's now, which will log its end. */
void client_handed_over(struct client *client);

/* Drops what was used of client->in; wipes the memory once it is empty: of passwords. */
void client_consume(struct client *client, size_t used);

/* Called when a connection has gone: listeners may go on, a stop may be complete. */
void gate_client_left(struct gate *gate, enum gate_crowd crowd);

struct ipc_client client_identity(const struct client *client); /* borrows from the client */

#endif
