/* Marks around steps and jobs. */
#include "daemon/mail/mark.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/mail/shard.h"
#include "ipc/marks.h"
#include "sys/fd.h"

/* A job of the account's, in a coat that notes when it runs. */
struct marked_job {
    struct job job;
    struct job *inner;
    struct mark_jobs *jobs;
    struct shard *shard;
    struct ipc_account_id id;
};

enum err mark_init(struct shard *shard, int fd, struct note *why)
{
    FD_LOCAL int own = -1;
    void *memory = NULL;
    enum err err = ERR_OK;

    if (fd < 0)
        err = fd_make_memory(MARKS_BYTES, &own);
    if (err == ERR_OK)
        err = fd_map(fd < 0 ? own : fd, MARKS_BYTES, &memory);
    if (err != ERR_OK)
        return note_fail(why, err, "the memory for marks is not usable: %s", err_text(err));
    shard->marks = memory;
    return ERR_OK;
}

void mark_done(struct shard *shard)
{
    fd_unmap(shard->marks, MARKS_BYTES);
    shard->marks = NULL;
}

void mark_enter(struct shard *shard, const uint8_t id[IPC_ACCOUNT_ID_BYTES])
{
    struct ipc_account_id account;

    if (shard->mark_depth++ > 0)
        return;
    memcpy(account.raw, id, sizeof(account.raw));
    marks_enter_loop(shard->marks, &account);
}

void mark_leave(struct shard *shard)
{
    assert(shard->mark_depth > 0);
    if (--shard->mark_depth == 0)
        marks_leave(shard->marks, MARKS_LOOP);
}

static void run(struct job *job)
{
    struct marked_job *marked = CONTAINER_OF(job, struct marked_job, job);
    unsigned mark = marks_enter(marked->shard->marks, &marked->id);

    marked->inner->run(marked->inner);
    marks_leave(marked->shard->marks, mark);
}

/* The account's executor may go with it. */
static void done(struct job *job)
{
    struct marked_job *marked = CONTAINER_OF(job, struct marked_job, job);

    marked->jobs->pending--;
    mark_enter(marked->shard, marked->id.raw);
    marked->inner->done(marked->inner);
    mark_leave(marked->shard);
    free(marked);
}

static void submit(struct executor *executor, struct job *job)
{
    struct mark_jobs *jobs = CONTAINER_OF(executor, struct mark_jobs, executor);
    struct marked_job *marked = calloc(1, sizeof(*marked));

    if (marked == NULL)
        abort();
    marked->job = (struct job){ .run = run, .done = done };
    marked->inner = job;
    marked->jobs = jobs;
    marked->shard = jobs->shard;
    marked->id = jobs->id;
    jobs->pending++;
    jobs->to->submit(jobs->to, &marked->job);
}

void mark_jobs_init(struct mark_jobs *jobs, struct shard *shard, struct executor *to,
                    const uint8_t id[IPC_ACCOUNT_ID_BYTES])
{
    *jobs = (struct mark_jobs){ .executor = { submit }, .to = to, .shard = shard };
    memcpy(jobs->id.raw, id, sizeof(jobs->id.raw));
}
