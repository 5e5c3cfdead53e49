/* Sessions at random against the model, in this process, with the store in memory.
 *
 *     model_inside [--seed N] [--lives N] [--commands N] [--seconds N] [--events N] [--shrink N]
 *
 * Seeds count up from the first one, each is one account's life. The first that fails is played
 * again and cut down, and printed as a dialogue; its seed brings it back. Counts are printed at the
 * end. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "message/charset.h"
#include "model/samples.h"
#include "model/shrink.h"

enum { SHRINK_TRIES = 8000, LIVES_PER_CHILD = 16 };

struct options {
    uint64_t seed;
    uint64_t lives;
    uint64_t commands;
    uint64_t seconds;
    uint32_t events;
    unsigned tries; /* at cutting down */
};

static bool read_options(struct options *options, int argc, char **argv)
{
    for (int i = 1; i < argc; i += 2) {
        uint64_t value;

        if (i + 1 == argc)
            return false;
        value = strtoull(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--seed") == 0)
            options->seed = value;
        else if (strcmp(argv[i], "--lives") == 0)
            options->lives = value;
        else if (strcmp(argv[i], "--commands") == 0)
            options->commands = value;
        else if (strcmp(argv[i], "--seconds") == 0)
            options->seconds = value;
        else if (strcmp(argv[i], "--shrink") == 0)
            options->tries = (unsigned)value;
        else if (strcmp(argv[i], "--events") == 0)
            options->events = (uint32_t)value;
        else
            return false;
    }
    if (options->events > EVENTS_MAX)
        options->events = EVENTS_MAX;
    return true;
}

/* Some lives in a child process; false: the one with report->seed failed. */
static bool play_some(struct report *report, const struct options *options, uint64_t first)
{
    int status = 0;
    pid_t child;

    report->failure[0] = '\0';
    (void)fflush(stdout);
    child = fork();
    if (child == 0) {
        for (uint64_t i = 0; i < LIVES_PER_CHILD && i < options->lives; i++)
            play_seed(report, first + i, options->events);
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        abort();
    if (status != 0 && report->failure[0] == '\0')
        (void)snprintf(report->failure, FAILURE_BYTES, "the process ended with status %x", status);
    return status == 0;
}

static void show_failure(struct report *report, unsigned tries)
{
    printf("seed %llu fails after %u events: %s\n  %s\n", (unsigned long long)report->seed,
           report->event_count, report->failure, report->last_line);
    if (shrink_plays_well(report, false)) {
        printf("played again it does not fail\n");
        return;
    }
    shrink(report, tries);
    printf("cut down to %u events:\n", report->event_count);
    (void)shrink_plays_well(report, true);
    printf("# %s\n# %s\n", report->failure, report->last_line);
}

static void show_counts(const struct report *report, uint64_t lives)
{
    printf("%llu commands in %llu lives, %llu responses checked; UID forms %llu, pipelined %llu, "
           "overlapped %llu, cut off %llu, waiting for the disk %llu, for the client %llu\n",
           (unsigned long long)report->commands, (unsigned long long)lives,
           (unsigned long long)report->responses, (unsigned long long)report->uid_forms,
           (unsigned long long)report->pipelined, (unsigned long long)report->overlaps,
           (unsigned long long)report->cuts, (unsigned long long)report->waits,
           (unsigned long long)report->drains);
    for (unsigned i = 0; i < VERB_COUNT; i++)
        printf("%s%s %llu", i == 0 ? "" : ", ", verb_words[i],
               (unsigned long long)report->by_verb[i]);
    printf("\n");
}

int main(int argc, char **argv)
{
    struct options options = {
        .seed = 1, .lives = UINT64_MAX, .commands = 200000, .seconds = UINT64_MAX, .events = 3000
    };
    struct report *report =
        mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const char *seed = getenv("ROOST_SEED");
    time_t start = time(NULL);
    uint64_t lives = 0;
    bool fine = true;

    if (report == MAP_FAILED || !read_options(&options, argc, argv)) {
        fprintf(stderr, "usage: model_inside [--seed N] [--lives N] [--commands N] "
                        "[--seconds N] [--events N] [--shrink N]\n");
        return 64;
    }
    if (seed != NULL) {
        options.seed = strtoull(seed, NULL, 10);
        options.lives = 1;
    }
    (void)charset_open_all();
    samples_init();
    printf("seeds from %llu\n", (unsigned long long)options.seed);
    while (fine && lives < options.lives && report->commands < options.commands &&
           (uint64_t)(time(NULL) - start) < options.seconds) {
        fine = play_some(report, &options, options.seed + lives);
        lives += LIVES_PER_CHILD < options.lives ? LIVES_PER_CHILD : options.lives;
    }
    show_counts(report, lives);
    if (!fine)
        show_failure(report, options.tries);
    charset_close_all();
    return fine ? 0 : 1;
}
