/* The common start and the common manners of every process but the supervisor.
 *
 * A role is born with one channel, to the supervisor, as descriptor ROLE_SUPERVISOR_FD. Over it
 * comes all it will ever have: configuration, one directory, listeners, channels to its peers. At
 * IPC_START it prepares, enters its sandbox, begins and says IPC_READY; from then on it is a loop
 * that hands each message, checked against ipc/request_table.h and decoded, to the handler of its
 * type. When the supervisor's channel closes the process ends at once.
 *
 * A peer that was replaced gets a new channel (IPC_PEER): its struct stays, what was asked of the
 * old one is answered with NULL, answers to the old one go nowhere. All calls on the loop's thread.
 */
#ifndef ROOST_DAEMON_ROLE_ROLE_H
#define ROOST_DAEMON_ROLE_ROLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "base/map.h"
#include "ipc/codec.h"
#include "ipc/messages.h"
#include "sys/channel.h"
#include "sys/loop.h"

struct sandbox_profile;

enum {
    ROLE_SUPERVISOR_FD = 3,
    ROLE_CONFIG_BYTES_MAX = 1024 * 1024,
    ROLE_STOP_MS = 5000, /* between IPC_STOP and an end by force */
    ROLE_ORPHAN_MS = 150, /* between the supervisor's death and an end by force */
    ROLE_EXIT_REFUSED = 78, /* prepare, the walls or begin failed: a new start will not help */
};

/* Another process as seen from here. Never freed before the role. */
struct role_peer {
    struct list link; /* in role.peers */
    struct role *role;
    enum ipc_role of;
    uint16_t index;
    uint64_t incarnation;
    uint64_t serial; /* of the channel; a new one for each */
    bool connected;
    struct list asks;
    int waiting_fd; /* its channel until the start, else -1 */
    struct channel channel;
    void *context; /* the role's own notes; NULL at first */
};

/* `fd` is the descriptor that came along or -1; what is not taken (fd_take) is closed. The message
 * and its bytes are valid until return. */
typedef void role_handler_fn(struct role_peer *from, const struct ipc_message *message, int *fd);

struct role_handler {
    enum ipc_type type;
    role_handler_fn *handle;
};

/* What makes a role this role. Calls may be NULL unless said otherwise. */
struct role_spec {
    enum ipc_role role;
    /* Orders and requests, not answers. IPC_PEER and IPC_START are the role's own; IPC_CONFIG,
     * IPC_DIRECTORY, IPC_MEMORY and IPC_STOP as well, but a handler for IPC_CONFIG is called after
     * each new text that comes after the start. Messages may come before `begin`. */
    const struct role_handler *handlers;
    size_t handler_count;
    /* All is there: read the configuration, open what must be open, fill in the profile (what it
     * points to lives as long as the role). Not NULL. Still without walls. */
    enum err (*prepare)(struct role *role, struct sandbox_profile *out_profile, struct note *why);
    /* Inside the walls: threads, libraries, listeners. */
    enum err (*begin)(struct role *role, struct note *why);
    /* A channel to `peer` has come or gone: see peer->connected. Its asks have been answered. */
    void (*peer_changed)(struct role_peer *peer);
    /* IPC_STOP: finish what is running, then role_end. NULL: end at once. */
    void (*stop)(struct role *role);
};

struct role {
    struct loop *loop;
    const struct role_spec *spec;
    void *context; /* the role's own state */
    struct ipc_start start; /* zero before IPC_START */
    struct buf config; /* canonical text */
    int directory_fd; /* -1: none was given */
    int memory_fd; /* IPC_MEMORY; -1: none was given */
    /* The rest belongs to role.c. */
    struct role_peer supervisor;
    struct list peers;
    struct map asks;
    uint64_t request_last;
    uint64_t serial_last;
    struct buf packet;
    bool walls;
    bool started;
    bool stopping;
    bool ended; /* role_end was called */
    int exit_code;
};

/* The whole life of a role's process: what `roost --role NAME` calls. Answers the exit code. */
MUST_USE int role_main(const struct role_spec *spec, void *context);

/* For tests: a role on the caller's loop, without walls, with the other end of `supervisor_fd` in
 * the test's hands. Takes the descriptor. */
void role_init(struct role *role, const struct role_spec *spec, void *context, struct loop *loop,
               int supervisor_fd);
void role_done(struct role *role);

/* Ends the loop (and the process, with `exit_code`, in role_main). */
void role_end(struct role *role, int exit_code);

/* The peer of that role and index if it is connected, else NULL. */
struct role_peer *role_peer_find(struct role *role, enum ipc_role of, unsigned index);

/* Sends. `fd` may be NULL; on ERR_OK *fd was taken and is -1, else it stays the caller's.
 * ERR_CLOSED: not connected; ERR_LIMIT: the peer does not read; ERR_INVALID: a field is over its
 * maximum. */
MUST_USE enum err role_tell(struct role_peer *peer, const struct ipc_message *message, int *fd);

#endif
