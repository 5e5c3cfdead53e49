/* Homes: the states between open and closed, and the jobs that change them. */
#include "daemon/mail/home.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/mail/connection.h"
#include "daemon/mail/delivery.h"
#include "daemon/mail/maintenance.h"
#include "daemon/mail/place.h"
#include "daemon/mail/shard.h"
#include "search/texts.h"
#include "store/account_compact.h"
#include "sys/clock.h"
#include "sys/process.h"
#include "sys/vfs_posix.h"

enum {
    FDS_FOR_USER = 2, /* its socket or spooled message, a body on its way in */
    FDS_FOR_NEW = HOME_FDS + FDS_FOR_USER,
    COMPACTIONS_MAX = 2, /* at the same time */
};

#define DAY_US (INT64_C(24) * 3600 * 1000000)

static struct bytes key_of(const uint8_t id[IPC_ACCOUNT_ID_BYTES])
{
    return bytes_make(id, IPC_ACCOUNT_ID_BYTES);
}

static bool is_used(const struct home *home)
{
    return !list_is_empty(&home->connections) || !list_is_empty(&home->deliveries) ||
           !list_is_empty(&home->maintenances);
}

static void log_home(const struct home *home, enum log_level level, const char *event,
                     const char *why)
{
    struct log_line line;
    char hex[PLACE_HEX_BYTES];

    place_hex(home->id, hex);
    log_begin(&line, level, event);
    log_string(&line, "account_id", hex);
    if (why != NULL)
        log_string(&line, "why", why);
    log_end(&line);
}

static void leave_awake(struct home *home)
{
    if (!list_is_linked(&home->awake_link))
        return;
    list_remove(&home->awake_link);
    home->shard->awake_count--;
}

static void home_free(struct home *home)
{
    assert(!is_used(home) && home->account == NULL);
    (void)map_remove(&home->shard->homes, key_of(home->id));
    list_remove(&home->link);
    list_remove(&home->touched_link);
    list_remove(&home->busy_link);
    leave_awake(home);
    loop_timer_done(&home->timer);
    free(home);
}

static void rest_first(struct shard *shard)
{
    struct home *home = CONTAINER_OF(list_first(&shard->awake), struct home, awake_link);

    leave_awake(home);
    account_trim(home->account);
}

void home_awake(struct home *home)
{
    struct shard *shard = home->shard;

    leave_awake(home);
    list_push_back(&shard->awake, &home->awake_link);
    shard->awake_count++;
    home->used = clock_mono();
    if (shard->awake_count > shard->awake_max)
        rest_first(shard);
}

static void submit(struct home *home, struct job *job)
{
    home->jobs.executor.submit(&home->jobs.executor, job);
}

/* Opening. */

struct open_job {
    struct job job;
    struct home *home;
    struct vfs *accounts;
    struct vfs *vfs;
    struct account_options options;
    struct account *account;
    struct account_report report;
    struct note why;
    enum err err;
};

static void open_run(struct job *job)
{
    struct open_job *open = CONTAINER_OF(job, struct open_job, job);
    char path[PLACE_PATH_BYTES];

    place_path(open->options.id.raw, path);
    open->err = open->options.create ? place_make(open->accounts, open->options.id.raw, &open->why)
                                     : ERR_OK;
    if (open->err == ERR_OK)
        open->err = vfs_posix_below(open->accounts, path, &open->vfs);
    if (open->err != ERR_OK)
        return;
    open->options.vfs = open->vfs;
    open->err = account_open(&open->options, &open->account, &open->report, &open->why);
    if (open->err != ERR_OK)
        vfs_posix_free(open->vfs);
}

static void log_report(const struct home *home, const struct account_report *report)
{
    struct log_line line;
    char hex[PLACE_HEX_BYTES];
    bool lost = report->tail_bytes > 0 || report->records_damaged > 0;

    place_hex(home->id, hex);
    log_begin(&line,
              lost                               ? LOG_LEVEL_WARNING
              : report->unclean || report->epoch ? LOG_LEVEL_INFO
                                                 : LOG_LEVEL_DEBUG,
              "account-opened");
    log_string(&line, "account_id", hex);
    log_string(&line, "clean", report->unclean ? "no" : "yes");
    log_number(&line, "replayed", (int64_t)report->records_replayed);
    if (lost || report->epoch) {
        log_string(&line, "copied", report->copied ? "yes" : "no");
        log_number(&line, "tail_bytes", (int64_t)report->tail_bytes);
        log_number(&line, "damaged_records", (int64_t)report->records_damaged);
        log_number(&line, "left_out", (int64_t)report->left_out);
        log_string(&line, "epoch", report->epoch ? "yes" : "no");
        log_string(&line, "damage", report->damage.text);
    }
    log_end(&line);
}

void home_log_compaction(struct home *home)
{
    struct account_compacted compacted;
    struct log_line line;
    char hex[PLACE_HEX_BYTES];

    if (!account_compacted(home->account, &compacted))
        return;
    if (compacted.err != ERR_OK) {
        log_home(home, LOG_LEVEL_WARNING, "compaction-failed", compacted.why.text);
        return;
    }
    place_hex(home->id, hex);
    log_begin(&line, LOG_LEVEL_INFO, "account-compacted");
    log_string(&line, "account_id", hex);
    log_number(&line, "written_bytes", (int64_t)compacted.written_bytes);
    log_number(&line, "dropped_bytes", (int64_t)compacted.dropped_bytes);
    log_end(&line);
}

static void on_durable(struct account_listener *listener)
{
    struct home *home = CONTAINER_OF(listener, struct home, listener);
    uint64_t durable = account_durable(home->account);

    home->shard->counts.log_syncs++;
    home->shard->counts.log_bytes += durable - home->durable;
    home->durable = durable;
    home_touch(home);
}

static void on_changed(struct account_listener *listener, struct mailbox *mailbox)
{
    struct home *home = CONTAINER_OF(listener, struct home, listener);

    (void)mailbox; /* a session knows what it has selected */
    LIST_EACH (node, after, &home->connections) {
        struct connection *connection = CONTAINER_OF(node, struct connection, link);

        if (connection != home->shard->running)
            connection_wake(connection);
    }
    home_touch(home);
}

static void on_failed(struct account_listener *listener, const struct note *why)
{
    struct home *home = CONTAINER_OF(listener, struct home, listener);

    home->failed = true;
    if (home->failure == NULL)
        home->failure = strdup(why->text);
    home->shard->counts.log_failures++;
    log_home(home, LOG_LEVEL_ERROR, "account-failed", why->text);
    home_touch(home);
}

static void begin_users(struct home *home)
{
    LIST_EACH (node, after, &home->connections)
        connection_begin(CONTAINER_OF(node, struct connection, link));
    LIST_EACH (node, after, &home->deliveries)
        delivery_begin(CONTAINER_OF(node, struct delivery, link));
    LIST_EACH (node, after, &home->maintenances)
        maintenance_begin(CONTAINER_OF(node, struct maintenance, link));
}

void home_end_maintenance(struct home *home, enum ipc_result result, const char *why)
{
    while (!list_is_empty(&home->maintenances))
        maintenance_fail(CONTAINER_OF(list_first(&home->maintenances), struct maintenance, link),
                         result, why);
}

static enum ipc_result result_of(enum err err)
{
    return err == ERR_NO_SPACE ? IPC_NO_SPACE : IPC_UNAVAILABLE;
}

/* A word to those who wait for the account, then the end of them. `err` is why it is not opened. */
static void refuse_users(struct home *home, enum err err, const char *why)
{
    const char *text = err == ERR_NO_SPACE ? "The server's disk is full, try later"
                                           : "The mail store cannot be opened now";

    while (!list_is_empty(&home->connections))
        connection_refuse(CONTAINER_OF(list_first(&home->connections), struct connection, link),
                          text);
    while (!list_is_empty(&home->deliveries))
        delivery_fail(CONTAINER_OF(list_first(&home->deliveries), struct delivery, link),
                      result_of(err), why);
    home_end_maintenance(home, result_of(err), why);
}

/* Commands at work are not answered: what they would say could be wrong. */
static void evict_users(struct home *home, enum ipc_result result, const char *why, const char *bye)
{
    while (!list_is_empty(&home->deliveries))
        delivery_fail(CONTAINER_OF(list_first(&home->deliveries), struct delivery, link), result,
                      why);
    home_end_maintenance(home, result, why);
    while (!list_is_empty(&home->connections))
        connection_evict(CONTAINER_OF(list_first(&home->connections), struct connection, link),
                         bye);
}

void home_evict(struct home *home)
{
    evict_users(home, IPC_UNAVAILABLE, "the server is going down", "The server is going down");
}

void home_fail(struct home *home)
{
    enum err err = account_failure(home->account);
    struct note why = { "" };

    note_set(&why, "the account's log failed: %s",
             home->failure != NULL ? home->failure : "why is not known");
    home_end_maintenance(home, IPC_UNAVAILABLE, why.text); /* try again, whatever the reason */
    evict_users(
        home, result_of(err), why.text,
        err == ERR_NO_SPACE
            ? "The server's disk is full: a change could not be written, please log in again"
            : "The mail store cannot be written: please try again later");
    free(home->failure);
    home->failure = NULL;
    home_close(home);
}

/* Nobody has it open: tries to open it, moves it away, or forgets it. */
static void home_next(struct home *home);

static void opened(struct home *home, struct open_job *open)
{
    home->account = open->account;
    home->vfs = open->vfs;
    home->state = HOME_OPEN;
    home->failed = false;
    log_report(home, &open->report);
    account_set_listener(home->account, &home->listener);
    account_set_quota(home->account, home->quota_bytes);
    home->shard->counts.accounts_open++;
    home->shard->counts.accounts_opened++;
    home->durable = account_durable(home->account);
    home->tries = 0;
    home_awake(home);
    if (!is_used(home)) {
        home_left(home);
    } else if (home->trash || home->shard->stopping) {
        refuse_users(home, ERR_CLOSED, "the account is being closed");
    } else {
        begin_users(home);
        home_touch(home);
    }
}

static void open_done(struct job *job)
{
    struct open_job *open = CONTAINER_OF(job, struct open_job, job);
    struct home *home = open->home;

    if (open->err == ERR_OK) {
        opened(home, open);
    } else if (open->err == ERR_BUSY && ++home->tries < HOME_BUSY_TRIES && !home->trash) {
        loop_timer_set_in(&home->timer, HOME_BUSY_RETRY_MS); /* a tool has it; not for long */
    } else if (open->err == ERR_NOT_FOUND && !open->options.create) {
        if (!home->makes)
            home_end_maintenance(home, IPC_NOT_FOUND,
                                 "nobody has used it yet: there is no mail of it");
        home_next(home);
    } else {
        home->shard->counts.open_failures++;
        log_home(home, LOG_LEVEL_ERROR, "account-unavailable", open->why.text);
        home_end_maintenance(home, result_of(open->err), open->why.text); /* for an administrator */
        refuse_users(home, open->err,
                     open->err == ERR_NO_SPACE ? "the account cannot be opened: the disk is full"
                                               : "the account cannot be opened");
        home_next(home);
    }
    free(open);
}

/* One by one they leave the disk to the sessions. */
static struct compact_policy compact_policy(struct shard *shard)
{
    return (struct compact_policy){
        .enabled = true,
        .keep_us = (int64_t)shard->config.mail_expunged_days * DAY_US,
        .expunged_bytes_max = shard->config.mail_expunged_bytes_max,
        .running = &shard->compactions,
        .running_max = COMPACTIONS_MAX,
    };
}

static void home_open(struct home *home)
{
    struct shard *shard = home->shard;
    struct open_job *open = calloc(1, sizeof(*open));

    if (open == NULL)
        abort();
    home->state = HOME_OPENING;
    open->job.run = open_run;
    open->job.done = open_done;
    open->home = home;
    open->accounts = shard->vfs;
    open->options = (struct account_options){
        .executor = &home->jobs.executor,
        .background = &home->background.executor,
        .create = home->makes,
        .strict = shard->config.mail_durability == CONFIG_DURABILITY_STRICT,
        .compress = shard->config.mail_compression == CONFIG_COMPRESSION_ZSTD,
        .packing = shard->packing,
        .quota_bytes = home->quota_bytes,
        .mailboxes_max = (uint32_t)shard->config.mail_mailboxes_max,
        .keywords_max = (uint32_t)shard->config.mail_keywords_max,
        .compact = compact_policy(shard),
        .now = clock_wall(),
    };
    memcpy(open->options.id.raw, home->id, sizeof(home->id));
    submit(home, &open->job);
}

/* Closing. */

struct close_job {
    struct job job;
    struct home *home;
    struct account *account;
    struct vfs *vfs;
    struct wall now;
};

static void close_run(struct job *job)
{
    struct close_job *closing = CONTAINER_OF(job, struct close_job, job);

    account_close(closing->account, closing->now);
    vfs_posix_free(closing->vfs);
}

static void trim_run(struct job *job)
{
    process_trim_memory();
}

static void trim_done(struct job *job)
{
    CONTAINER_OF(job, struct shard, trim_job)->trimming = false;
}

/* Accounts that were quiet are closed together: after the last of them. */
static void trim_memory(struct shard *shard)
{
    if (shard->closing > 0 || shard->trimming || shard->stopping)
        return;
    shard->trimming = true;
    shard->trim_job = (struct job){ .run = trim_run, .done = trim_done };
    shard->executor->submit(shard->executor, &shard->trim_job);
}

static void close_done(struct job *job)
{
    struct close_job *closing = CONTAINER_OF(job, struct close_job, job);
    struct home *home = closing->home;

    free(closing);
    home->shard->closing--;
    trim_memory(home->shard);
    home_next(home);
}

/* When no job of it is running any more. */
static void try_close(struct home *home)
{
    struct close_job *closing;
    struct account_id id;

    if (account_is_busy(home->account) || home->jobs.pending > 0 || home->background.pending > 0) {
        loop_timer_set_in(&home->timer, 1);
        return;
    }
    closing = calloc(1, sizeof(*closing));
    if (closing == NULL)
        abort();
    closing->job.run = close_run;
    closing->job.done = close_done;
    closing->home = home;
    closing->account = home->account;
    closing->vfs = home->vfs;
    closing->now = clock_wall();
    id = account_id(home->account);
    search_texts_forget(home->shard->texts, &id);
    home->account = NULL;
    home->vfs = NULL;
    home->shard->counts.accounts_open--;
    submit(home, &closing->job);
}

void home_close(struct home *home)
{
    assert(home->state == HOME_OPEN && !is_used(home));
    home->state = HOME_CLOSING;
    home->shard->closing++;
    list_remove(&home->link);
    list_remove(&home->touched_link);
    leave_awake(home);
    try_close(home);
}

/* The trash. */

struct trash_job {
    struct job job;
    struct home *home;
    struct vfs *accounts;
    uint8_t id[IPC_ACCOUNT_ID_BYTES];
    struct wall now;
    struct note why;
    enum err err;
};

static void trash_run(struct job *job)
{
    struct trash_job *trash = CONTAINER_OF(job, struct trash_job, job);
    char path[PLACE_TRASH_BYTES];

    trash->err = place_trash(trash->accounts, trash->id, trash->now, path, &trash->why);
}

static void trash_done(struct job *job)
{
    struct trash_job *trash = CONTAINER_OF(job, struct trash_job, job);
    struct home *home = trash->home;
    struct ipc_message answer = { .type = IPC_ACCOUNT_DROP_ANSWER };

    /* An account that was never used has no directory. */
    if (trash->err != ERR_OK && trash->err != ERR_NOT_FOUND) {
        log_home(home, LOG_LEVEL_ERROR, "account-drop-failed", trash->why.text);
        answer.answer.result = IPC_UNAVAILABLE;
    } else {
        log_home(home, trash->err == ERR_OK ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, "account-dropped",
                 NULL);
    }
    role_answer(&home->trash_asker, &answer, NULL);
    home->trash = false;
    free(trash);
    home_next(home);
}

static void start_trash(struct home *home)
{
    struct trash_job *trash = calloc(1, sizeof(*trash));

    if (trash == NULL)
        abort();
    home->state = HOME_TRASHING;
    trash->job.run = trash_run;
    trash->job.done = trash_done;
    trash->home = home;
    trash->accounts = home->shard->vfs;
    trash->now = clock_wall();
    memcpy(trash->id, home->id, sizeof(trash->id));
    submit(home, &trash->job);
}

static void home_next(struct home *home)
{
    struct shard *shard = home->shard;

    if (home->trash) {
        start_trash(home);
    } else if (is_used(home) && !shard->stopping) {
        home->tries = 0;
        home_open(home);
    } else {
        refuse_users(home, ERR_CLOSED, "the server is going down");
        home_free(home);
        if (shard->stopping && shard->homes.count == 0)
            role_end(shard->role, EXIT_SUCCESS);
    }
}

/* Time has come: the store's tick, or another try. */
static void on_timer(struct loop_timer *timer)
{
    struct home *home = CONTAINER_OF(timer, struct home, timer);

    switch (home->state) {
    case HOME_OPENING: home_open(home); return;
    case HOME_OPEN: home_touch(home); return;
    case HOME_CLOSING:
        if (home->account != NULL) /* else it is being closed: the time was that of a tick */
            try_close(home);
        return;
    case HOME_TRASHING: return;
    }
}

static struct home *home_new(struct shard *shard, const uint8_t id[IPC_ACCOUNT_ID_BYTES])
{
    struct home *home = calloc(1, sizeof(*home));

    if (home == NULL)
        abort();
    home->shard = shard;
    memcpy(home->id, id, sizeof(home->id));
    mark_jobs_init(&home->jobs, shard, shard->executor, id);
    mark_jobs_init(&home->background, shard, shard->background, id);
    home->listener = (struct account_listener){ on_durable, on_changed, on_failed };
    list_init(&home->connections);
    list_init(&home->deliveries);
    list_init(&home->maintenances);
    list_init(&home->again);
    loop_timer_init(&home->timer, shard->role->loop, on_timer);
    (void)map_set(&shard->homes, key_of(home->id), home);
    return home;
}

struct home *home_find(struct shard *shard, const uint8_t id[IPC_ACCOUNT_ID_BYTES])
{
    return map_get(&shard->homes, key_of(id));
}

/* Room for so many descriptors more. Homes that are closing will be gone soon. */
static bool has_room(const struct shard *shard, uint64_t fds)
{
    uint64_t homes = shard->homes.count - shard->closing;
    uint64_t used = homes * HOME_FDS + shard->counts.sessions + shard->counts.deliveries;

    used += shard->counts.maintenances * FDS_FOR_USER;
    return used + shard->copying + fds <= shard->fds_max;
}

static struct home *take(struct shard *shard, const uint8_t id[IPC_ACCOUNT_ID_BYTES],
                         uint64_t quota_bytes, bool makes)
{
    struct home *home = home_find(shard, id);
    uint64_t fds = home == NULL ? FDS_FOR_NEW : FDS_FOR_USER;

    if (shard->stopping || (home != NULL && home->trash))
        return NULL;
    if (!has_room(shard, fds))
        homes_look_round(shard);
    if (!has_room(shard, fds))
        return NULL;
    if (home == NULL) {
        home = home_new(shard, id);
        home->quota_bytes = quota_bytes;
        home->makes = makes;
        home_open(home);
        return home;
    }
    home->quota_bytes = quota_bytes;
    home->makes = home->makes || makes;
    if (home->state == HOME_OPEN)
        account_set_quota(home->account, quota_bytes);
    list_remove(&home->link); /* in use again */
    return home;
}

struct home *home_for(struct shard *shard, const uint8_t id[IPC_ACCOUNT_ID_BYTES],
                      uint64_t quota_bytes)
{
    return take(shard, id, quota_bytes, true);
}

struct home *home_for_maintenance(struct shard *shard, const uint8_t id[IPC_ACCOUNT_ID_BYTES],
                                  uint64_t quota_bytes)
{
    return take(shard, id, quota_bytes, false);
}

void home_touch(struct home *home)
{
    if (!list_is_linked(&home->touched_link))
        list_push_back(&home->shard->touched, &home->touched_link);
    shard_turn_soon(home->shard);
}

void home_left(struct home *home)
{
    if (is_used(home) || home->state != HOME_OPEN || home->failed)
        return;
    if (home->trash || home->shard->stopping) {
        home_close(home);
        return;
    }
    if (!list_is_linked(&home->link))
        list_push_back(&home->shard->quiet, &home->link);
    home->quiet_since = clock_mono();
}

void home_bye(struct home *home, const char *bye)
{
    LIST_EACH (node, after, &home->connections)
        connection_bye(CONTAINER_OF(node, struct connection, link), bye);
}

bool home_trash(struct shard *shard, const uint8_t id[IPC_ACCOUNT_ID_BYTES],
                const struct role_asker *asker)
{
    struct home *home = home_find(shard, id);

    if (shard->stopping || (home != NULL && home->trash))
        return false;
    if (home == NULL) {
        home = home_new(shard, id);
        home->trash = true;
        home->trash_asker = *asker;
        start_trash(home);
        return true;
    }
    home->trash = true;
    home->trash_asker = *asker;
    if (is_used(home))
        evict_users(home, IPC_NOT_FOUND, "the account was removed",
                    "The account was removed"); /* the last one closes it */
    else if (home->state == HOME_OPEN)
        home_close(home);
    return true;
}

void homes_look_round(struct shard *shard)
{
    struct mono now = clock_mono();

    LIST_EACH (node, after, &shard->quiet) {
        struct home *home = CONTAINER_OF(node, struct home, link);

        if (now.ms - home->quiet_since.ms < HOME_QUIET_MS && has_room(shard, FDS_FOR_NEW))
            break;
        if (account_compact_is_running(home->account) && has_room(shard, FDS_FOR_NEW))
            continue; /* it would have to begin again */
        home_close(home);
    }
    LIST_EACH (node, after, &shard->awake) {
        if (now.ms - CONTAINER_OF(node, struct home, awake_link)->used.ms < HOME_AWAKE_MS)
            break;
        rest_first(shard);
    }
}

void homes_free(struct shard *shard)
{
    size_t position = 0;
    void *value;

    while (map_next(&shard->homes, &position, NULL, &value)) {
        struct home *home = value;

        home->failed = true; /* so that nothing is begun any more */
        home_evict(home);
        account_close(home->account, clock_wall());
        vfs_posix_free(home->vfs);
        loop_timer_done(&home->timer);
        free(home->failure);
        free(home);
    }
    map_done(&shard->homes);
}
