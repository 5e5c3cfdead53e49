/* What the parts of the supervisor share. One struct, one thread. */
#ifndef ROOST_DAEMON_SUPERVISOR_STATE_H
#define ROOST_DAEMON_SUPERVISOR_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/time.h"
#include "config/config.h"
#include "config/load.h"
#include "daemon/supervisor/blame.h"
#include "ipc/messages.h"
#include "sys/channel.h"
#include "sys/child.h"
#include "sys/loop.h"
#include "sys/tls.h"

enum {
    SUPERVISOR_WORKERS_MAX = 256, /* those for accounts that are set apart among them */
    SUPERVISOR_PORTS_MAX = 64,
    SUPERVISOR_PEM_BYTES_MAX = 1024 * 1024,
    SUPERVISOR_MEMORY_BYTES = 64 * 1024, /* of IPC_MEMORY */
};

struct supervisor;

enum worker_state {
    WORKER_DOWN, /* never started, or waiting for its next start */
    WORKER_STARTING, /* runs, has not said IPC_READY */
    WORKER_READY,
};

/* One role's place: the process in it changes. */
struct worker {
    struct supervisor *supervisor;
    enum ipc_role role;
    uint16_t index;
    enum worker_state state;
    uint64_t incarnation; /* of the process that runs, or of the last one */
    uint32_t starts;
    unsigned failures; /* young deaths in a row */
    struct mono ready_at;
    bool was_ready; /* the process that runs */
    struct child child;
    struct channel channel; /* open while the process runs, unless it broke the law */
    bool channel_open;
    struct loop_timer timer; /* next start, or the end of patience */
    int memory_fd; /* role mail; -1 for others */
    bool apart; /* role mail, beyond those that accounts are spread over */
};

/* A listening socket and what a gate or control has to know of it. */
struct port {
    int fd;
    uint8_t service; /* as in struct ipc_listener */
    bool implicit_tls;
    bool local;
    char name[300];
    char path[108]; /* of a unix socket that is ours to remove; else "" */
};

struct supervisor {
    struct loop *loop;
    int exe_fd;
    const struct config_request *request;
    struct config_settings settings;
    struct config config;
    struct buf config_text; /* canonical, as roles get it */
    struct buf certificate; /* PEM: chain and key */
    struct buf ticket_keys; /* newest first */
    struct loop_timer ticket_timer;
    int directory_fds[IPC_ROLE_COUNT]; /* -1: none */
    bool has_users;
    struct child_user users[IPC_ROLE_COUNT];
    struct port ports[SUPERVISOR_PORTS_MAX];
    size_t port_count;
    struct worker workers[SUPERVISOR_WORKERS_MAX];
    size_t worker_count;
    uint16_t shards; /* that accounts are spread over */
    struct blames blames;
    uint64_t incarnation_last;
    struct wall started_at;
    struct loop_signals signals;
    int notify_fd;
    bool gates_begun; /* all others were ready once */
    bool is_up; /* gates as well */
    bool stopping;
    unsigned stop_phase;
    struct loop_timer stop_timer;
    int exit_code;
};

#endif
