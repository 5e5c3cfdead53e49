/* The store at a size: one account on the real disk, a mailbox of many messages in it.
 *
 *     store_scale DIRECTORY [MESSAGES [MAILBOXES [STAGE]]]
 *
 * DIRECTORY is made and must not exist, unless one STAGE alone is to be run on it. Each stage runs
 * in a process of its own, so that memory is that stage's alone, and prints its figures as `name
 * value unit`, one a line. A step is a call that runs on the owner's thread (what jobs do is none);
 * its milliseconds are the processor's, so that other load does not blur them. Opening and closing
 * are told by the clock on the wall. */
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "figures.h"
#include "kit/desk.h"
#include "message/summary.h"
#include "store/acting.h"
#include "sys/vfs_posix.h"

enum {
    SAMPLE = 1000, /* acts that are timed one by one */
    SMALL = 1000, /* messages in the small mailbox */
    TAIL_BODY_BYTES = 60 * 1024,
    TAIL_BODIES = 1750, /* of that size: 100 MB */
    ARENA_BYTES = 1 << 30,
};

struct bench {
    const char *path;
    uint32_t messages;
    uint32_t mailboxes;
    struct desk desk;
    double step_max_ms; /* the longest since meter_reset */
};

static double heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();

    return (double)info.uordblks + (double)info.hblkhd;
}

static double resident_bytes(void)
{
    char line[128];
    FILE *file = fopen("/proc/self/statm", "r");
    char *end = line;

    if (file == NULL || fgets(line, sizeof(line), file) == NULL)
        exit(1);
    fclose(file);
    (void)strtoul(line, &end, 10);
    return (double)strtoul(end, NULL, 10) * (double)sysconf(_SC_PAGESIZE);
}

/* A step of the owner's thread, from `began` to now. */
static double step(struct bench *bench, double began)
{
    double ms = clock_ms(CLOCK_THREAD_CPUTIME_ID) - began;

    if (ms > bench->step_max_ms)
        bench->step_max_ms = ms;
    return ms;
}

/* An act that has just answered, until it is over; `began`: when its first step did. Tells what it
 * took in all, and its longest step. */
static void act(struct bench *bench, double began, enum err err, const char *name)
{
    double ms = clock_ms(CLOCK_THREAD_CPUTIME_ID) - began;
    double longest = ms;
    struct act *act = err == ERR_BUSY ? act_take(bench->desk.account) : NULL;

    while (act != NULL && account_is_acting(bench->desk.account)) {
        double step_ms = clock_ms(CLOCK_THREAD_CPUTIME_ID);

        (void)account_step(bench->desk.account);
        step_ms = clock_ms(CLOCK_THREAD_CPUTIME_ID) - step_ms;
        ms += step_ms;
        if (step_ms > longest)
            longest = step_ms;
    }
    must(act == NULL ? err : act_end(act), name);
    figure(name, ms, "ms");
    figure("  longest step of it", longest, "ms");
    if (longest > bench->step_max_ms)
        bench->step_max_ms = longest;
}

/* Housekeeping as a shard does it, until nothing is left to do at once. */
static void tick(struct bench *bench)
{
    struct mono again;

    do {
        double began = clock_ms(CLOCK_THREAD_CPUTIME_ID);

        again = desk_tick(&bench->desk);
        (void)step(bench, began);
        desk_settle(&bench->desk);
    } while (again.ms <= bench->desk.mono.ms || account_is_busy(bench->desk.account));
}

static void begin(struct bench *bench)
{
    int fd = open(bench->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        exit(1);
    desk_init(&bench->desk, vfs_posix_new(fd));
    bench->desk.now.us = (int64_t)time(NULL) * 1000000;
    bench->step_max_ms = 0;
}

static void open_account(struct bench *bench)
{
    must(desk_open(&bench->desk), "open");
}

static void open_timed(struct bench *bench, const char *name)
{
    double processor = clock_ms(CLOCK_THREAD_CPUTIME_ID);
    double wall = clock_ms(CLOCK_MONOTONIC);

    open_account(bench);
    figure(name, clock_ms(CLOCK_MONOTONIC) - wall, "ms");
    figure("  the processor's time of it", clock_ms(CLOCK_THREAD_CPUTIME_ID) - processor, "ms");
}

/* Headers differ as those of mail do: every tenth message answers an earlier one. */
static struct bytes make_text(uint32_t number, size_t pad, char *space, size_t space_len)
{
    static const char filler[] = "The quick brown fox jumps over the lazy dog, and on it goes.\r\n";
    int len = snprintf(space, space_len,
                       "From: a%u@example.org\r\nTo: b@example.org\r\nSubject: message %u\r\n"
                       "Message-ID: <%u@example.org>\r\n%s%u%s\r\n",
                       number % 100, number, number,
                       number % 10 == 9 ? "In-Reply-To: <" : "X-No: ", number - 5,
                       number % 10 == 9 ? "@example.org>\r\n" : "\r\n");

    pad += number % 97;
    for (size_t at = 0; at < pad && (size_t)len + sizeof(filler) < space_len; at += sizeof(filler))
        len += snprintf(space + len, space_len - (size_t)len, "%s", filler);
    return bytes_make(space, (size_t)len);
}

/* Dates of mail from everywhere in ten years, in no order, as in mail that was moved here. */
static struct zoned_time date_of(uint32_t number)
{
    static const int16_t zones[] = { 0, 60, 120, -300, 330 };
    uint64_t mixed = number * UINT64_C(0x9e3779b97f4a7c15) >> 32;

    return (struct zoned_time){ (int64_t)(1480000000 + mixed % 315000000),
                                zones[mixed % ARRAY_COUNT(zones)] };
}

static double append(struct bench *bench, struct mailbox *mailbox, uint32_t number, size_t pad)
{
    static char space[TAIL_BODY_BYTES + 4096];
    struct bytes text = make_text(number, pad, space, sizeof(space));
    struct origin origin = desk_origin(&bench->desk);
    struct append_item item = { .flags = { .flags = number % 8 == 0 ? 0 : FLAG_SEEN },
                                .internal_date = date_of(number) };
    double began = clock_ms(CLOCK_THREAD_CPUTIME_ID);
    struct uid uid;

    must(desk_body(&bench->desk, text, &item.body), "body");
    must(act_append(mailbox, &origin, &item, 1, &uid), "append");
    return step(bench, began);
}

/* Most messages are small, one in a thousand is not. */
static size_t pad_of(uint32_t number)
{
    return number % 1000 == 500 ? TAIL_BODY_BYTES : number % 300;
}

static void append_many(struct bench *bench, struct mailbox *mailbox, uint32_t count,
                        const char *name)
{
    double ms = 0;

    for (uint32_t i = 0; i < count; i++) {
        ms += append(bench, mailbox, i, pad_of(i));
        if (i % 500 == 499)
            desk_sync(&bench->desk);
    }
    if (name != NULL)
        figure(name, ms * 1e3 / count, "us");
}

static void stage_build(struct bench *bench)
{
    struct mailbox *inbox;

    begin(bench);
    open_account(bench);
    append_many(bench, desk_mailbox(&bench->desk, "Archive"), SMALL, "append, mailbox small");
    inbox = desk_mailbox(&bench->desk, "INBOX");
    for (uint32_t i = 0; i < bench->messages; i++) {
        (void)append(bench, inbox, i, pad_of(i));
        if (i % 10000 == 9999) {
            desk_sync(&bench->desk);
            tick(bench);
        }
    }
    figure("longest step while filling", bench->step_max_ms, "ms");
    desk_close(&bench->desk);
}

static struct view *select_timed(struct bench *bench, const char *mailbox, const char *name)
{
    struct view *view = NULL;
    double began = clock_ms(CLOCK_THREAD_CPUTIME_ID);

    for (int i = 0; i < SAMPLE; i++) {
        view_close(view);
        view = view_open(desk_mailbox(&bench->desk, mailbox));
    }
    figure(name, (clock_ms(CLOCK_THREAD_CPUTIME_ID) - began) * 1e3 / SAMPLE, "us");
    return view;
}

/* The index of summaries is read when the first of them is asked for. */
static void ask_for_a_summary(struct bench *bench)
{
    struct view *view = view_open(desk_mailbox(&bench->desk, "INBOX"));
    struct summary summary;
    struct row row;
    enum err err;

    view_row(view, (struct seqno){ view_count(view) / 2 }, &row);
    view_close(view);
    while ((err = body_summary(bench->desk.account, row.body, &bench->desk.waker, &summary)) ==
           ERR_BUSY)
        desk_settle(&bench->desk);
    must(err, "summary");
}

static void stage_open(struct bench *bench)
{
    double began;
    double heap;
    double resident;
    struct view *small;
    struct view *large;

    begin(bench);
    heap = heap_bytes();
    resident = resident_bytes();
    open_timed(bench, "open after a restart");
    figure("heap for each message", (heap_bytes() - heap) / bench->messages, "bytes");
    figure("resident for each message", (resident_bytes() - resident) / bench->messages, "bytes");
    small = select_timed(bench, "Archive", "view of the small mailbox");
    large = select_timed(bench, "INBOX", "view of the large mailbox");
    view_close(small);
    view_close(large);
    append_many(bench, desk_mailbox(&bench->desk, "INBOX"), SAMPLE, "append, mailbox large");
    tick(bench);
    figure("longest step of those", bench->step_max_ms, "ms");
    ask_for_a_summary(bench);
    figure("heap once a summary was asked for", (heap_bytes() - heap) / bench->messages, "bytes");
    began = clock_ms(CLOCK_MONOTONIC);
    desk_close(&bench->desk);
    figure("close", clock_ms(CLOCK_MONOTONIC) - began, "ms");
}

static void refresh(struct bench *bench, struct view *view, const char *name)
{
    struct arena arena = arena_make(ARENA_BYTES);
    struct view_changes changes;
    double longest = 0;
    double all = 0;
    enum err err;

    do {
        double began = clock_ms(CLOCK_THREAD_CPUTIME_ID);
        double ms;

        err = view_refresh(view, 0, (struct modseq){ 0 }, &arena, &changes);
        ms = step(bench, began);
        all += ms;
        longest = ms > longest ? ms : longest;
    } while (err == ERR_BUSY);
    must(err, "refresh");
    figure(name, all, "ms");
    figure("  longest step of it", longest, "ms");
    arena_done(&arena);
}

static void store_all(struct bench *bench, struct mailbox *inbox, uint16_t flag, const char *name)
{
    struct uid_range all = { 1, UINT32_MAX - 1 };
    struct origin origin = desk_origin(&bench->desk);
    struct flag_act asked = { { &all, 1 }, FLAGS_ADD, { .flags = flag }, UINT64_MAX };
    struct arena arena = arena_make(ARENA_BYTES);
    struct flag_result result;
    double began = clock_ms(CLOCK_THREAD_CPUTIME_ID);

    act(bench, began, act_flags(inbox, &origin, &asked, &arena, &result), name);
    arena_done(&arena);
}

static void finish_ticks(struct bench *bench, const char *name)
{
    bench->step_max_ms = 0;
    desk_sync(&bench->desk);
    tick(bench);
    figure(name, bench->step_max_ms, "ms");
    bench->step_max_ms = 0;
}

static void stage_flags(struct bench *bench)
{
    struct mailbox *inbox;
    struct view *view;
    double heap;

    begin(bench);
    bench->desk.options.checkpoint_bytes = 1;
    open_account(bench);
    inbox = desk_mailbox(&bench->desk, "INBOX");
    view = view_open(inbox);
    heap = heap_bytes();
    store_all(bench, inbox, FLAG_FLAGGED, "STORE on all");
    figure("  heap that it adds, a view open", (heap_bytes() - heap) / bench->messages, "bytes");
    refresh(bench, view, "  another view hears of it");
    finish_ticks(bench, "  longest step of housekeeping");
    view_close(view);
    store_all(bench, inbox, FLAG_SEEN, "STORE on all, some have it");
    finish_ticks(bench, "  longest step of housekeeping");
    desk_close(&bench->desk);
}

static void expunge(struct bench *bench, struct mailbox *inbox, bool alternate, const char *name)
{
    uint32_t next = mailbox_uidnext(inbox);
    uint32_t count = alternate ? next / 2 : 1;
    struct uid_range *ranges = calloc(count, sizeof(*ranges));
    struct uid_set set = { ranges, alternate ? 0 : 1 };
    struct origin origin = desk_origin(&bench->desk);
    uint32_t expunged;
    double began;

    ranges[0] = (struct uid_range){ 1, next / 2 };
    for (uint32_t uid = 1; alternate && uid < next && set.count < count; uid += 2)
        ranges[set.count++] = (struct uid_range){ uid, uid };
    began = clock_ms(CLOCK_THREAD_CPUTIME_ID);
    act(bench, began, act_expunge(inbox, &origin, set, false, &expunged), name);
    free(ranges);
}

static void act_delete(struct bench *bench, struct mailbox *mailbox)
{
    struct origin origin = desk_origin(&bench->desk);
    double began = clock_ms(CLOCK_THREAD_CPUTIME_ID);

    act(bench, began, act_mailbox_delete(bench->desk.account, &origin, mailbox), "DELETE of it");
    finish_ticks(bench, "  longest step of housekeeping");
}

/* COPY of all into a new mailbox, and MOVE of the copies into another one. */
static void stage_copy(struct bench *bench)
{
    static const char *const names[] = { "Copies", "Moved" };
    struct uid_range all = { 1, UINT32_MAX - 1 };
    struct mailbox *from;

    begin(bench);
    bench->desk.options.checkpoint_bytes = 1;
    open_account(bench);
    from = desk_mailbox(&bench->desk, "INBOX");
    for (int i = 0; i < 2; i++) {
        struct origin origin = desk_origin(&bench->desk);
        struct copy_act asked = { .uids = { &all, 1 }, .move = i == 1 };
        struct arena arena = arena_make(ARENA_BYTES);
        struct copy_result result;
        double began;

        must(act_mailbox_create(bench->desk.account, &origin, bytes_from_string(names[i]), 0,
                                &asked.to),
             "create");
        began = clock_ms(CLOCK_THREAD_CPUTIME_ID);
        act(bench, began, act_copy(from, &origin, &asked, &arena, &result),
            i == 0 ? "COPY of all" : "MOVE of all");
        arena_done(&arena);
        finish_ticks(bench, "  longest step of housekeeping");
        from = asked.to;
    }
    act_delete(bench, from);
    desk_close(&bench->desk);
}

/* Leaves the account as it was: nothing of it is synced, and the process ends. */
static void stage_expunge(struct bench *bench, bool alternate)
{
    struct mailbox *inbox;
    struct view *view;

    begin(bench);
    bench->desk.options.checkpoint_bytes = 1;
    open_account(bench);
    inbox = desk_mailbox(&bench->desk, "INBOX");
    view = view_open(inbox);
    expunge(bench, inbox, alternate,
            alternate ? "EXPUNGE of every other of the rest" : "EXPUNGE of one half, in one range");
    refresh(bench, view, "  another view hears of it");
    finish_ticks(bench, "  longest step of housekeeping");
    view_close(view);
    finish_ticks(bench, "  longest step when the view is gone");
    desk_close(&bench->desk);
}

static void stage_expunge_half(struct bench *bench)
{
    stage_expunge(bench, false);
}

static void stage_expunge_alternate(struct bench *bench)
{
    stage_expunge(bench, true);
}

/* Ends as a killed process does: no checkpoint holds what came in. */
static void stage_tail(struct bench *bench)
{
    struct mailbox *inbox;

    begin(bench);
    bench->desk.options.checkpoint_bytes = UINT64_MAX;
    open_account(bench);
    inbox = desk_mailbox(&bench->desk, "Archive");
    for (uint32_t i = 0; i < TAIL_BODIES; i++) {
        (void)append(bench, inbox, i, TAIL_BODY_BYTES - 1024);
        if (i % 16 == 15)
            desk_sync(&bench->desk);
    }
}

static void stage_recover(struct bench *bench)
{
    begin(bench);
    open_timed(bench, "open after kill -9, tail of 100 MB");
    desk_close(&bench->desk);
}

static void stage_mailboxes(struct bench *bench)
{
    double began;

    begin(bench);
    bench->desk.options.checkpoint_bytes = 1;
    open_account(bench);
    for (uint32_t i = 0; i < bench->mailboxes; i++) {
        struct origin origin = desk_origin(&bench->desk);
        struct mailbox *made;
        char name[64];

        snprintf(name, sizeof(name), "box %u", i);
        began = clock_ms(CLOCK_THREAD_CPUTIME_ID);
        must(act_mailbox_create(bench->desk.account, &origin, bytes_from_string(name), 0, &made),
             "create");
        (void)step(bench, began);
    }
    figure("longest CREATE", bench->step_max_ms, "ms");
    finish_ticks(bench, "  longest step of housekeeping");
    desk_close(&bench->desk);
}

static void stage_mailboxes_open(struct bench *bench)
{
    struct mailbox *mailbox = NULL;
    struct mailbox_counts counts;
    double heap;
    double began;
    uint64_t sum = 0;

    begin(bench);
    heap = heap_bytes();
    open_timed(bench, "open with the mailboxes");
    figure("  heap of the account", (heap_bytes() - heap) / 1e6, "MB");
    began = clock_ms(CLOCK_THREAD_CPUTIME_ID);
    while ((mailbox = mailbox_next(bench->desk.account,
                                   mailbox == NULL ? BYTES("") : mailbox_name(mailbox))) != NULL) {
        mailbox_counts(mailbox, &counts);
        sum += counts.messages;
    }
    figure("  walk and count all", clock_ms(CLOCK_THREAD_CPUTIME_ID) - began, "ms");
    if (sum < SMALL)
        exit(1);
    desk_close(&bench->desk);
}

static void run(struct bench *bench, void (*stage)(struct bench *))
{
    pid_t child = fork();
    int status = 1;

    if (child == 0) {
        stage(bench);
        fflush(stdout);
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        exit(1);
}

static const struct {
    const char *name;
    void (*run)(struct bench *bench);
} stages[] = {
    { "build", stage_build },         { "open", stage_open },
    { "flags", stage_flags },         { "copy", stage_copy },
    { "tail", stage_tail },           { "recover", stage_recover },
    { "half", stage_expunge_half },   { "alternate", stage_expunge_alternate },
    { "mailboxes", stage_mailboxes }, { "mailboxes-open", stage_mailboxes_open },
};

int main(int argc, char **argv)
{
    struct bench bench = { .messages = 1000000, .mailboxes = 9990 };
    const char *only = argc > 4 ? argv[4] : NULL;

    if (argc < 2 || (only == NULL && mkdir(argv[1], 0700) != 0)) {
        fprintf(stderr, "usage: store_scale DIRECTORY [MESSAGES [MAILBOXES [STAGE]]]\n");
        return 2;
    }
    bench.path = argv[1];
    if (argc > 2)
        bench.messages = (uint32_t)strtoul(argv[2], NULL, 10);
    if (argc > 3)
        bench.mailboxes = (uint32_t)strtoul(argv[3], NULL, 10);
    for (size_t i = 0; i < ARRAY_COUNT(stages); i++)
        if (only == NULL || strcmp(only, stages[i].name) == 0)
            run(&bench, stages[i].run);
    return 0;
}
