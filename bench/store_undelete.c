/* Undelete at a size: one account on the real disk, 2 * MESSAGES messages, of which every other one
 * is expunged and brought back.
 *
 *     store_undelete DIRECTORY [MESSAGES]
 *
 * DIRECTORY is made and must not exist. Prints figures as `name value unit`, one a line, by the
 * clock on the wall; steps, which run on the owner's thread, by the processor's time. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "figures.h"
#include "kit/desk.h"
#include "store/act_undelete.h"
#include "store/acting.h"
#include "store/lost.h"
#include "store/lost_find.h"
#include "sys/vfs_posix.h"

enum { PIECE_BYTES = 4 * 1024 * 1024, BATCH = 100, QUIET_TICKS = 2000 };

static void append_batch(struct desk *desk, uint32_t number)
{
    struct append_item items[BATCH] = { 0 };
    struct origin origin = desk_origin(desk);
    struct uid first;
    char text[200];

    for (uint32_t i = 0; i < BATCH; i++) {
        int len = snprintf(text, sizeof(text),
                           "Subject: number %u\r\nMessage-ID: <%u@example.org>\r\n\r\nA line.\r\n",
                           number + i, number + i);

        must(desk_body(desk, bytes_make(text, (size_t)len), &items[i].body), "a body");
        items[i].internal_date.seconds = wall_seconds(origin.now);
    }
    must(desk_finish(desk, act_append(desk_mailbox(desk, "INBOX"), &origin, items, BATCH, &first)),
         "append");
}

static void expunge_every_other(struct desk *desk, uint32_t messages)
{
    struct uid_range *ranges = calloc(messages, sizeof(*ranges));
    struct origin origin = desk_origin(desk);
    uint32_t count;

    for (uint32_t i = 0; i < messages; i++)
        ranges[i] = (struct uid_range){ 1 + 2 * i, 1 + 2 * i };
    must(desk_finish(desk, act_expunge(desk_mailbox(desk, "INBOX"), &origin,
                                       (struct uid_set){ ranges, messages }, false, &count)),
         "expunge");
    free(ranges);
    desk_sync(desk);
    for (int i = 0; i < QUIET_TICKS; i++) { /* until their bodies are forgotten */
        (void)desk_tick(desk);
        desk_settle(desk);
    }
}

static void find_lost(struct desk *desk, struct lost *out_lost)
{
    struct lost_find_options options = { .vfs = desk->vfs,
                                         .position = account_durable(desk->account) };
    struct lost_find *find = lost_find_new(&options);
    double began = clock_ms(CLOCK_MONOTONIC);
    bool done = false;

    while (!done)
        must(lost_find_read(find, PIECE_BYTES, &done, NULL), "find");
    figure("find, in jobs", clock_ms(CLOCK_MONOTONIC) - began, "ms");
    lost_find_take(find, out_lost);
    lost_find_free(find);
}

/* One change, step by step. */
static void write_change(struct desk *desk, struct undelete *undelete, bool *out_done)
{
    struct origin origin = desk_origin(desk);
    double began = clock_ms(CLOCK_THREAD_CPUTIME_ID);
    enum err err = act_undelete(undelete, &origin, out_done);
    double longest = clock_ms(CLOCK_THREAD_CPUTIME_ID) - began;
    double all = longest;
    struct act *act = err == ERR_BUSY ? act_take(desk->account) : NULL;

    while (account_is_acting(desk->account)) {
        double ms;

        began = clock_ms(CLOCK_THREAD_CPUTIME_ID);
        (void)account_step(desk->account);
        ms = clock_ms(CLOCK_THREAD_CPUTIME_ID) - began;
        all += ms;
        longest = ms > longest ? ms : longest;
    }
    must(act == NULL ? err : act_end(act), "undelete");
    figure("write and apply a change, in steps", all, "ms");
    figure("  the longest of them", longest, "ms");
}

static void plan(struct undelete *undelete)
{
    double began = clock_ms(CLOCK_THREAD_CPUTIME_ID);
    double longest = 0;
    bool done;

    do {
        double before = clock_ms(CLOCK_THREAD_CPUTIME_ID);
        double ms;

        done = undelete_plan(undelete);
        ms = clock_ms(CLOCK_THREAD_CPUTIME_ID) - before;
        longest = ms > longest ? ms : longest;
    } while (!done);
    figure("plan, in steps", clock_ms(CLOCK_THREAD_CPUTIME_ID) - began, "ms");
    figure("  the longest of them", longest, "ms");
}

static void bring_back(struct desk *desk, struct lost *lost)
{
    uint64_t change = account_change_number(desk->account).value;
    double began;
    struct undelete undelete;
    bool done = false;

    undelete_begin(&undelete, desk->account, lost);
    plan(&undelete);
    while (!done)
        write_change(desk, &undelete, &done);
    began = clock_ms(CLOCK_MONOTONIC);
    desk_sync(desk);
    figure("sync", clock_ms(CLOCK_MONOTONIC) - began, "ms");
    figure("messages", (double)undelete.done.messages, "");
    figure("changes", (double)(account_change_number(desk->account).value - change), "");
    undelete_done(&undelete);
}

int main(int argc, char **argv)
{
    uint32_t messages = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 100000;
    struct lost lost;
    struct desk desk;
    double began;
    int fd;

    if (argc < 2 || mkdir(argv[1], 0700) != 0)
        return 1;
    fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return 1;
    desk_init(&desk, vfs_posix_new(fd));
    desk.now.us = (int64_t)time(NULL) * 1000000;
    must(desk_open(&desk), "open");
    for (uint32_t i = 0; i < 2 * messages; i += BATCH) {
        append_batch(&desk, i);
        if (i % 10000 == 0)
            desk_sync(&desk);
    }
    expunge_every_other(&desk, messages);
    began = clock_ms(CLOCK_MONOTONIC);
    find_lost(&desk, &lost);
    bring_back(&desk, &lost);
    figure("all of it", clock_ms(CLOCK_MONOTONIC) - began, "ms");
    lost_done(&lost);
    desk_close(&desk);
    vfs_posix_free(desk.vfs);
    return 0;
}
