/* The gate role: its listeners, its limits, its walls. */
#include "daemon/gate/gate.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "daemon/gate/internal.h"
#include "daemon/gate/stats.h"
#include "sys/clock.h"
#include "sys/entropy.h"
#include "sys/fd.h"
#include "sys/sandbox.h"

enum { SESSION_STEP = 256, DRAIN_LIMIT_MS = 4000 };

static struct gate *gate_of(const struct role *role)
{
    return role->context;
}

struct gate *gate_new(void)
{
    struct gate *gate = calloc(1, sizeof(*gate));

    if (gate == NULL)
        abort();
    list_init(&gate->listeners);
    list_init(&gate->clients);
    return gate;
}

void gate_free(struct gate *gate)
{
    while (!list_is_empty(&gate->clients))
        client_close(CONTAINER_OF(list_first(&gate->clients), struct client, link));
    while (!list_is_empty(&gate->listeners)) {
        struct gate_listener *listener =
            CONTAINER_OF(list_first(&gate->listeners), struct gate_listener, link);

        list_remove(&listener->link);
        listener_done(&listener->listener);
        fd_close(&listener->fd);
        free(listener);
    }
    tally_done(&gate->tally);
    config_done(&gate->config);
    loop_timer_done(&gate->stop_timer);
    free(gate);
}

size_t gate_connections(const struct gate *gate)
{
    return gate->client_count;
}

static bool is_full(const struct gate *gate, enum gate_crowd crowd)
{
    return gate->crowd_counts[crowd] >= gate->config.gate_connections_max;
}

static void pause_listeners(struct gate *gate, enum gate_crowd crowd, bool pause)
{
    gate->full[crowd] = pause;
    LIST_EACH (node, after, &gate->listeners) {
        struct gate_listener *listener = CONTAINER_OF(node, struct gate_listener, link);

        if (gate_crowd_of(listener->service) != crowd)
            continue;
        if (pause)
            listener_pause(&listener->listener);
        else
            listener_resume(&listener->listener);
    }
}

static void on_accepted(struct listener *accepting, int fd, const struct address *peer)
{
    struct gate_listener *listener = CONTAINER_OF(accepting, struct gate_listener, listener);
    struct gate *gate = listener->gate;
    enum gate_crowd crowd = gate_crowd_of(listener->service);

    client_accept(listener, fd, peer);
    if (is_full(gate, crowd) && !gate->full[crowd]) {
        log_event(LOG_LEVEL_WARNING, "gate-full", "why", "gate.connections_max is reached");
        pause_listeners(gate, crowd, true);
    }
}

void gate_client_left(struct gate *gate, enum gate_crowd crowd)
{
    if (gate->draining && gate->client_count == 0)
        role_end(gate->role, EXIT_SUCCESS);
    else if (!gate->draining && gate->full[crowd] && !is_full(gate, crowd))
        pause_listeners(gate, crowd, false);
}

static void listen_now(struct gate_listener *listener)
{
    listener_init(&listener->listener, listener->gate->role->loop, fd_take(&listener->fd),
                  on_accepted);
    if (listener->gate->full[gate_crowd_of(listener->service)] || listener->gate->draining)
        listener_pause(&listener->listener);
}

static void on_listener(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    struct gate *gate = gate_of(from->role);
    struct gate_listener *listener;

    if (gate->listener_count == GATE_LISTENERS_MAX || !fd_check(*fd, FD_KIND_SOCKET_LISTENING) ||
        (message->listener.service != IPC_SERVICE_IMAP &&
         message->listener.service != IPC_SERVICE_LMTP)) {
        log_event(LOG_LEVEL_ERROR, "listener-refused", NULL, NULL);
        return;
    }
    listener = calloc(1, sizeof(*listener));
    if (listener == NULL)
        abort();
    listener->gate = gate;
    listener->fd = fd_take(fd);
    listener->service = (enum ipc_service)message->listener.service;
    listener->implicit_tls = message->listener.implicit_tls;
    list_push_back(&gate->listeners, &listener->link);
    gate->listener_count++;
    if (from->role->started)
        listen_now(listener);
}

static void on_hand_back(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    struct gate *gate = gate_of(from->role);

    if (message->hand_back.service != IPC_SERVICE_IMAP || !fd_check(*fd, FD_KIND_SOCKET_STREAM) ||
        gate->draining || is_full(gate, GATE_CROWD_LOGINS))
        return;
    client_take_back(gate, &message->hand_back, fd_take(fd));
}

static enum err read_config(struct gate *gate, struct note *why)
{
    struct config config = { 0 };
    struct networks proxies = { .count = 0 };
    enum err err = config_parse(buf_bytes(&gate->role->config), &config, why);

    if (err != ERR_OK)
        return err;
    for (size_t i = 0; i < config.gate_proxy_from.count; i++) {
        struct bytes text = config.gate_proxy_from.at[i];

        if (networks_add(&proxies, text))
            continue;
        err = note_fail(why, ERR_INVALID, "gate.proxy_from: %.*s is no network", BYTES_ARG(text));
        config_done(&config);
        return err;
    }
    config_done(&gate->config);
    gate->config = config;
    gate->proxies = proxies;
    gate->tally.per_address_max = config.gate_connections_per_address_max;
    return ERR_OK;
}

bool gate_offers(const struct gate *gate, struct bytes mechanism)
{
    for (size_t i = 0; i < gate->config.auth_mechanisms.count; i++)
        if (bytes_equal_nocase(gate->config.auth_mechanisms.at[i], mechanism))
            return true;
    return false;
}

static void on_config(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    struct note why = { .text = "" };

    if (read_config(gate_of(from->role), &why) != ERR_OK)
        log_event(LOG_LEVEL_ERROR, "reload-refused", "why", why.text);
}

static const struct sandbox_set *const gate_sets[] = { &sandbox_base, &sandbox_sockets,
                                                       &sandbox_listeners, &sandbox_spool, NULL };

void gate_profile(int directory_fd, struct sandbox_profile *out_profile)
{
    static struct sandbox_path path;

    path = (struct sandbox_path){ directory_fd, SANDBOX_SPOOL };
    out_profile->sets = gate_sets;
    out_profile->paths = &path;
    out_profile->path_count = directory_fd < 0 ? 0 : 1;
}

static enum err prepare(struct role *role, struct sandbox_profile *out_profile, struct note *why)
{
    struct gate *gate = gate_of(role);

    gate->role = role;
    gate->tally = tally_make(0, entropy_u64());
    process_host_name(gate->host);
    if (gate->host[0] == '\0')
        (void)snprintf(gate->host, sizeof(gate->host), "localhost");
    /* Milliseconds of the start, one more for each connection, and our own low byte: no number
     * comes again, not after a restart either. */
    gate->session_next =
        (uint64_t)(clock_wall().us / 1000) * SESSION_STEP + role->start.index % SESSION_STEP;
    gate_profile(role->directory_fd, out_profile);
    return read_config(gate, why);
}

static enum err begin(struct role *role, struct note *why)
{
    struct gate *gate = gate_of(role);

    LIST_EACH (node, after, &gate->listeners)
        listen_now(CONTAINER_OF(node, struct gate_listener, link));
    return ERR_OK;
}

static void on_stop_late(struct loop_timer *timer)
{
    struct gate *gate = CONTAINER_OF(timer, struct gate, stop_timer);

    role_end(gate->role, EXIT_SUCCESS);
}

static void stop(struct role *role)
{
    struct gate *gate = gate_of(role);

    gate->draining = true;
    pause_listeners(gate, GATE_CROWD_LOGINS, true);
    pause_listeners(gate, GATE_CROWD_MAIL, true);
    loop_timer_init(&gate->stop_timer, role->loop, on_stop_late);
    loop_timer_set_in(&gate->stop_timer, DRAIN_LIMIT_MS);
    LIST_EACH (node, after, &gate->clients)
        client_stop(CONTAINER_OF(node, struct client, link));
    gate_client_left(gate, GATE_CROWD_LOGINS);
}

static const struct role_handler handlers[] = {
    { IPC_LISTENER, on_listener },
    { IPC_HAND_BACK, on_hand_back },
    { IPC_CONFIG, on_config },
    { IPC_STATS, gate_on_stats },
};

const struct role_spec gate_role = {
    .role = IPC_ROLE_GATE,
    .handlers = handlers,
    .handler_count = ARRAY_COUNT(handlers),
    .prepare = prepare,
    .begin = begin,
    .stop = stop,
};

int gate_main(void)
{
    return role_main(&gate_role, gate_new());
}
