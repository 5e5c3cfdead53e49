/* Ten thousand harms to each kind of file, on as many processes as there are processors.
 *
 * ROOST_TEST_SEED repeats a run, ROOST_DAMAGE_ROUNDS says how many of each kind, and
 * ROOST_DAMAGE_ROUND which one alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "damage/kinds.h"
#include "kit/assert_bytes.h"

enum { SCENES = 6, BASES = 4, WORKERS_MAX = 8, WORD_BYTES = 40, ROUNDS_USUAL = 10000 };

struct kind {
    const char *name;
    void (*run)(struct round *round);
    const char *path;
};

static const struct kind kinds[] = {
    { "log segment", round_log, NULL },
    { "body segment", round_body, NULL },
    { "base segment", round_base, NULL },
    { "lock file", round_lock, NULL },
    { "checkpoint", round_derived, "checkpoint" },
    { "checkpoint.rows.N", round_derived, "checkpoint.rows.0" },
    { "summary", round_derived, "summary" },
    { "summary.index", round_derived, "summary.index" },
    { "files of an open account", round_open, NULL },
};

/* What one worker does; the word of what it is at outlives it. */
struct worker {
    unsigned number;
    unsigned count;
    uint64_t seed;
    uint64_t rounds;
    uint64_t first;
    struct scene *scenes[SCENES];
    struct scene *bases[BASES];
    char *at;
};

static void run_kind(struct worker *worker, const struct kind *kind)
{
    for (uint64_t i = worker->first + worker->number; i < worker->first + worker->rounds;
         i += worker->count) {
        struct test_random random = { worker->seed ^ i * UINT64_C(0x9e3779b97f4a7c15) ^
                                      (uint64_t)(kind - kinds) << 56 };
        uint64_t which = test_random_below(&random, SCENES);
        bool base = kind->run == round_base;
        struct round round = { .scene = base ? worker->bases[which % BASES] : worker->scenes[which],
                               .stranger = worker->scenes[(which + 1) % SCENES],
                               .random = &random,
                               .path = kind->path };

        (void)snprintf(worker->at, WORD_BYTES, "%s, round %llu", kind->name, (unsigned long long)i);
        kind->run(&round);
    }
}

struct task {
    struct worker *worker;
    const struct kind *kind;
};

static void run_task(void **state)
{
    struct task *task = *state;

    run_kind(task->worker, task->kind);
    task->worker->at[0] = '\0';
}

/* Who comes here with a word of where he was has failed there. */
static int tell_where(void **state)
{
    struct worker *worker = ((struct task *)*state)->worker;

    if (worker->at[0] != '\0')
        print_error("at %s: ROOST_TEST_SEED=%llu\n", worker->at, (unsigned long long)worker->seed);
    worker->at[0] = '\0';
    return 0;
}

static int work(struct worker *worker)
{
    struct CMUnitTest tests[ARRAY_COUNT(kinds)];
    struct task tasks[ARRAY_COUNT(kinds)];
    int failed;

    for (unsigned i = 0; i < SCENES; i++)
        worker->scenes[i] = scene_new(worker->seed + i / 2, (enum scene_kind)(i % 2));
    for (unsigned i = 0; i < BASES; i++)
        worker->bases[i] =
            scene_new(worker->seed + 100 + i, i % 2 == 0 ? SCENE_LINGERS : SCENE_COMPACTED);
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        tasks[i] = (struct task){ worker, &kinds[i] };
        tests[i] = (struct CMUnitTest){ .name = kinds[i].name,
                                        .test_func = run_task,
                                        .teardown_func = tell_where,
                                        .initial_state = &tasks[i] };
    }
    failed = cmocka_run_group_tests_name("damage", tests, NULL, NULL);
    for (unsigned i = 0; i < SCENES; i++)
        scene_free(worker->scenes[i]);
    for (unsigned i = 0; i < BASES; i++)
        scene_free(worker->bases[i]);
    return failed;
}

static uint64_t number_of(const char *variable, uint64_t usual)
{
    const char *given = getenv(variable);

    return given == NULL ? usual : strtoull(given, NULL, 10);
}

static bool ended_well(pid_t child, const char *at)
{
    int status;

    if (waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    print_error("a worker ended with status %x%s%s\n", (unsigned)status,
                at[0] == '\0' ? "" : " at ", at);
    return false;
}

int main(void)
{
    uint64_t seed = number_of("ROOST_TEST_SEED", (uint64_t)time(NULL));
    uint64_t alone = number_of("ROOST_DAMAGE_ROUND", UINT64_MAX);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct worker worker = {
        .seed = seed,
        .rounds = alone != UINT64_MAX ? 1 : number_of("ROOST_DAMAGE_ROUNDS", ROUNDS_USUAL),
        .first = alone != UINT64_MAX ? alone : 0,
        .count = processors < 1 || alone != UINT64_MAX ? 1
                 : processors > WORKERS_MAX            ? WORKERS_MAX
                                                       : (unsigned)processors,
    };
    char *words = mmap(NULL, WORKERS_MAX * WORD_BYTES, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t children[WORKERS_MAX];
    bool well = true;

    print_message("ROOST_TEST_SEED=%llu ROOST_DAMAGE_ROUNDS=%llu\n", (unsigned long long)seed,
                  (unsigned long long)worker.rounds);
    if (words == MAP_FAILED)
        return 1;
    for (unsigned i = 0; i < worker.count; i++) {
        worker.number = i;
        worker.at = words + (size_t)i * WORD_BYTES;
        (void)fflush(NULL);
        children[i] = fork();
        if (children[i] == 0)
            _exit(work(&worker) == 0 ? 0 : 1);
    }
    for (unsigned i = 0; i < worker.count; i++)
        well = ended_well(children[i], words + (size_t)i * WORD_BYTES) && well;
    return well ? 0 : 1;
}
