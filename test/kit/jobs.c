/* Jobs by hand. */
#include "kit/jobs.h"

static void jobs_submit(struct executor *executor, struct job *job)
{
    struct jobs *jobs = CONTAINER_OF(executor, struct jobs, executor);

    list_push_back(&jobs->waiting, &job->link);
    if (jobs->at_once)
        (void)jobs_run(jobs);
}

void jobs_init(struct jobs *jobs)
{
    jobs->executor.submit = jobs_submit;
    list_init(&jobs->waiting);
    list_init(&jobs->finished);
    jobs->at_once = false;
}

bool jobs_run(struct jobs *jobs)
{
    struct list *first = list_first(&jobs->waiting);
    struct job *job;

    if (first == NULL)
        return false;
    job = CONTAINER_OF(first, struct job, link);
    list_remove(first);
    job->run(job);
    list_push_back(&jobs->finished, &job->link);
    return true;
}

bool jobs_deliver(struct jobs *jobs)
{
    struct list *first = list_first(&jobs->finished);
    struct job *job;

    if (first == NULL)
        return false;
    job = CONTAINER_OF(first, struct job, link);
    list_remove(first);
    job->done(job);
    return true;
}

void jobs_settle(struct jobs *jobs)
{
    while (jobs_run(jobs) || jobs_deliver(jobs))
        continue;
}
