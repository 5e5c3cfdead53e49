/* Starting and replacing roles. */
#include "daemon/supervisor/worker.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/role/role.h"
#include "daemon/supervisor/life.h"
#include "daemon/supervisor/quarantine.h"
#include "ipc/request_table.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/spool.h"

enum { ENV_MAX = 8 };

static void log_worker(enum log_level level, const char *event, const struct worker *worker,
                       const char *why)
{
    struct log_line line;

    log_begin(&line, level, event);
    log_string(&line, "role", ipc_role_name(worker->role));
    log_number(&line, "index", worker->index);
    log_number(&line, "pid", worker->child.pid);
    if (why != NULL)
        log_string(&line, "why", why);
    log_end(&line);
}

int64_t worker_wait_ms(unsigned failures, bool was_ready)
{
    int64_t wait_ms = WORKER_WAIT_FIRST_MS;
    int64_t max_ms = was_ready ? WORKER_WAIT_READY_MAX_MS : WORKER_WAIT_MAX_MS;

    if (failures == 0)
        return 0;
    for (unsigned i = 1; i < failures && wait_ms < max_ms; i++)
        wait_ms *= 2;
    return wait_ms < max_ms ? wait_ms : max_ms;
}

bool worker_is_young(const struct worker *worker, struct mono now)
{
    int64_t young_ms = worker->apart ? WORKER_YOUNG_APART_MS : WORKER_YOUNG_MS;

    return !worker->was_ready || now.ms - worker->ready_at.ms < young_ms;
}

int64_t worker_next_wait_ms(const struct worker *worker)
{
    return worker_wait_ms(worker->failures, worker->was_ready && !worker->apart);
}

static void close_channel(struct worker *worker)
{
    if (worker->channel_open)
        channel_done(&worker->channel);
    worker->channel_open = false;
}

/* It cannot be talked to any more: `on_ended` will hear of the rest. */
static void kill_worker(struct worker *worker, const char *why)
{
    log_worker(LOG_LEVEL_ERROR, "role-killed", worker, why);
    close_channel(worker);
    child_signal(&worker->child, SIGKILL);
}

void worker_tell(struct worker *worker, const struct ipc_message *message, int fd)
{
    struct buf packet = buf_make(IPC_BYTES_MAX);
    FD_LOCAL int copy = -1;
    enum err err = ERR_OK;

    if (!worker->channel_open)
        return;
    if (fd >= 0)
        err = spool_duplicate(fd, &copy);
    if (err == ERR_OK && !ipc_encode(message, &packet))
        err = ERR_INVALID;
    if (err == ERR_OK)
        err = channel_send(&worker->channel, buf_bytes(&packet), &copy, fd >= 0 ? 1 : 0);
    buf_done(&packet);
    if (err == ERR_OK)
        copy = -1; /* the channel's now */
    else if (err != ERR_CLOSED) /* a closed one ends by itself */
        kill_worker(worker, err_text(err));
}

/* A new channel between two that run. */
static void introduce(struct worker *a, struct worker *b)
{
    struct ipc_message to_a = { IPC_PEER,
                                { .peer = { (uint8_t)b->role, b->index, b->incarnation } } };
    struct ipc_message to_b = { IPC_PEER,
                                { .peer = { (uint8_t)a->role, a->index, a->incarnation } } };
    int pair[2];

    if (fd_pair_channel(pair) != ERR_OK) {
        kill_worker(a, "no descriptor left for its peers");
        return;
    }
    worker_tell(a, &to_a, pair[0]);
    worker_tell(b, &to_b, pair[1]);
    fd_close(&pair[0]);
    fd_close(&pair[1]);
}

static void introduce_to_all(struct worker *worker)
{
    struct supervisor *supervisor = worker->supervisor;

    for (size_t i = 0; i < supervisor->worker_count; i++) {
        struct worker *other = &supervisor->workers[i];

        if (other != worker && other->channel_open && ipc_roles_talk(worker->role, other->role))
            introduce(worker, other);
    }
}

static void give_bytes(struct worker *worker, enum ipc_type type, struct bytes bytes)
{
    const struct ipc_message message = { .type = type };
    FD_LOCAL int fd = -1;

    if (fd_make_sealed(bytes, &fd) == ERR_OK)
        worker_tell(worker, &message, fd);
    else
        kill_worker(worker, "no memory for what it must be given");
}

static bool is_for_control(const struct port *port)
{
    return port->service == 0 || port->service == IPC_SERVICE_METRICS;
}

static void give_ports(struct worker *worker)
{
    struct supervisor *supervisor = worker->supervisor;

    for (size_t i = 0; i < supervisor->port_count; i++) {
        const struct port *port = &supervisor->ports[i];
        const struct ipc_message message = { IPC_LISTENER,
                                             { .listener = {
                                                   .service = port->service,
                                                   .implicit_tls = port->implicit_tls,
                                                   .local = port->local,
                                                   .name = bytes_from_string(port->name) } } };

        if (is_for_control(port) == (worker->role == IPC_ROLE_CONTROL))
            worker_tell(worker, &message, port->fd);
    }
}

void worker_give_config(struct worker *worker)
{
    give_bytes(worker, IPC_CONFIG, buf_bytes(&worker->supervisor->config_text));
}

void worker_give_tls(struct worker *worker)
{
    struct supervisor *supervisor = worker->supervisor;
    const struct ipc_message tickets = {
        IPC_TLS_TICKETS, { .tls_tickets = { buf_bytes(&supervisor->ticket_keys) } }
    };

    if (worker->role != IPC_ROLE_TLS)
        return;
    give_bytes(worker, IPC_CERTIFICATE, buf_bytes(&supervisor->certificate));
    worker_tell(worker, &tickets, -1);
}

static void give_all(struct worker *worker)
{
    struct supervisor *supervisor = worker->supervisor;
    const struct ipc_message directory = { .type = IPC_DIRECTORY };
    const struct ipc_message memory = { .type = IPC_MEMORY };
    const struct ipc_message start = { IPC_START,
                                       { .start = { .role = (uint8_t)worker->role,
                                                    .index = worker->index,
                                                    .incarnation = worker->incarnation,
                                                    .shards = supervisor->shards,
                                                    .sandbox_required =
                                                        supervisor->config.sandbox_required } } };

    worker_give_config(worker);
    if (supervisor->directory_fds[worker->role] >= 0)
        worker_tell(worker, &directory, supervisor->directory_fds[worker->role]);
    if (worker->role == IPC_ROLE_GATE || worker->role == IPC_ROLE_CONTROL)
        give_ports(worker);
    worker_give_tls(worker);
    if (worker->memory_fd >= 0)
        worker_tell(worker, &memory, worker->memory_fd);
    if (worker->role == IPC_ROLE_AUTH)
        quarantine_tell_all(worker);
    introduce_to_all(worker);
    worker_tell(worker, &start, -1);
}

/* One of the two has been broken into, or is wrong in the head. Which one cannot be known: the one
 * nearer to strangers is replaced, and its successor gets new channels. So nobody can harm, by what
 * he says, a process that is trusted more than himself. */
static void settle_quarrel(struct worker *worker, const struct ipc_peer *refused)
{
    struct supervisor *supervisor = worker->supervisor;

    for (size_t i = 0; i < supervisor->worker_count; i++) {
        struct worker *other = &supervisor->workers[i];

        if (other == worker || other->role != (enum ipc_role)refused->role ||
            other->index != refused->index || other->incarnation != refused->incarnation ||
            !worker_runs(other))
            continue;
        if (ipc_less_trusted(worker->role, other->role) == worker->role)
            kill_worker(worker, "it refused a peer that is trusted more");
        else
            kill_worker(other, "a peer refused what it said");
        return;
    }
}

static void received(struct channel *channel, struct bytes packet, struct channel_fds *fds)
{
    struct worker *worker = CONTAINER_OF(channel, struct worker, channel);
    struct ipc_message message;

    if (!ipc_decode(packet, &message) ||
        !ipc_is_allowed(message.type, worker->role, IPC_ROLE_SUPERVISOR, fds->count)) {
        kill_worker(worker, "it said what its role may not say");
        return;
    }
    if (message.type == IPC_READY) {
        if (worker->state != WORKER_STARTING)
            return;
        worker->state = WORKER_READY;
        worker->was_ready = true;
        worker->ready_at = clock_mono();
        loop_timer_unset(&worker->timer);
        life_worker_ready(worker);
        return;
    }
    if (message.type == IPC_REFUSED)
        settle_quarrel(worker, &message.peer);
    else
        life_asked(worker, &message);
}

static void peer_closed(struct channel *channel)
{
    struct worker *worker = CONTAINER_OF(channel, struct worker, channel);

    /* It is ending, or it will not be talked to: in either case its end follows. */
    close_channel(worker);
    loop_timer_set_in(&worker->timer, ROLE_STOP_MS);
}

static void on_ended(struct child *child, int status)
{
    struct worker *worker = CONTAINER_OF(child, struct worker, child);
    bool was_young = worker_is_young(worker, clock_mono());

    close_channel(worker);
    worker->state = WORKER_DOWN;
    worker->failures = was_young ? worker->failures + 1 : 0;
    loop_timer_unset(&worker->timer);
    life_worker_ended(worker, status);
}

void worker_start_later(struct worker *worker)
{
    loop_timer_set_in(&worker->timer, worker_next_wait_ms(worker));
}

static void on_timer(struct loop_timer *timer)
{
    struct worker *worker = CONTAINER_OF(timer, struct worker, timer);

    if (worker->state == WORKER_DOWN)
        worker_start(worker);
    else
        kill_worker(worker, worker->state == WORKER_STARTING ? "it was not ready in time"
                                                             : "it did not end");
}

void worker_init(struct worker *worker, struct supervisor *supervisor, enum ipc_role role,
                 uint16_t index)
{
    *worker =
        (struct worker){ .supervisor = supervisor, .role = role, .index = index, .memory_fd = -1 };
    loop_timer_init(&worker->timer, supervisor->loop, on_timer);
}

void worker_done(struct worker *worker)
{
    close_channel(worker);
    child_signal(&worker->child, SIGKILL);
    child_done(&worker->child);
    loop_timer_done(&worker->timer);
    fd_close(&worker->memory_fd);
    worker->state = WORKER_DOWN;
}

/* What a role's libraries may want from the environment, and nothing else. */
static void fill_env(const char *env[ENV_MAX], struct arena *arena)
{
    static const char *const names[] = { "JOURNAL_STREAM", "TZ",
                                         "ASAN_OPTIONS",   "LSAN_OPTIONS",
                                         "UBSAN_OPTIONS",  "TSAN_OPTIONS" };
    size_t count = 0;

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        const char *value = getenv(names[i]);

        if (value != NULL)
            env[count++] = arena_format(arena, "%s=%s", names[i], value);
        if (value != NULL && env[count - 1] == NULL)
            count--; /* an environment without end is left out */
    }
    env[count] = NULL;
}

static enum err start_child(struct worker *worker, int channel_fd, struct note *why)
{
    struct supervisor *supervisor = worker->supervisor;
    struct arena arena = arena_make(64 * 1024);
    const char *const argv[] = { "roost", "--role", ipc_role_name(worker->role), NULL };
    const char *env[ENV_MAX];
    const struct child_fd fds[] = { { channel_fd, ROLE_SUPERVISOR_FD } };
    const struct child_spec spec = {
        .exe_fd = supervisor->exe_fd,
        .argv = argv,
        .env = env,
        .fds = fds,
        .fd_count = ARRAY_COUNT(fds),
        .user = supervisor->has_users ? &supervisor->users[worker->role] : NULL,
    };
    enum err err;

    fill_env(env, &arena);
    err = child_start(&worker->child, supervisor->loop, &spec, on_ended, why);
    arena_done(&arena);
    return err;
}

void worker_start(struct worker *worker)
{
    struct note why = { "" };
    int pair[2] = { -1, -1 };
    enum err err = fd_pair_channel(pair);

    if (err == ERR_OK)
        err = start_child(worker, pair[1], &why);
    fd_close(&pair[1]);
    if (err != ERR_OK) {
        fd_close(&pair[0]);
        log_worker(LOG_LEVEL_ERROR, "role-not-started", worker,
                   why.text[0] == '\0' ? err_text(err) : why.text);
        worker->failures++;
        worker->was_ready = false;
        worker_start_later(worker);
        return;
    }
    worker->state = WORKER_STARTING;
    worker->was_ready = false;
    worker->starts++;
    worker->incarnation = ++worker->supervisor->incarnation_last;
    channel_init(&worker->channel, worker->supervisor->loop, pair[0], received, peer_closed);
    worker->channel_open = true;
    loop_timer_set_in(&worker->timer, WORKER_PATIENCE_MS);
    log_worker(LOG_LEVEL_INFO, "role-started", worker, NULL);
    give_all(worker);
}
