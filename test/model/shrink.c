/* Delta debugging over events. */
#include "model/shrink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

bool shrink_plays_well(struct report *report, bool aloud)
{
    int status = 0;
    pid_t child;

    report->failure[0] = '\0';
    (void)fflush(stdout);
    child = fork();
    if (child == 0) {
        if (!aloud && freopen("/dev/null", "w", stderr) == NULL)
            _exit(1);
        play_again(report, aloud);
        (void)fflush(stdout);
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        abort();
    if (status != 0 && report->failure[0] == '\0')
        (void)snprintf(report->failure, FAILURE_BYTES, "the process ended with status %x", status);
    return status == 0;
}

enum { SAME_BYTES = 14 };

/* Leaves out `len` events from `at` on; true when the rest still fails, in the same way. */
static bool try_without(struct report *report, uint32_t at, uint32_t len, const char *failure)
{
    struct event *all = malloc(sizeof(report->events));
    uint32_t count = report->event_count;
    bool fails;

    if (all == NULL)
        abort();
    memcpy(all, report->events, count * sizeof(*all));
    memmove(&report->events[at], &report->events[at + len],
            (count - at - len) * sizeof(report->events[0]));
    report->event_count = count - len;
    fails = !shrink_plays_well(report, false) && strncmp(report->failure, failure, SAME_BYTES) == 0;
    if (!fails) {
        memcpy(report->events, all, count * sizeof(*all));
        report->event_count = count;
    }
    free(all);
    return fails;
}

void shrink(struct report *report, unsigned tries)
{
    uint32_t len = report->event_count / 2;
    char failure[SAME_BYTES + 1] = { 0 };

    memcpy(failure, report->failure, SAME_BYTES);
    while (len > 0 && tries > 0) {
        bool any = false;

        for (uint32_t at = report->event_count; at >= len && tries > 0; tries--) {
            at -= len;
            any |= try_without(report, at, len, failure);
        }
        /* Single ones again as long as it helps: what was needed by what is gone may go too. */
        if (len > 1 || !any)
            len /= 2;
    }
}
