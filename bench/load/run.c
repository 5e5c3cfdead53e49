/* The loop. */
#include "load/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "load/seat.h"

enum { EVENTS_MAX = 64 };

static uint64_t cpu_ns(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return ((uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
            (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)) *
           1000;
}

static struct check_want want_of(const struct run_options *options)
{
    const struct workload *workload = options->workload;
    struct check_want want = { .word = workload->word,
                               .holds = workload->holds,
                               .ok_holds = workload->ok_holds,
                               .own_id = workload->own_id };
    bool is_fetch = workload->word != NULL && strcmp(workload->word, "FETCH") == 0;

    switch (workload->amount) {
    case AMOUNT_NONE: break;
    case AMOUNT_ONE: want.count = 1; break;
    case AMOUNT_BLOCK: want.count = options->block; break;
    case AMOUNT_ALL: want.count = options->messages; break;
    case AMOUNT_HITS:
        want.count = mail_planted_count(workload->plant, options->messages, &want.sum);
        break;
    }
    if (is_fetch && want.count > 1)
        want.sum = want.count * (want.count + 1) / 2;
    return want;
}

/* Watches the seat's connection for what it waits for. */
static void watch(int epoll, struct seat *seat)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = seat };

    if (seat->wire.fd < 0)
        return;
    if (seat->wire.is_stuck)
        event.events |= EPOLLOUT;
    (void)epoll_ctl(epoll, seat->is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, seat->wire.fd, &event);
    if (seat->is_new)
        wire_greet(&seat->wire);
    seat->is_new = false;
}

static bool open_all(struct run *run, struct seat *seats, int epoll)
{
    for (uint64_t i = 0; i < run->options->connections; i++) {
        if (!seat_open(&seats[i], run, i))
            return false;
        watch(epoll, &seats[i]);
    }
    return true;
}

static bool start_all(struct run *run, struct seat *seats, int epoll)
{
    for (uint64_t i = 0; i < run->options->connections; i++) {
        if (!seat_go_on(&seats[i]))
            return false;
        watch(epoll, &seats[i]);
    }
    return true;
}

/* One look at what has come. */
static bool turn(struct run *run, int epoll)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(epoll, events, EVENTS_MAX, RUN_SILENCE_MS);

    if (count <= 0) {
        (void)snprintf(run->result->why, sizeof(run->result->why), "silence");
        run->result->errors++;
        return false;
    }
    for (int i = 0; i < count; i++) {
        struct seat *seat = events[i].data.ptr;
        bool was_stuck = seat->wire.is_stuck;

        if (seat->step == SEAT_OVER) {
            seat_close(seat);
            continue;
        }
        if (!seat_work(seat))
            return false;
        if (seat->is_new || seat->wire.is_stuck != was_stuck)
            watch(epoll, seat);
    }
    return true;
}

static void measure(struct run *run, struct seat *seats, int epoll)
{
    struct run_result *result = run->result;
    uint64_t start_ns;

    while (run->ready < run->options->connections) {
        if (!turn(run, epoll))
            return;
    }
    start_ns = seat_now_ns();
    result->cpu_ns = cpu_ns();
    if (!start_all(run, seats, epoll))
        return;
    while (run->ended < run->options->operations) {
        if (!turn(run, epoll))
            break;
    }
    result->busy_ns = result->wall_ns = seat_now_ns() - start_ns;
    result->cpu_ns = cpu_ns() - result->cpu_ns;
    if (run->options->workload->prepare == NULL && run->options->workload->verify == NULL)
        return;
    result->wall_ns = 0;
    for (uint64_t i = 0; i < result->operations; i++)
        result->wall_ns += result->spans_ns[i];
}

bool run_workload(const struct run_options *options, struct run_result *out_result)
{
    struct run run = { .options = options, .result = out_result, .want = want_of(options) };
    struct seat *seats = calloc(options->connections, sizeof(*seats));
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    *out_result = (struct run_result){ .spans_ns = calloc(options->operations, sizeof(uint64_t)) };
    if (seats == NULL || out_result->spans_ns == NULL || epoll < 0)
        abort();
    for (uint64_t i = 0; i < options->connections; i++)
        seats[i].wire.fd = -1;
    if (options->workload->own_bytes) {
        run.sums = mail_sums_new(&options->plan, options->messages);
        run.want.sums = run.sums;
        run.want.sums_count = options->messages;
    }
    if (open_all(&run, seats, epoll))
        measure(&run, seats, epoll);
    for (uint64_t i = 0; i < options->connections; i++)
        seat_close(&seats[i]);
    (void)close(epoll);
    free(seats);
    free(run.sums);
    return out_result->errors == 0 && run.ended == options->operations;
}
