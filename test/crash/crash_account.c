/* Cuts the power at every step of many lives of an account, and checks every disk that may be left
 * (docs/reliability.md). One process a core.
 *
 *     crash_account [--disks N] [--seed S] [--lives N] [--life N] [--jobs N] [--only KINDS]
 *
 * --disks: ends when so many different disks were checked; fails when the lives do not bring them.
 * --only: lives of these kinds (long, plain, fail, kill, new, copy, purge, twice, lock, long lock,
 * sync lock).
 * --life: runs that one life, as the line that a failure prints says, and prints its steps. */
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crash/cuts.h"
#include "crash/met.h"
#include "kit/mem_vfs.h"

/* A run of as many must have met every record that the store writes. */
enum { DISKS_FOR_ALL_OPS = 100000, LOCK_ENTRY_BYTES = 128, LOCK_BYTES_MAX = 512 * 128 };

struct run {
    uint64_t disks;
    uint64_t seed;
    uint64_t lives;
    uint64_t first;
    unsigned jobs;
    bool print;
    const char *only; /* kinds of lives; NULL: all */
    struct tally *tally;
};

static struct run run = { .disks = 200000, .seed = 1, .lives = 100000, .jobs = 0 };

static void print_place(unsigned worker)
{
    const struct tally_place *place = &run.tally->places[worker];

    printf("in life %" PRIu64 ", disk %u, cut after", place->life, place->disk);
    for (unsigned i = 0; i <= place->depth; i++)
        printf("%s %u", i == 0 ? "" : ", then after", place->steps[i]);
    printf(" steps; again:\n  crash_account --seed %" PRIu64 " --life %" PRIu64 "\n", run.seed,
           place->life);
    (void)fflush(stdout);
}

void crash_failed(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    printf("FAILED: ");
    (void)vprintf(format, args);
    printf("\n");
    va_end(args);
    print_place((unsigned)(tally_mine(run.tally) - run.tally->places));
    _exit(1);
}

/* What happens in the lives of one turn. */
static const struct kind {
    const char *name;
    bool is_long; /* many acts, cut at random; else a few, cut in every way there is */
    bool faults; /* of any kind, now and then */
    bool purge;
    enum past past;
    enum crash_fault fault; /* strikes once, one call later with each turn */
} kinds[] = {
    { "long", true, false, false, PAST_ANY, CRASH_FAULT_COUNT },
    { "purge", false, false, true, PAST_ANY, CRASH_KILL },
    { "new", false, false, false, PAST_NONE, CRASH_FAIL_ANY },
    { "plain", false, false, false, PAST_ANY, CRASH_FAULT_COUNT },
    { "fail", false, false, false, PAST_ANY, CRASH_FAIL_ANY },
    { "long", true, true, false, PAST_ANY, CRASH_FAULT_COUNT },
    { "purge", false, false, true, PAST_ANY, CRASH_FAIL_ANY },
    { "copy", false, false, false, PAST_COPY, CRASH_KILL },
    { "kill", false, false, false, PAST_ANY, CRASH_KILL },
    { "new", false, false, false, PAST_NONE, CRASH_KILL },
    { "twice", false, false, false, PAST_ANY, CRASH_FAIL_ANY },
    { "lock", false, false, false, PAST_LOCK, CRASH_FAIL_ANY },
    { "long lock", true, true, false, PAST_LOCK, CRASH_FAULT_COUNT },
    { "sync lock", false, false, false, PAST_LOCK, CRASH_FAIL_SYNC },
};

/* What strikes after the first fault: calls that fail, and kills while that is dealt with. */
static enum crash_fault second_fault(const struct kind *kind, uint64_t turn)
{
    static const enum crash_fault seconds[] = { CRASH_FAULT_COUNT, CRASH_FAIL_AGAIN,
                                                CRASH_KILL_AFTER };

    if (strcmp(kind->name, "twice") == 0)
        return CRASH_FAIL_AGAIN;
    if (kind->fault == CRASH_FAIL_SYNC)
        return CRASH_KILL_AFTER;
    return kind->past == PAST_LOCK ? seconds[turn % ARRAY_COUNT(seconds)] : CRASH_FAULT_COUNT;
}

static void make_plan(uint64_t number, struct plan *plan, struct cuts *cuts)
{
    const struct kind *kind = &kinds[number % ARRAY_COUNT(kinds)];
    uint64_t turn = number / ARRAY_COUNT(kinds);
    struct test_random random = { run.seed * UINT64_C(1000003) + number };

    *plan = (struct plan){
        .seed = test_random_next(&random),
        .acts = kind->is_long ? 20 + (unsigned)test_random_below(&random, 30)
                              : 1 + (unsigned)test_random_below(&random, 3),
        .with_large = test_random_below(&random, 3) == 0,
        .compress = test_random_below(&random, 3) == 0,
        .compact = kind->purge || test_random_below(&random, 2) == 0,
        .purge = kind->purge,
        .faults = kind->faults,
        .whole_jobs = !kind->is_long && test_random_below(&random, 2) == 0,
        .past = kind->past,
        .fault = kind->fault,
        .fault_skip = (unsigned)(turn % (kind->fault == CRASH_FAIL_SYNC ? 12 : 40)),
        .second = second_fault(kind, turn),
        .segment_bytes = test_random_below(&random, 2) == 0 ? 10000 : 14000,
        .checkpoint_bytes = test_random_below(&random, 2) == 0 ? 1500 : 6000,
        .ahead_bytes = 4096 * (1 + test_random_below(&random, 3)),
        .ahead_syncs = 1 + (unsigned)test_random_below(&random, 2),
    };
    plan->second_skip = (unsigned)test_random_below(&random, 8);
    *cuts = (struct cuts){
        .tally = run.tally,
        .draws = kind->is_long ? 4 : 2,
        .in_turn = kind->is_long ? 0 : 16,
        .again = 24,
        .print = run.print,
    };
}

/* Entries like its first one before those that are there: one of the next three finds the file
 * full. */
static void fill_lock(struct vfs *disk, unsigned room)
{
    struct bytes lock = mem_vfs_file(disk, "lock");
    struct buf full = buf_make(LOCK_BYTES_MAX);

    while (full.len + lock.len + room * LOCK_ENTRY_BYTES < LOCK_BYTES_MAX)
        buf_add(&full, bytes_slice(lock, 0, LOCK_ENTRY_BYTES));
    buf_add(&full, lock);
    mem_vfs_put(disk, "lock", buf_bytes(&full));
    buf_done(&full);
}

/* An account with some mail, closed. */
static struct vfs *make_past(const struct plan *plan)
{
    struct plan past = *plan;
    struct vfs *disk = mem_vfs_new(plan->seed);
    struct life *life;

    if (plan->past == PAST_NONE)
        return disk;
    past.acts = 2 + (unsigned)(plan->seed % 16);
    past.faults = past.purge = past.compact = false;
    past.past = PAST_NONE;
    past.fault = past.second = CRASH_FAULT_COUNT;
    life = life_new(disk, &past);
    life_run(life);
    disk = mem_vfs_copy(crash_vfs_cache(life->crash), plan->seed + 1);
    life_free(life);
    if (plan->past == PAST_LOCK)
        fill_lock(disk, (unsigned)(plan->seed % 3));
    return disk;
}

static void run_life(uint64_t number)
{
    struct plan plan;
    struct cuts cuts;
    struct life *life;

    *tally_mine(run.tally) = (struct tally_place){ .life = number };
    make_plan(number, &plan, &cuts);
    life = life_new(make_past(&plan), &plan);
    life_run(life);
    met_count(crash_vfs_cache(life->crash), run.tally);
    if (plan.past != PAST_COPY &&
        mem_vfs_file(crash_vfs_cache(life->crash), "log/0000000000000004.log").at == NULL)
        atomic_fetch_add(&run.tally->dropped, 1);
    cuts_check(life, &cuts, plan.seed);
    life_free(life);
    atomic_fetch_add(&run.tally->lives, 1);
}

static void work(void)
{
    while (atomic_load(&run.tally->different) < run.disks) {
        uint64_t number = atomic_fetch_add(&run.tally->next_life, 1);

        if (number >= run.first + run.lives)
            return;
        if (run.only == NULL || strstr(run.only, kinds[number % ARRAY_COUNT(kinds)].name) != NULL)
            run_life(number);
    }
}

static void start_workers(pid_t *pids)
{
    for (unsigned i = 0; i < run.jobs; i++) {
        (void)fflush(stdout);
        pids[i] = fork();
        if (pids[i] != 0)
            continue;
        tally_be(i);
        work();
        _exit(0);
    }
}

/* The first that fails ends all. */
static bool wait_for_workers(pid_t *pids)
{
    bool failed = false;

    for (unsigned left = run.jobs; left > 0; left--) {
        int status;
        pid_t pid = wait(&status);
        bool bad = !WIFEXITED(status) || WEXITSTATUS(status) != 0;

        for (unsigned i = 0; i < run.jobs; i++) {
            if (pids[i] == pid && bad && WIFSIGNALED(status) && !failed)
                print_place(i);
            if (pids[i] == pid)
                pids[i] = 0;
        }
        for (unsigned i = 0; i < run.jobs && bad && !failed; i++)
            if (pids[i] > 0)
                (void)kill(pids[i], SIGKILL);
        failed = failed || bad;
    }
    return !failed;
}

static void print_tally(void)
{
    const struct tally *tally = run.tally;

    printf("seed %" PRIu64 ": %" PRIu64 " lives, %" PRIu64 " steps, %" PRIu64 " disks, %" PRIu64
           " different, %" PRIu64 " openings, %" PRIu64 " logs shortened\n",
           run.seed, tally->lives, tally->steps, tally->disks, tally->different, tally->openings,
           tally->dropped);
}

static bool read_options(int argc, char **argv)
{
    const char *given = getenv("ROOST_TEST_SEED");

    if (given != NULL)
        run.seed = strtoull(given, NULL, 10);
    for (int i = 1; i + 1 < argc; i += 2) {
        uint64_t value = strtoull(argv[i + 1], NULL, 10);

        if (strcmp(argv[i], "--disks") == 0)
            run.disks = value;
        else if (strcmp(argv[i], "--seed") == 0)
            run.seed = value;
        else if (strcmp(argv[i], "--lives") == 0)
            run.lives = value;
        else if (strcmp(argv[i], "--jobs") == 0)
            run.jobs = (unsigned)value;
        else if (strcmp(argv[i], "--only") == 0)
            run.only = argv[i + 1];
        else if (strcmp(argv[i], "--life") == 0) {
            run.first = value;
            run.lives = run.jobs = 1;
            run.print = true;
            run.disks = 0;
        } else
            return false;
    }
    return argc % 2 == 1;
}

int main(int argc, char **argv)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    pid_t pids[TALLY_WORKERS_MAX] = { 0 };
    bool one, all;

    if (!read_options(argc, argv)) {
        printf("usage: crash_account [--disks N] [--seed S] [--lives N] [--life N] [--jobs N] "
               "[--only KINDS]\n");
        return 64;
    }
    one = run.disks == 0;
    if (one)
        run.disks = UINT64_MAX;
    if (run.jobs == 0)
        run.jobs = (unsigned)(cores < 1 ? 1 : cores);
    if (run.jobs > TALLY_WORKERS_MAX)
        run.jobs = TALLY_WORKERS_MAX;
    run.tally = tally_new();
    run.tally->next_life = run.first;
    start_workers(pids);
    if (!wait_for_workers(pids))
        return 1;
    print_tally();
    all = met_print(run.tally);
    if (!one && run.tally->different < run.disks) {
        printf("fewer than %" PRIu64 " different disks\n", run.disks);
        return 2;
    }
    if (!one && run.disks >= DISKS_FOR_ALL_OPS && (!all || run.tally->dropped == 0)) {
        printf("not every record came\n");
        return 2;
    }
    return 0;
}
