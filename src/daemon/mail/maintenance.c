/* Maintenance: from control's request to its last answer. */
#include "daemon/mail/maintenance.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/mail/home.h"
#include "daemon/mail/place.h"
#include "daemon/mail/shard.h"
#include "ipc/request_table.h"
#include "maintain/maintain.h"
#include "sys/clock.h"

enum {
    LINES_BYTES_MAX = 56 * 1024, /* with its brackets below what a packet takes */
    /* No step while more than that waits: the next one still has room. */
    LINES_BYTES_HIGH = LINES_BYTES_MAX - MAINTAIN_STEP_BYTES_MAX,
};

static void maintenance_free(struct maintenance *maintenance)
{
    struct home *home = maintenance->home;

    maintain_free(maintenance->act);
    loop_timer_done(&maintenance->beat);
    list_remove(&maintenance->link);
    list_remove(&maintenance->all_link);
    list_remove(&maintenance->run_link);
    home->shard->counts.maintenances--;
    buf_done(&maintenance->lines);
    free(maintenance->text);
    free(maintenance);
    home_left(home);
}

static void answer(const struct role_asker *asker, enum ipc_result result, struct bytes text,
                   bool more)
{
    struct ipc_message message = {
        IPC_MAINTAIN_ANSWER,
        { .account_answer = { .result = (uint8_t)result, .more = more, .text = text } }
    };

    role_answer(asker, &message, NULL);
}

/* That nobody has used the account yet, or that the server ends, is no trouble: who asked is told.
 */
static enum log_level level_of(const struct maintenance *maintenance, enum ipc_result result)
{
    return result == IPC_OK || result == IPC_NOT_FOUND || maintenance->home->shard->stopping
               ? LOG_LEVEL_INFO
               : LOG_LEVEL_WARNING;
}

static void log_end_of(const struct maintenance *maintenance, enum ipc_result result,
                       const char *why)
{
    struct log_line line;
    char hex[PLACE_HEX_BYTES];

    place_hex(maintenance->home->id, hex);
    log_begin(&line, level_of(maintenance, result), "maintenance");
    log_string(&line, "account_id", hex);
    log_bytes(&line, "act", maintenance->name);
    log_bytes(&line, "actor", maintenance->actor);
    log_string(&line, "result", ipc_result_text(result));
    if (result != IPC_OK)
        log_string(&line, "why", why);
    log_end(&line);
}

void maintenance_fail(struct maintenance *maintenance, enum ipc_result result, const char *text)
{
    log_end_of(maintenance, result, text);
    answer(&maintenance->asker, result, bytes_from_string(text), false);
    maintenance_free(maintenance);
}

/* The lines so far, as an array. */
static void send_lines(struct maintenance *maintenance, bool more)
{
    struct bytes lines = buf_bytes(&maintenance->lines);
    struct buf text = buf_make(LINES_BYTES_MAX + 2);

    buf_add_byte(&text, '[');
    for (size_t at = 0; at < lines.len;) {
        size_t end = bytes_find_byte(lines, at, '\n');

        if (at > 0)
            buf_add_byte(&text, ',');
        buf_add(&text, bytes_slice(lines, at, end - at));
        at = end + 1;
    }
    buf_add_byte(&text, ']');
    answer(&maintenance->asker, IPC_OK, buf_bytes(&text), more);
    buf_done(&text);
    buf_clear(&maintenance->lines);
    buf_trim(&maintenance->lines);
    maintenance->may_send = false;
    loop_timer_set_in(&maintenance->beat, MAINTENANCE_BEAT_MS);
}

static void send_sign_of_life(struct maintenance *maintenance)
{
    answer(&maintenance->asker, IPC_OK, BYTES("[]"), true);
    maintenance->may_send = false;
}

static enum ipc_result result_of(enum err err)
{
    switch (err) {
    case ERR_OK: return IPC_OK;
    case ERR_NOT_FOUND: return IPC_NOT_FOUND;
    case ERR_EXISTS: return IPC_EXISTS;
    case ERR_NO_SPACE: return IPC_NO_SPACE;
    case ERR_OVER_QUOTA: return IPC_OVER_QUOTA;
    case ERR_LIMIT: return IPC_LIMIT;
    case ERR_INVALID: return IPC_INVALID;
    case ERR_DENIED: return IPC_DENIED;
    case ERR_UNSUPPORTED: return IPC_UNSUPPORTED;
    case ERR_IO:
    case ERR_CORRUPT:
    case ERR_CONFLICT:
    case ERR_BUSY:
    case ERR_CLOSED: break;
    }
    return IPC_UNAVAILABLE;
}

/* True when nothing that was changed can be lost any more. */
static bool may_end(const struct maintenance *maintenance)
{
    return !maintain_changes(maintenance->act) ||
           account_durable(maintenance->home->account) >= maintenance->gate;
}

static void finish(struct maintenance *maintenance)
{
    struct note why = { "" };
    enum err err = maintain_result(maintenance->act, &why);

    if (err == ERR_OK && !may_end(maintenance))
        return;
    if (err == ERR_OK) {
        log_end_of(maintenance, IPC_OK, "");
        send_lines(maintenance, false);
        maintenance_free(maintenance);
    } else if (!buf_is_empty(&maintenance->lines)) {
        send_lines(maintenance, true);
    } else {
        maintenance_fail(maintenance, result_of(err), why.text);
    }
}

/* Sends what may be sent, asks for a step when there is room for what it says. May free it. */
static void go_on(struct maintenance *maintenance)
{
    struct shard *shard = maintenance->home->shard;

    if (maintenance->is_done && maintenance->may_send) {
        finish(maintenance);
        return;
    }
    if (maintenance->may_send && !buf_is_empty(&maintenance->lines))
        send_lines(maintenance, true);
    if (!maintenance->wants_step || maintenance->lines.len > LINES_BYTES_HIGH ||
        list_is_linked(&maintenance->run_link))
        return;
    list_push_back(&shard->maintaining, &maintenance->run_link);
    shard_turn_soon(shard);
}

static void on_wake(struct waker *waker)
{
    struct maintenance *maintenance = CONTAINER_OF(waker, struct maintenance, waker);

    if (maintenance->is_done)
        return;
    maintenance->wants_step = true;
    go_on(maintenance);
}

/* A sign of life, and a look whether anybody still listens. What is done and still waits for the
 * disk keeps its last lines back. */
static void on_beat(struct loop_timer *timer)
{
    struct maintenance *maintenance = CONTAINER_OF(timer, struct maintenance, beat);

    loop_timer_set_in(timer, MAINTENANCE_BEAT_MS);
    if (!role_asker_waits(&maintenance->asker))
        maintenance_free(maintenance);
    else if (maintenance->may_send && maintenance->is_done)
        send_sign_of_life(maintenance);
    else if (maintenance->may_send)
        send_lines(maintenance, true);
}

void maintenance_begin(struct maintenance *maintenance)
{
    struct home *home = maintenance->home;
    struct maintain_options options = {
        .account = home->account,
        .vfs = home->vfs,
        .executor = &home->jobs.executor,
        .background = &home->background.executor,
        .waker = &maintenance->waker,
        .act = maintenance->name,
        .arguments = maintenance->arguments,
        .actor = maintenance->actor,
    };
    struct note why = { "" };
    struct shard *shard = home->shard;
    enum err err;

    mark_enter(shard, home->id);
    err = maintain_new(&options, &maintenance->act, &why);
    mark_leave(shard);
    if (err != ERR_OK) {
        maintenance_fail(maintenance, result_of(err), why.text);
        return;
    }
    maintenance->wants_step = true;
    go_on(maintenance);
}

void maintenance_step(struct maintenance *maintenance)
{
    enum maintain_want want;

    if (maintenance->home->failed)
        return; /* the turn answers it */
    if (!role_asker_waits(&maintenance->asker)) {
        maintenance_free(maintenance);
        return;
    }
    maintenance->wants_step = false;
    want = maintain_step(maintenance->act, clock_wall(), &maintenance->lines);
    maintenance->wants_step = maintenance->wants_step || want == MAINTAIN_AGAIN;
    maintenance->is_done = want == MAINTAIN_DONE;
    maintenance->gate = account_gate(maintenance->home->account);
    home_touch(maintenance->home);
    go_on(maintenance);
}

void maintenance_release(struct maintenance *maintenance)
{
    if (maintenance->is_done)
        go_on(maintenance);
}

static struct bytes put(char **at, struct bytes bytes)
{
    struct bytes copy = bytes_make(*at, bytes.len);

    if (bytes.len > 0)
        memcpy(*at, bytes.at, bytes.len);
    *at += bytes.len;
    return copy;
}

static void maintenance_new(struct home *home, const struct role_asker *asker,
                            const struct ipc_maintain *request)
{
    struct shard *shard = home->shard;
    struct maintenance *maintenance = calloc(1, sizeof(*maintenance));
    size_t len = request->act.len + request->arguments.len + request->actor.len;
    char *at = malloc(len + 1);

    if (maintenance == NULL || at == NULL)
        abort();
    maintenance->home = home;
    maintenance->asker = *asker;
    maintenance->waker.wake = on_wake;
    maintenance->may_send = true;
    maintenance->lines = buf_make(LINES_BYTES_MAX);
    maintenance->text = at;
    maintenance->name = put(&at, request->act);
    maintenance->arguments = put(&at, request->arguments);
    maintenance->actor = put(&at, request->actor);
    list_push_back(&home->maintenances, &maintenance->link);
    list_push_back(&shard->maintenances, &maintenance->all_link);
    shard->counts.maintenances++;
    loop_timer_init(&maintenance->beat, shard->role->loop, on_beat);
    loop_timer_set_in(&maintenance->beat, MAINTENANCE_BEAT_MS);
    if (home->state == HOME_OPEN)
        maintenance_begin(maintenance);
}

void mail_on_maintain(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    struct shard *shard = from->role->context;
    struct role_asker asker = role_asker_of(from, message);
    struct home *home = NULL;

    (void)fd;
    if (shard->counts.maintenances >= MAINTENANCES_MAX) {
        answer(&asker, IPC_LIMIT, BYTES("too much maintenance at once"), false);
        return;
    }
    home = home_for_maintenance(shard, message->maintain.account_id.raw,
                                message->maintain.quota_bytes);
    if (home == NULL)
        answer(&asker, IPC_UNAVAILABLE, BYTES("the account cannot be opened now"), false);
    else
        maintenance_new(home, &asker, &message->maintain);
}

/* NULL: it has ended by itself. */
static struct maintenance *find(struct role_peer *from, const struct ipc_message *message)
{
    struct shard *shard = from->role->context;

    LIST_EACH (node, after, &shard->maintenances) {
        struct maintenance *maintenance = CONTAINER_OF(node, struct maintenance, all_link);

        if (maintenance->asker.peer == from && maintenance->asker.serial == from->serial &&
            maintenance->asker.request == message->request.request)
            return maintenance;
    }
    return NULL;
}

void mail_on_maintain_continue(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    struct maintenance *maintenance = find(from, message);

    (void)fd;
    if (maintenance == NULL)
        return;
    maintenance->may_send = true;
    go_on(maintenance);
}

void mail_on_maintain_cancel(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    struct maintenance *maintenance = find(from, message);

    (void)fd;
    if (maintenance != NULL)
        maintenance_free(maintenance);
}
