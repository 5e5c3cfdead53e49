/* Compaction on the owner's thread: one account on the real disk, MESSAGES messages of which most
 * are expunged, then compacted; how long each step takes that the owner's thread makes for
 * it.
 *
 *     store_compact DIRECTORY [MESSAGES [OF_TEN]]
 *
 * DIRECTORY is made and must not exist; OF_TEN of ten are expunged. Prints figures as `name value
 * unit`, one a line, in time of the thread's processor; what jobs take is by the clock on the wall.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "figures.h"
#include "kit/desk.h"
#include "store/account_compact.h"
#include "store/account_state.h"
#include "sys/vfs_posix.h"

enum { MESSAGE_BYTES = 2000, BATCH = 100, TICKS_MAX = 200000, OVER_US = 1000 };

static void append_batch(struct desk *desk, uint32_t number)
{
    struct append_item items[BATCH] = { 0 };
    struct origin origin = desk_origin(desk);
    struct uid first;
    char text[MESSAGE_BYTES + 1];

    for (uint32_t i = 0; i < BATCH; i++) {
        int len = snprintf(text, sizeof(text), "Subject: number %u\r\n\r\n%*u\r\n", number + i,
                           MESSAGE_BYTES - 40, number + i);

        must(desk_body(desk, bytes_make(text, (size_t)len), &items[i].body), "a body");
        items[i].internal_date.seconds = wall_seconds(origin.now);
    }
    must(desk_finish(desk, act_append(desk_mailbox(desk, "INBOX"), &origin, items, BATCH, &first)),
         "appending");
}

static void expunge_some(struct desk *desk, uint32_t last, uint32_t of_ten)
{
    struct origin origin = desk_origin(desk);
    struct uid_range *ranges = calloc(last, sizeof(*ranges));
    uint32_t count = 0;
    uint32_t gone;

    for (uint32_t uid = 1; uid <= last; uid += 10)
        ranges[count++] = (struct uid_range){ uid, uid + of_ten - 1 };
    must(desk_finish(desk, act_expunge(desk_mailbox(desk, "INBOX"), &origin,
                                       (struct uid_set){ ranges, count }, false, &gone)),
         "expunging");
    desk_sync(desk);
    desk->now.us += 1000000; /* nothing is kept that is older */
    free(ranges);
}

/* The longest of a kind. */
struct longest {
    const char *name;
    double us;
    double total_us;
    unsigned count;
    unsigned over;
};

static void note_step(struct longest *longest, double us)
{
    longest->us = us > longest->us ? us : longest->us;
    longest->total_us += us;
    longest->count++;
    longest->over += us > OVER_US;
}

static void tell(const struct longest *longest)
{
    char name[80];

    (void)snprintf(name, sizeof(name), "%s, longest of %u", longest->name, longest->count);
    figure(name, longest->us, "us");
    (void)snprintf(name, sizeof(name), "%s, above %d us", longest->name, OVER_US);
    figure(name, longest->over, "steps");
    (void)snprintf(name, sizeof(name), "%s, in all", longest->name);
    figure(name, longest->total_us / 1000, "ms");
}

static void run_jobs(struct desk *desk, struct longest *job, struct longest *done)
{
    double begun = clock_us(CLOCK_MONOTONIC);

    while (jobs_run(&desk->jobs)) {
        note_step(job, clock_us(CLOCK_MONOTONIC) - begun);
        begun = clock_us(CLOCK_THREAD_CPUTIME_ID);
        (void)jobs_deliver(&desk->jobs);
        note_step(done, clock_us(CLOCK_THREAD_CPUTIME_ID) - begun);
        begun = clock_us(CLOCK_MONOTONIC);
    }
}

static void compact(struct desk *desk)
{
    struct longest tick = { .name = "a tick" };
    struct longest job = { .name = "a job" };
    struct longest done = { .name = "the end of a job" };
    struct account_compacted compacted = { 0 };
    bool is_compacted = false;
    double begun = clock_us(CLOCK_MONOTONIC);

    for (int i = 0, rest = 0; i < TICKS_MAX && rest < 100; i++) {
        double at = clock_us(CLOCK_THREAD_CPUTIME_ID);

        (void)desk_tick(desk);
        at = clock_us(CLOCK_THREAD_CPUTIME_ID) - at;
        note_step(&tick, at);
        run_jobs(desk, &job, &done);
        is_compacted = is_compacted || account_compacted(desk->account, &compacted);
        rest += is_compacted;
    }
    must(compacted.err, compacted.why.text);
    figure("written", (double)compacted.written_bytes / 1e6, "MB");
    figure("to be removed", (double)compacted.dropped_bytes / 1e6, "MB");
    figure("all of it, without rests", (clock_us(CLOCK_MONOTONIC) - begun) / 1000, "ms");
    tell(&tick);
    tell(&job);
    tell(&done);
}

int main(int argc, char **argv)
{
    uint32_t messages = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 100000;
    uint32_t of_ten = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 9;
    struct desk desk;
    int fd;

    if (argc < 2 || mkdir(argv[1], 0700) < 0 ||
        (fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
        fprintf(stderr, "store_compact DIRECTORY [MESSAGES [OF_TEN]]; DIRECTORY must not exist\n");
        return 1;
    }
    desk_init(&desk, vfs_posix_new(fd));
    must(desk_open(&desk), desk.why.text);
    for (uint32_t i = 0; i < messages; i += BATCH) {
        append_batch(&desk, i);
        if (i % 5000 == 0) {
            (void)desk_tick(&desk);
            desk_sync(&desk);
        }
    }
    desk_sync(&desk);
    for (int i = 0; i < 1000; i++) {
        (void)desk_tick(&desk);
        desk_settle(&desk);
    }
    desk_close(&desk);
    desk.options.compact.enabled = true;
    must(desk_open(&desk), desk.why.text);
    expunge_some(&desk, messages / 10 * 10, of_ten);
    compact(&desk);
    desk_close(&desk);
    vfs_posix_free(desk.vfs);
    return 0;
}
