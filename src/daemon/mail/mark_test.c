/* Marks of a shard: on while work runs, off when it is through. */
#include "daemon/mail/mark.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/mail/shard.h"
#include "ipc/marks.h"
#include "kit/assert_bytes.h"
#include "kit/jobs.h"
#include "sys/fd.h"

struct fixture {
    struct shard shard;
    struct jobs jobs;
    void *memory; /* as the supervisor sees it */
};

/* A job that looks at the marks. */
struct looking {
    struct job job;
    struct fixture *f;
    char run[8]; /* what it saw */
    char done[8];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    FD_LOCAL int fd = -1;

    assert_non_null(f);
    jobs_init(&f->jobs);
    f->shard.executor = &f->jobs.executor;
    assert_int_equal(fd_make_memory(MARKS_BYTES, &fd), ERR_OK);
    assert_int_equal(fd_map(fd, MARKS_BYTES, &f->memory), ERR_OK);
    assert_int_equal(mark_init(&f->shard, fd, NULL), ERR_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    mark_done(&f->shard);
    fd_unmap(f->memory, MARKS_BYTES);
    free(f);
    return 0;
}

/* Accounts are told apart by their first byte. */
static const uint8_t anna[IPC_ACCOUNT_ID_BYTES] = { 'a' };
static const uint8_t bert[IPC_ACCOUNT_ID_BYTES] = { 'b' };

static void look(const struct fixture *f, char out_seen[8])
{
    struct ipc_account_id ids[MARKS_MAX];
    size_t count = marks_read(f->memory, ids);

    assert_true(count < 8);
    memset(out_seen, 0, 8);
    for (size_t i = 0; i < count; i++)
        out_seen[i] = (char)ids[i].raw[0];
}

static void assert_seen(const struct fixture *f, const char *want)
{
    char seen[8];

    look(f, seen);
    assert_string_equal(seen, want);
}

static void look_run(struct job *job)
{
    struct looking *looking = CONTAINER_OF(job, struct looking, job);

    look(looking->f, looking->run);
}

static void look_done(struct job *job)
{
    struct looking *looking = CONTAINER_OF(job, struct looking, job);

    look(looking->f, looking->done);
}

static void test_work_on_the_loop(void **state)
{
    struct fixture *f = *state;

    mark_enter(&f->shard, anna);
    assert_seen(f, "a");
    mark_enter(&f->shard, anna);
    mark_leave(&f->shard);
    assert_seen(f, "a"); /* still at it */
    mark_leave(&f->shard);
    assert_seen(f, "");
    mark_enter(&f->shard, bert);
    assert_seen(f, "b");
    mark_leave(&f->shard);
}

static void test_jobs(void **state)
{
    struct fixture *f = *state;
    struct looking looking = { .job = { .run = look_run, .done = look_done }, .f = f };
    struct mark_jobs jobs;

    mark_jobs_init(&jobs, &f->shard, &f->jobs.executor, bert);
    jobs.executor.submit(&jobs.executor, &looking.job);
    memset(&jobs, 0xff, sizeof(jobs)); /* it may go */
    assert_seen(f, ""); /* a job that waits is nobody's work */
    mark_enter(&f->shard, anna);
    assert_true(jobs_run(&f->jobs));
    mark_leave(&f->shard);
    assert_string_equal(looking.run, "ab"); /* the loop's and the job's, at once */
    assert_seen(f, "");
    assert_true(jobs_deliver(&f->jobs));
    assert_string_equal(looking.done, "b");
    assert_seen(f, "");
}

static void test_memory_that_is_not_there(void **state)
{
    struct shard shard = { 0 };
    struct note why = { "" };
    FD_LOCAL int small = -1;

    (void)state;
    assert_int_equal(mark_init(&shard, -1, &why), ERR_OK); /* notes for nobody */
    mark_enter(&shard, anna);
    mark_leave(&shard);
    mark_done(&shard);
    assert_int_equal(fd_make_memory(MARKS_BYTES - 1, &small), ERR_OK);
    assert_int_equal(mark_init(&shard, small, &why), ERR_CORRUPT);
    assert_true(why.text[0] != '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_work_on_the_loop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_jobs, set_up, tear_down),
        cmocka_unit_test(test_memory_that_is_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
