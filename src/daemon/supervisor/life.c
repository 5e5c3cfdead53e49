/* Order: who starts after whom, who ends before whom, what a reload does. */
#include "daemon/supervisor/life.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/log.h"
#include "daemon/role/role.h"
#include "daemon/supervisor/certificate.h"
#include "daemon/supervisor/quarantine.h"
#include "daemon/supervisor/settings.h"
#include "daemon/supervisor/status.h"
#include "ipc/request_table.h"
#include "sys/log_sink.h"
#include "sys/service.h"

enum { STOP_PATIENCE_MS = ROLE_STOP_MS + 1000, STATUS_BYTES_MAX = 60 * 1024 };

/* Those that take new work first, those that others need last. */
static const unsigned stop_phases[] = {
    1U << IPC_ROLE_GATE | 1U << IPC_ROLE_CONTROL,
    1U << IPC_ROLE_MAIL,
    1U << IPC_ROLE_AUTH | 1U << IPC_ROLE_TLS,
};

size_t life_count(const struct supervisor *supervisor, enum ipc_role role)
{
    size_t count = 0;

    for (size_t i = 0; i < supervisor->worker_count; i++)
        count += supervisor->workers[i].role == role;
    return count;
}

/* Those of role gate, or all others. */
static void start_all(struct supervisor *supervisor, bool gates)
{
    for (size_t i = 0; i < supervisor->worker_count; i++) {
        struct worker *worker = &supervisor->workers[i];

        if ((worker->role == IPC_ROLE_GATE) == gates)
            worker_start(worker);
    }
}

static bool all_ready(const struct supervisor *supervisor, bool gates)
{
    for (size_t i = 0; i < supervisor->worker_count; i++) {
        const struct worker *worker = &supervisor->workers[i];

        if ((worker->role == IPC_ROLE_GATE) == gates && worker->state != WORKER_READY)
            return false;
    }
    return true;
}

void life_begin(struct supervisor *supervisor)
{
    start_all(supervisor, false);
}

void life_worker_ready(struct worker *worker)
{
    struct supervisor *supervisor = worker->supervisor;

    if (supervisor->stopping)
        return;
    if (!supervisor->gates_begun && all_ready(supervisor, false)) {
        supervisor->gates_begun = true;
        start_all(supervisor, true);
    }
    if (!supervisor->is_up && supervisor->gates_begun && all_ready(supervisor, true)) {
        supervisor->is_up = true;
        log_event(LOG_LEVEL_INFO, "server-ready", NULL, NULL);
        service_notify(supervisor->notify_fd, "READY=1");
    }
}

static void log_end_of(const struct worker *worker, int status)
{
    struct log_line line;
    char text[64];

    child_status_print(status, text);
    log_begin(&line, worker->supervisor->stopping ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "role-ended");
    log_string(&line, "role", ipc_role_name(worker->role));
    log_number(&line, "index", worker->index);
    log_string(&line, "status", text);
    if (!worker->supervisor->stopping)
        log_number(&line, "wait_ms", worker_next_wait_ms(worker));
    log_end(&line);
}

static bool phase_runs(const struct supervisor *supervisor)
{
    unsigned roles = stop_phases[supervisor->stop_phase];

    for (size_t i = 0; i < supervisor->worker_count; i++) {
        const struct worker *worker = &supervisor->workers[i];

        if ((roles & 1U << worker->role) != 0 && worker_runs(worker))
            return true;
    }
    return false;
}

static void tell_phase(struct supervisor *supervisor, bool kill)
{
    const struct ipc_message stop = { .type = IPC_STOP };
    unsigned roles = stop_phases[supervisor->stop_phase];

    for (size_t i = 0; i < supervisor->worker_count; i++) {
        struct worker *worker = &supervisor->workers[i];

        if ((roles & 1U << worker->role) == 0)
            continue;
        if (kill)
            child_signal(&worker->child, SIGKILL);
        else
            worker_tell(worker, &stop, -1);
    }
}

/* Goes on to the first phase in which something runs. */
static void stop_further(struct supervisor *supervisor)
{
    while (!phase_runs(supervisor)) {
        if (++supervisor->stop_phase == ARRAY_COUNT(stop_phases)) {
            loop_stop(supervisor->loop);
            return;
        }
        tell_phase(supervisor, false);
    }
    loop_timer_set_in(&supervisor->stop_timer, STOP_PATIENCE_MS);
}

static void on_stop_timer(struct loop_timer *timer)
{
    tell_phase(CONTAINER_OF(timer, struct supervisor, stop_timer), true);
}

void life_stop(struct supervisor *supervisor, int exit_code)
{
    if (supervisor->stopping) {
        if (supervisor->stop_phase < ARRAY_COUNT(stop_phases))
            tell_phase(supervisor, true); /* asked twice: at once, then */
        return;
    }
    supervisor->stopping = true;
    supervisor->exit_code = exit_code;
    log_event(LOG_LEVEL_INFO, "server-stopping", NULL, NULL);
    service_notify(supervisor->notify_fd, "STOPPING=1");
    for (size_t i = 0; i < supervisor->worker_count; i++)
        if (!worker_runs(&supervisor->workers[i]))
            loop_timer_unset(&supervisor->workers[i].timer);
    loop_timer_init(&supervisor->stop_timer, supervisor->loop, on_stop_timer);
    tell_phase(supervisor, false);
    stop_further(supervisor);
}

void life_worker_ended(struct worker *worker, int status)
{
    struct supervisor *supervisor = worker->supervisor;

    log_end_of(worker, status);
    if (!supervisor->stopping)
        quarantine_note_end(worker, status);
    if (supervisor->stopping)
        stop_further(supervisor);
    else if (!supervisor->is_up && child_exit_code(status) == ROLE_EXIT_REFUSED)
        life_stop(supervisor, EX_CONFIG); /* it has said why */
    else
        worker_start_later(worker);
}

static void answer(struct worker *worker, enum ipc_type type, struct ipc_text_answer text)
{
    const struct ipc_message message = { type, { .text_answer = text } };

    worker_tell(worker, &message, -1);
}

static void answer_status(struct worker *worker, uint64_t request)
{
    struct buf text = buf_make(STATUS_BYTES_MAX);

    status_print(worker->supervisor, &text);
    answer(worker, IPC_STATUS_ANSWER,
           (struct ipc_text_answer){ request, IPC_OK, buf_bytes(&text) });
    buf_done(&text);
}

static void answer_reload(struct worker *worker, uint64_t request)
{
    struct note told = { "" };
    enum err err = life_reload(worker->supervisor, &told);

    answer(worker, IPC_RELOAD_ANSWER,
           (struct ipc_text_answer){ request, err == ERR_OK ? IPC_OK : IPC_INVALID,
                                     bytes_from_string(told.text) });
}

void life_asked(struct worker *worker, const struct ipc_message *message)
{
    if (message->type == IPC_STATUS)
        answer_status(worker, message->request.request);
    else if (message->type == IPC_RELOAD)
        answer_reload(worker, message->request.request);
}

/* Both are read and tried before either is used. */
static enum err reload(struct supervisor *supervisor, struct note *out_told)
{
    struct buf certificate = buf_make(SUPERVISOR_PEM_BYTES_MAX);
    struct reading reading;
    const char *kept = NULL;
    enum err err =
        reading_make(supervisor->request, &supervisor->settings, &reading, &kept, out_told);

    if (err != ERR_OK)
        return err;
    err = certificate_load(&reading.config, &certificate, out_told);
    if (err != ERR_OK) {
        buf_done(&certificate);
        reading_done(&reading);
        return err;
    }
    reading_use(&reading, supervisor);
    certificate_forget(&supervisor->certificate);
    supervisor->certificate = certificate;
    note_set(out_told, "configuration and certificate were read again%s%s",
             kept == NULL ? "" : "; needs a restart: ", kept == NULL ? "" : kept);
    return ERR_OK;
}

enum err life_reload(struct supervisor *supervisor, struct note *out_told)
{
    enum err err;

    service_notify_reloading(supervisor->notify_fd);
    err = reload(supervisor, out_told);
    if (err == ERR_OK) {
        log_event(LOG_LEVEL_INFO, "reloaded", "what", out_told->text);
        log_sink_start("supervisor", (enum log_level)supervisor->config.log_level);
        for (size_t i = 0; i < supervisor->worker_count; i++) {
            worker_give_config(&supervisor->workers[i]);
            worker_give_tls(&supervisor->workers[i]);
        }
    } else {
        struct log_line line;

        log_begin(&line, LOG_LEVEL_ERROR, "not-reloaded");
        log_string(&line, "why", out_told->text);
        log_string(&line, "in_use", "configuration and certificate as before");
        log_end(&line);
    }
    if (supervisor->is_up)
        service_notify(supervisor->notify_fd, "READY=1");
    return err;
}
