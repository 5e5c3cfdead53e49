/* Reading what a dead shard was at, and the consequences. */
#include "daemon/supervisor/quarantine.h"

#include <assert.h>

#include "base/log.h"
#include "daemon/supervisor/worker.h"
#include "ipc/marks.h"
#include "ipc/route.h"
#include "sys/clock.h"
#include "sys/fd.h"

static_assert((int)SUPERVISOR_MEMORY_BYTES >= (int)MARKS_BYTES, "what a shard is given suffices");

static void log_account(const struct blame *blame, const char *event, unsigned shard,
                        const char *status)
{
    struct log_line line;
    char hex[IPC_ID_TEXT_BYTES];

    ipc_id_print(blame->id.raw, hex);
    log_begin(&line, LOG_LEVEL_ERROR, event);
    log_string(&line, "account_id", hex);
    log_number(&line, "shard", shard);
    log_number(&line, "crashes", blame->crashes);
    if (status != NULL)
        log_string(&line, "status", status);
    log_end(&line);
}

static struct worker *find_worker(struct supervisor *supervisor, enum ipc_role role, unsigned index)
{
    for (size_t i = 0; i < supervisor->worker_count; i++)
        if (supervisor->workers[i].role == role && supervisor->workers[i].index == index)
            return &supervisor->workers[i];
    return NULL;
}

static void tell_place(struct worker *auth, const struct blame *blame)
{
    const struct ipc_message place = {
        IPC_PLACE, { .place = { .account_id = blame->id, .shard = blame->shard } }
    };

    worker_tell(auth, &place, -1);
}

void quarantine_tell_all(struct worker *auth)
{
    const struct blames *blames = &auth->supervisor->blames;

    for (size_t i = 0; i < blames->count; i++)
        if (blames->at[i].apart)
            tell_place(auth, &blames->at[i]);
}

/* The process for accounts that are set apart: the first of them has it started. */
static void need_worker(struct supervisor *supervisor, uint16_t index)
{
    struct worker *worker = find_worker(supervisor, IPC_ROLE_MAIL, index);

    if (worker != NULL)
        return;
    assert(supervisor->worker_count < SUPERVISOR_WORKERS_MAX);
    worker = &supervisor->workers[supervisor->worker_count++];
    worker_init(worker, supervisor, IPC_ROLE_MAIL, index);
    worker->apart = true;
    if (fd_make_memory(SUPERVISOR_MEMORY_BYTES, &worker->memory_fd) != ERR_OK)
        log_event(LOG_LEVEL_ERROR, "no-marks", "why", "no memory for them");
    worker_start(worker);
}

static void set_apart(struct supervisor *supervisor, struct blame *blame, unsigned before)
{
    struct worker *auth = find_worker(supervisor, IPC_ROLE_AUTH, 0);

    if (!blames_set_apart(&supervisor->blames, blame, supervisor->shards)) {
        log_account(blame, "account-not-set-apart", before, "too many are set apart");
        return;
    }
    log_account(blame, "account-set-apart", blame->shard, NULL);
    tell_place(auth, blame);
    need_worker(supervisor, blame->shard);
}

static void note_crash(struct worker *worker, const struct ipc_account_id *id, int status)
{
    struct supervisor *supervisor = worker->supervisor;
    struct blame *blame;
    char text[64];

    /* A shard can be blamed for its own accounts only, whatever it wrote. */
    if (blames_shard_of(&supervisor->blames, id, supervisor->shards) != worker->index) {
        log_event(LOG_LEVEL_ERROR, "mark-refused", "why", "another shard serves that account");
        return;
    }
    blame = blames_note(&supervisor->blames, id, clock_mono());
    child_status_print(status, text);
    log_account(blame, "account-crashed", worker->index, text);
    if (!blame->apart && blame->crashes >= BLAME_CRASHES_MAX)
        set_apart(supervisor, blame, worker->index);
}

void quarantine_note_end(struct worker *worker, int status)
{
    struct ipc_account_id ids[MARKS_MAX];
    size_t count = 0;
    void *memory = NULL;

    if (worker->memory_fd < 0)
        return;
    if (fd_map(worker->memory_fd, MARKS_BYTES, &memory) != ERR_OK) {
        log_event(LOG_LEVEL_ERROR, "no-marks", "why", "they cannot be read");
        return;
    }
    if (child_crashed(status))
        count = marks_read(memory, ids);
    marks_clear(memory);
    fd_unmap(memory, MARKS_BYTES);
    for (size_t i = 0; i < count; i++)
        note_crash(worker, &ids[i], status);
}
