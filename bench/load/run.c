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

void spans_add(struct spans *spans, uint64_t ns)
{
    if (spans->count == spans->room) {
        spans->room = spans->room == 0 ? 1024 : spans->room * 2;
        spans->ns = reallocarray(spans->ns, spans->room, sizeof(*spans->ns));
        if (spans->ns == NULL)
            abort();
    }
    spans->ns[spans->count++] = ns;
}

static int compare(const void *a, const void *b)
{
    const uint64_t *left = a;
    const uint64_t *right = b;

    return (*left > *right) - (*left < *right);
}

uint64_t spans_percentile(struct spans *spans, unsigned part)
{
    if (spans->count == 0)
        return 0;
    qsort(spans->ns, spans->count, sizeof(*spans->ns), compare);
    return spans->ns[spans->count * part / 100];
}

void run_result_done(struct run_result *result)
{
    free(result->spans.ns);
    free(result->own.ns);
    free(result->heard.ns);
    free(result->beside.ns);
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

/* What whoever started this program says: only the end counts. */
static void read_input(struct run *run, int epoll)
{
    char said[64];

    if (read(STDIN_FILENO, said, sizeof(said)) > 0)
        return;
    run->is_told = true;
    (void)epoll_ctl(epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
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
        bool was_stuck = seat != NULL && seat->wire.is_stuck;

        if (seat == NULL) {
            read_input(run, epoll);
            continue;
        }
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

/* Operations, until there are enough and all have ended. */
static void work(struct run *run, int epoll)
{
    struct seat *speaker = run->speaker;

    while (!run->is_closing || run->ended < run->begun) {
        if (!turn(run, epoll))
            return;
        if (speaker == NULL || speaker->step != SEAT_HEARING ||
            run->heard < run->options->connections - 1)
            continue;
        if (!seat_all_heard(speaker))
            return;
        watch(epoll, speaker);
    }
}

static void begin_to_listen(int epoll)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };

    (void)epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event);
    puts("ready");
    (void)fflush(stdout);
}

static void measure(struct run *run, struct seat *seats, int epoll)
{
    const struct workload *workload = run->options->workload;
    struct run_result *result = run->result;

    while (run->ready < run->options->connections) {
        if (!turn(run, epoll))
            return;
    }
    if (run->options->until_told)
        begin_to_listen(epoll);
    run->start_ns = seat_now_ns();
    result->cpu_ns = cpu_ns();
    if (start_all(run, seats, epoll))
        work(run, epoll);
    result->busy_ns = result->wall_ns = seat_now_ns() - run->start_ns;
    result->cpu_ns = cpu_ns() - result->cpu_ns;
    if (workload->prepare == NULL && workload->verify == NULL)
        return;
    result->wall_ns = 0;
    for (size_t i = 0; i < result->spans.count; i++)
        result->wall_ns += result->spans.ns[i];
}

/* What operations compare with, or remember. */
static void prepare(struct run *run)
{
    const struct run_options *options = run->options;
    uint64_t period = options->plan.period;

    if (options->workload->own_bytes) {
        run->sums_count = period > 0 && period < options->messages ? period : options->messages;
        run->sums = mail_sums_new(&options->plan, run->sums_count);
    }
    if (options->workload->kind != WORKLOAD_MIX)
        return;
    run->is_stored = calloc(options->accounts, options->messages);
    if (run->is_stored == NULL)
        abort();
}

bool run_workload(const struct run_options *options, struct run_result *out_result)
{
    struct run run = { .options = options, .result = out_result };
    struct seat *seats = calloc(options->connections, sizeof(*seats));
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    *out_result = (struct run_result){ 0 };
    if (seats == NULL || epoll < 0)
        abort();
    for (uint64_t i = 0; i < options->connections; i++)
        seats[i].wire.fd = -1;
    prepare(&run);
    if (open_all(&run, seats, epoll))
        measure(&run, seats, epoll);
    for (uint64_t i = 0; i < options->connections; i++)
        seat_close(&seats[i]);
    (void)close(epoll);
    free(seats);
    free(run.sums);
    free(run.is_stored);
    return out_result->errors == 0 && run.is_closing && run.ended == run.begun;
}
