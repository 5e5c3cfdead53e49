/* From nothing to a running server, and to its end. */
#include "daemon/supervisor/supervisor.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/log.h"
#include "daemon/supervisor/certificate.h"
#include "daemon/supervisor/layout.h"
#include "daemon/supervisor/life.h"
#include "daemon/supervisor/ports.h"
#include "daemon/supervisor/settings.h"
#include "sys/clock.h"
#include "sys/entropy.h"
#include "sys/fd.h"
#include "sys/log_sink.h"
#include "sys/place.h"
#include "sys/process.h"

enum {
    TICKET_KEYS_KEPT = 2,
    TICKET_LIFE_MS = 12 * 60 * 60 * 1000,
    GATES_CPUS = 4, /* one gate for as many */
    TLS_CPUS = 2,
    WORKERS_AT_FIRST_MAX = SUPERVISOR_WORKERS_MAX - IPC_SHARDS_APART_MAX,
};

/* A new key seals; the one before it still opens. */
static void renew_ticket_keys(struct supervisor *supervisor)
{
    uint8_t keys[TLS_TICKET_KEY_BYTES * TICKET_KEYS_KEPT];
    struct bytes before = bytes_slice(buf_bytes(&supervisor->ticket_keys), 0, TLS_TICKET_KEY_BYTES);

    entropy_fill(keys, TLS_TICKET_KEY_BYTES);
    if (before.len > 0)
        memcpy(keys + TLS_TICKET_KEY_BYTES, before.at, before.len);
    buf_clear(&supervisor->ticket_keys);
    buf_add(&supervisor->ticket_keys, bytes_make(keys, TLS_TICKET_KEY_BYTES + before.len));
    explicit_bzero(keys, sizeof(keys));
    loop_timer_set_in(&supervisor->ticket_timer, TICKET_LIFE_MS);
}

static void on_ticket_timer(struct loop_timer *timer)
{
    struct supervisor *supervisor = CONTAINER_OF(timer, struct supervisor, ticket_timer);

    renew_ticket_keys(supervisor);
    for (size_t i = 0; i < supervisor->worker_count; i++)
        worker_give_tls(&supervisor->workers[i]);
}

static void add_workers(struct supervisor *supervisor, enum ipc_role role, uint64_t count)
{
    for (uint64_t i = 0; i < count && supervisor->worker_count < WORKERS_AT_FIRST_MAX; i++)
        worker_init(&supervisor->workers[supervisor->worker_count++], supervisor, role,
                    (uint16_t)i);
}

static uint64_t chosen(uint64_t setting, unsigned cpus_each)
{
    uint64_t cpus = process_cpus();

    if (setting > 0)
        return setting;
    return cpus < cpus_each ? 1 : cpus / cpus_each;
}

/* In the order in which they start. */
static enum err make_workers(struct supervisor *supervisor, struct note *why)
{
    const struct config *config = &supervisor->config;
    enum err err = ERR_OK;

    add_workers(supervisor, IPC_ROLE_AUTH, 1);
    add_workers(supervisor, IPC_ROLE_CONTROL, 1);
    add_workers(supervisor, IPC_ROLE_TLS, chosen(config->tls_processes, TLS_CPUS));
    add_workers(supervisor, IPC_ROLE_MAIL, chosen(config->mail_shards, 1));
    add_workers(supervisor, IPC_ROLE_GATE, chosen(config->gate_processes, GATES_CPUS));
    if (life_count(supervisor, IPC_ROLE_GATE) == 0 ||
        supervisor->worker_count == WORKERS_AT_FIRST_MAX)
        return note_fail(why, ERR_LIMIT, "more than %d processes are asked for",
                         WORKERS_AT_FIRST_MAX - 1);
    supervisor->shards = (uint16_t)life_count(supervisor, IPC_ROLE_MAIL);
    for (size_t i = 0; err == ERR_OK && i < supervisor->worker_count; i++)
        if (supervisor->workers[i].role == IPC_ROLE_MAIL)
            err = fd_make_memory(SUPERVISOR_MEMORY_BYTES, &supervisor->workers[i].memory_fd);
    return err;
}

static void on_signal(struct loop_signals *signals, int number)
{
    struct supervisor *supervisor = CONTAINER_OF(signals, struct supervisor, signals);
    struct note told = { "" };

    if (number != SIGHUP)
        life_stop(supervisor, EX_OK);
    else if (!supervisor->stopping)
        (void)life_reload(supervisor, &told);
}

static enum err read_settings(struct supervisor *supervisor, struct note *why)
{
    struct reading reading;
    const char *kept;
    enum err err = reading_make(supervisor->request, NULL, &reading, &kept, why);

    if (err != ERR_OK)
        return err;
    reading_use(&reading, supervisor);
    log_sink_start("supervisor", (enum log_level)supervisor->config.log_level);
    return ERR_OK;
}

/* Everything before the first process. Answers the exit code, EX_OK to go on. */
static int prepare(struct supervisor *supervisor, struct service_socket *passed,
                   size_t passed_count, struct note *why)
{
    if (read_settings(supervisor, why) != ERR_OK)
        return EX_CONFIG;
    if (layout_make(supervisor, why) != ERR_OK)
        return EX_CANTCREAT;
    if (certificate_load(&supervisor->config, &supervisor->certificate, why) != ERR_OK)
        return EX_CONFIG;
    if (ports_open(supervisor, passed, passed_count, why) != ERR_OK)
        return EX_UNAVAILABLE;
    if (make_workers(supervisor, why) != ERR_OK)
        return EX_OSERR;
    return EX_OK;
}

static struct supervisor *supervisor_new(const struct supervisor_options *options)
{
    struct supervisor *supervisor = calloc(1, sizeof(*supervisor));

    if (supervisor == NULL)
        abort();
    supervisor->loop = loop_new();
    supervisor->exe_fd = options->exe_fd;
    supervisor->request = options->request;
    supervisor->certificate = buf_make(SUPERVISOR_PEM_BYTES_MAX);
    supervisor->ticket_keys = buf_make((size_t)TLS_TICKET_KEY_BYTES * TICKET_KEYS_KEPT);
    supervisor->started_at = clock_wall();
    for (int role = 0; role < IPC_ROLE_COUNT; role++)
        supervisor->directory_fds[role] = -1;
    loop_timer_init(&supervisor->ticket_timer, supervisor->loop, on_ticket_timer);
    return supervisor;
}

static void supervisor_free(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->worker_count; i++)
        worker_done(&supervisor->workers[i]);
    ports_close(supervisor);
    for (int role = 0; role < IPC_ROLE_COUNT; role++)
        fd_close(&supervisor->directory_fds[role]);
    fd_close(&supervisor->notify_fd);
    loop_timer_done(&supervisor->ticket_timer);
    loop_timer_done(&supervisor->stop_timer);
    loop_signals_done(&supervisor->signals);
    config_settings_done(&supervisor->settings);
    config_done(&supervisor->config);
    buf_done(&supervisor->config_text);
    certificate_forget(&supervisor->certificate);
    certificate_forget(&supervisor->ticket_keys);
    loop_free(supervisor->loop);
    free(supervisor);
}

int supervisor_main(const struct supervisor_options *options)
{
    static const int signals[] = { SIGTERM, SIGINT, SIGHUP, 0 };
    struct service_socket passed[SERVICE_SOCKETS_MAX];
    size_t passed_count = service_take_sockets(passed);
    struct supervisor *supervisor;
    struct note why = { "" };
    int exit_code;

    log_sink_start("supervisor", LOG_LEVEL_INFO);
    place_make_private();
    (void)process_raise_fd_limit();
    supervisor = supervisor_new(options);
    supervisor->notify_fd = service_open_notify();
    exit_code = prepare(supervisor, passed, passed_count, &why);
    if (exit_code == EX_OK) {
        process_drop_privileges();
        renew_ticket_keys(supervisor);
        loop_signals_init(&supervisor->signals, supervisor->loop, signals, on_signal);
        life_begin(supervisor);
        loop_run(supervisor->loop);
        exit_code = supervisor->exit_code;
        log_event(LOG_LEVEL_INFO, "server-ended", NULL, NULL);
    } else {
        log_event(LOG_LEVEL_ERROR, "start-failed", "why", why.text);
    }
    supervisor_free(supervisor);
    return exit_code;
}
