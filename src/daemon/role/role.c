/* A role's life: what the supervisor hands over, the walls, then messages until the end. */
#include "daemon/role/role.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "config/config.h"
#include "daemon/role/internal.h"
#include "ipc/request_table.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/log_sink.h"
#include "sys/process.h"
#include "sys/sandbox.h"

static void peer_received(struct channel *channel, struct bytes packet, struct channel_fds *fds);
static void peer_gone(struct channel *channel);

static void peer_log(enum log_level level, const char *event, const struct role_peer *peer)
{
    struct log_line line;

    log_begin(&line, level, event);
    log_string(&line, "peer", ipc_role_name(peer->of));
    log_number(&line, "index", peer->index);
    log_end(&line);
}

/* The channel is over: whoever waits for this peer hears of it. */
static void peer_disconnect(struct role_peer *peer)
{
    if (!peer->connected)
        return;
    peer->connected = false;
    channel_done(&peer->channel);
    role_asks_fail(peer);
    if (peer == &peer->role->supervisor) {
        if (peer->role->walls)
            process_end_soon(ROLE_ORPHAN_MS);
        role_end(peer->role, EXIT_SUCCESS);
    } else if (peer->role->spec->peer_changed != NULL) {
        peer->role->spec->peer_changed(peer);
    }
}

static void peer_connect(struct role_peer *peer, int fd)
{
    channel_init(&peer->channel, peer->role->loop, fd, peer_received, peer_gone);
    peer->serial = ++peer->role->serial_last;
    peer->connected = true;
    if (peer != &peer->role->supervisor && peer->role->spec->peer_changed != NULL)
        peer->role->spec->peer_changed(peer);
}

static void peer_gone(struct channel *channel)
{
    peer_disconnect(CONTAINER_OF(channel, struct role_peer, channel));
}

static void peer_broke_the_law(struct role_peer *peer, const struct ipc_rule *rule)
{
    struct ipc_message refused = {
        IPC_REFUSED, { .peer = { (uint8_t)peer->of, peer->index, peer->incarnation } }
    };
    struct log_line line;

    log_begin(&line, LOG_LEVEL_ERROR, "peer-refused");
    log_string(&line, "peer", ipc_role_name(peer->of));
    log_number(&line, "index", peer->index);
    log_string(&line, "message", rule == NULL ? "unknown" : rule->name);
    log_end(&line);
    peer_disconnect(peer);
    if (peer == &peer->role->supervisor) {
        role_end(peer->role, EXIT_FAILURE);
        return;
    }
    /* Without its supervisor this process ends anyway. */
    if (role_tell(&peer->role->supervisor, &refused, NULL) != ERR_OK)
        log_event(LOG_LEVEL_DEBUG, "refusal-lost", NULL, NULL);
}

static const struct role_handler *handler_find(const struct role_spec *spec, enum ipc_type type)
{
    for (size_t i = 0; i < spec->handler_count; i++)
        if (spec->handlers[i].type == type)
            return &spec->handlers[i];
    return NULL;
}

/* False when this role has no use for such a message. */
static bool handler_call(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    const struct role_handler *handler = handler_find(from->role->spec, message->type);

    if (handler != NULL)
        handler->handle(from, message, fd);
    return handler != NULL;
}

static bool config_read(struct role *role, int fd)
{
    uint64_t size = 0;
    uint8_t *into;

    if (!fd_check(fd, FD_KIND_MEMFD_SEALED) || fd_size(fd, &size) != ERR_OK ||
        size > ROLE_CONFIG_BYTES_MAX)
        return false;
    buf_clear(&role->config);
    into = buf_reserve(&role->config, (size_t)size);
    if (fd_read_at(fd, 0, into, (size_t)size) != ERR_OK)
        return false;
    buf_commit(&role->config, (size_t)size);
    return true;
}

/* The one setting that every role follows. A text that is wrong is its role's to refuse. */
static void config_follow(const struct role *role)
{
    struct config config = { 0 };

    if (config_parse(buf_bytes(&role->config), &config, NULL) == ERR_OK)
        log_sink_start(ipc_role_name(role->spec->role), (enum log_level)config.log_level);
    config_done(&config);
}

static struct role_peer *peer_known(struct role *role, enum ipc_role of, unsigned index)
{
    LIST_EACH (node, after, &role->peers) {
        struct role_peer *peer = CONTAINER_OF(node, struct role_peer, link);

        if (peer->of == of && peer->index == index)
            return peer;
    }
    return NULL;
}

static struct role_peer *peer_new(struct role *role, const struct ipc_peer *identity)
{
    struct role_peer *peer = calloc(1, sizeof(*peer));

    if (peer == NULL)
        abort();
    peer->role = role;
    peer->of = (enum ipc_role)identity->role;
    peer->index = identity->index;
    peer->waiting_fd = -1;
    list_init(&peer->asks);
    list_push_back(&role->peers, &peer->link);
    return peer;
}

/* Until the start channels are kept unread: nothing foreign comes in before the walls stand. */
static bool peer_given(struct role *role, const struct ipc_peer *identity, int *fd)
{
    struct role_peer *peer = peer_known(role, (enum ipc_role)identity->role, identity->index);

    if (!fd_check(*fd, FD_KIND_SOCKET_CHANNEL) ||
        !ipc_roles_talk(role->spec->role, (enum ipc_role)identity->role))
        return false;
    if (peer == NULL)
        peer = peer_new(role, identity);
    peer_disconnect(peer);
    fd_close(&peer->waiting_fd);
    peer->incarnation = identity->incarnation;
    if (role->started)
        peer_connect(peer, fd_take(fd));
    else
        peer->waiting_fd = fd_take(fd);
    return true;
}

static void refuse(struct role *role, const struct note *why)
{
    log_event(LOG_LEVEL_ERROR, "start-failed", "why", why->text);
    role_end(role, ROLE_EXIT_REFUSED);
}

static void begin(struct role *role)
{
    const struct role_spec *spec = role->spec;
    struct ipc_message ready = { .type = IPC_READY };
    struct sandbox_profile profile = { .role = ipc_role_name(spec->role) };
    struct note why = { .text = "" };

    if (spec->prepare(role, &profile, &why) != ERR_OK) {
        refuse(role, &why);
        return;
    }
    if (role->walls && sandbox_enter(&profile, role->start.sandbox_required, &why) != ERR_OK) {
        refuse(role, &why);
        return;
    }
    if (why.text[0] != '\0') /* not required, and not all of it there */
        log_event(LOG_LEVEL_WARNING, "sandbox-incomplete", "why", why.text);
    if (spec->begin != NULL && spec->begin(role, &why) != ERR_OK) {
        refuse(role, &why);
        return;
    }
    role->started = true;
    LIST_EACH (node, after, &role->peers) {
        struct role_peer *peer = CONTAINER_OF(node, struct role_peer, link);

        if (peer->waiting_fd >= 0)
            peer_connect(peer, fd_take(&peer->waiting_fd));
    }
    if (role_tell(&role->supervisor, &ready, NULL) != ERR_OK)
        role_end(role, EXIT_FAILURE);
}

static void name_process(const struct role *role)
{
    char name[16];

    (void)snprintf(name, sizeof(name), "roost-%s-%u", ipc_role_name(role->spec->role),
                   role->start.index);
    process_set_name(name);
}

static void stop(struct role *role)
{
    if (role->stopping)
        return;
    role->stopping = true;
    if (role->walls)
        process_end_soon(ROLE_STOP_MS);
    if (role->spec->stop != NULL && role->started)
        role->spec->stop(role);
    else
        role_end(role, EXIT_SUCCESS);
}

/* What the supervisor says, beside answers. False: it makes no sense. */
static bool order(struct role *role, const struct ipc_message *message, int *fd)
{
    if (message->type == IPC_PEER)
        return peer_given(role, &message->peer, fd);
    if (message->type == IPC_CONFIG) {
        if (!config_read(role, *fd))
            return false;
        config_follow(role);
        if (role->started)
            (void)handler_call(&role->supervisor, message, fd);
        return true;
    }
    if (message->type == IPC_DIRECTORY) {
        fd_close(&role->directory_fd);
        role->directory_fd = fd_take(fd);
        return fd_check(role->directory_fd, FD_KIND_DIRECTORY);
    }
    if (message->type == IPC_MEMORY) {
        fd_close(&role->memory_fd);
        role->memory_fd = fd_take(fd);
        return fd_check(role->memory_fd, FD_KIND_REGULAR);
    }
    if (message->type == IPC_START) {
        if (role->started || message->start.role != role->spec->role)
            return false;
        role->start = message->start;
        if (role->walls)
            name_process(role);
        begin(role);
        return true;
    }
    if (message->type == IPC_STOP) {
        stop(role);
        return true;
    }
    return handler_call(&role->supervisor, message, fd);
}

static bool dispatch(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    if (ipc_rule_find(message->type)->kind == IPC_KIND_ANSWER)
        return role_asks_answer(from, message, fd);
    if (from == &from->role->supervisor)
        return order(from->role, message, fd);
    return handler_call(from, message, fd);
}

static void peer_received(struct channel *channel, struct bytes packet, struct channel_fds *fds)
{
    struct role_peer *peer = CONTAINER_OF(channel, struct role_peer, channel);
    struct ipc_message message;
    int none = -1;

    if (!ipc_decode(packet, &message)) {
        peer_broke_the_law(peer, NULL);
        return;
    }
    if (!ipc_is_allowed(message.type, peer->of, peer->role->spec->role, fds->count) ||
        !dispatch(peer, &message, fds->count == 1 ? &fds->fd[0] : &none))
        peer_broke_the_law(peer, ipc_rule_find(message.type));
}

void role_init(struct role *role, const struct role_spec *spec, void *context, struct loop *loop,
               int supervisor_fd)
{
    *role = (struct role){
        .loop = loop,
        .spec = spec,
        .context = context,
        .config = buf_make(ROLE_CONFIG_BYTES_MAX),
        .packet = buf_make(IPC_BYTES_MAX),
        .directory_fd = -1,
        .memory_fd = -1,
        .asks = map_make(0), /* keys are our own counter */
    };
    list_init(&role->peers);
    role->supervisor.role = role;
    role->supervisor.of = IPC_ROLE_SUPERVISOR;
    role->supervisor.waiting_fd = -1;
    list_init(&role->supervisor.asks);
    peer_connect(&role->supervisor, supervisor_fd);
}

static void peer_forget(struct role_peer *peer)
{
    if (peer->connected)
        channel_done(&peer->channel);
    peer->connected = false;
    fd_close(&peer->waiting_fd);
    role_asks_fail(peer);
}

void role_done(struct role *role)
{
    peer_forget(&role->supervisor);
    while (!list_is_empty(&role->peers)) {
        struct role_peer *peer = CONTAINER_OF(list_first(&role->peers), struct role_peer, link);

        peer_forget(peer);
        list_remove(&peer->link);
        free(peer);
    }
    map_done(&role->asks);
    buf_done(&role->config);
    buf_done(&role->packet);
    fd_close(&role->directory_fd);
    fd_close(&role->memory_fd);
}

void role_end(struct role *role, int exit_code)
{
    role->exit_code = exit_code;
    role->ended = true;
    loop_stop(role->loop);
}

struct role_peer *role_peer_find(struct role *role, enum ipc_role of, unsigned index)
{
    struct role_peer *peer = peer_known(role, of, index);

    return peer != NULL && peer->connected ? peer : NULL;
}

enum err role_tell(struct role_peer *peer, const struct ipc_message *message, int *fd)
{
    struct buf *packet = &peer->role->packet;
    size_t fd_count = fd != NULL && *fd >= 0 ? 1 : 0;
    enum err err;

    if (!peer->connected)
        return ERR_CLOSED;
    buf_clear(packet);
    if (!ipc_encode(message, packet))
        return ERR_INVALID;
    err = channel_send(&peer->channel, buf_bytes(packet), fd, fd_count);
    explicit_bzero(packet->at, packet->len); /* it may hold a password */
    if (err == ERR_OK && fd_count == 1)
        *fd = -1; /* the channel's now */
    if (err == ERR_LIMIT)
        peer_log(LOG_LEVEL_WARNING, "peer-hangs", peer);
    return err;
}

int role_main(const struct role_spec *spec, void *context)
{
    struct role role;
    struct loop *loop;

    log_sink_start(ipc_role_name(spec->role), LOG_LEVEL_INFO);
    process_tune_memory();
    (void)process_raise_fd_limit();
    process_end_with_parent(ROLE_ORPHAN_MS);
    loop = loop_new();
    role_init(&role, spec, context, loop, ROLE_SUPERVISOR_FD);
    role.walls = true;
    loop_run(loop);
    /* What is still open dies with the process: an end must not take its time. */
    return role.exit_code;
}
