/* The steps of the owner's thread for commands on a large mailbox, in time of the processor:
 *     build/bench/imap_steps [MESSAGES]
 * One session asks, another one hears of it with NOOP. In memory, no disk, no socket. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "figures.h"
#include "kit/imap_seat.h"
#include "kit/mem_vfs.h"
#include "search/texts.h"
#include "store/acting.h"
#include "sys/process.h"

enum { BATCH = 500, MESSAGES = 1000000, TEXTS_BYTES_MAX = 256 * 1024 * 1024 };

/* What runs on the owner's thread: the session's steps, those of the act that it begins, the ends
 * of jobs and housekeeping. */
struct longest {
    double session_ms;
    double act_ms;
    double rest_ms;
};

static void note(double *longest, double began)
{
    double ms = clock_ms(CLOCK_THREAD_CPUTIME_ID) - began;

    if (ms > *longest)
        *longest = ms;
}

static void settle(struct desk *desk, struct longest *longest)
{
    bool again = true;

    while (again) {
        double began;

        while (jobs_run(&desk->jobs))
            continue;
        began = clock_ms(CLOCK_THREAD_CPUTIME_ID);
        again = jobs_deliver(&desk->jobs);
        note(&longest->rest_ms, began);
    }
}

static void keep_house(struct desk *desk, struct longest *longest)
{
    struct mono again;

    account_sync(desk->account);
    do {
        double began;

        settle(desk, longest);
        began = clock_ms(CLOCK_THREAD_CPUTIME_ID);
        again = desk_tick(desk);
        note(&longest->rest_ms, began);
    } while (again.ms <= desk->mono.ms || account_is_busy(desk->account));
}

static void act(struct desk *desk, struct longest *longest)
{
    while (account_is_acting(desk->account)) {
        double began = clock_ms(CLOCK_THREAD_CPUTIME_ID);

        (void)account_step(desk->account);
        note(&longest->act_ms, began);
    }
}

/* Days and subjects in no order, each subject four times. */
static size_t write_mail(uint32_t number, char *text, size_t size)
{
    uint32_t mixed = number * UINT32_C(2654435761);

    return (size_t)snprintf(text, size,
                            "Date: %u Jan %u %02u:%02u:00 +0000\r\nFrom: a%u@x\r\n"
                            "Subject: a subject of some length %u\r\n\r\nx\r\n",
                            1 + mixed % 28, 1990 + (mixed >> 8) % 40, (mixed >> 16) % 24,
                            (mixed >> 20) % 60, (mixed >> 4) % 1000, mixed >> 2);
}

static void fill(struct desk *desk, uint32_t count)
{
    struct mailbox *mailbox = desk_mailbox(desk, "INBOX");
    struct longest ignored = { 0 };

    for (uint32_t done = 0; done < count; done += BATCH) {
        struct append_item items[BATCH] = { 0 };
        struct origin origin = desk_origin(desk);
        struct uid first;

        for (uint32_t i = 0; i < BATCH; i++) {
            char text[200];
            size_t len = write_mail(done + i, text, sizeof(text));

            items[i].flags.flags = i % 2 == 0 ? FLAG_DELETED : 0;
            if (desk_body(desk, bytes_make(text, len), &items[i].body) != ERR_OK)
                abort();
        }
        if (desk_finish(desk, act_append(mailbox, &origin, items, BATCH, &first)) != ERR_OK)
            abort();
        settle(desk, &ignored);
    }
    keep_house(desk, &ignored);
}

static void ask(struct imap_seat *seat, const char *name, struct bytes line)
{
    struct longest longest = { 0 };
    unsigned steps = 0;

    imap_seat_say(seat, line);
    do {
        double began = clock_ms(CLOCK_THREAD_CPUTIME_ID);

        (void)imap_seat_step(seat);
        note(&longest.session_ms, began);
        steps++;
        buf_clear(&seat->out);
        act(seat->desk, &longest);
        if (seat->want == IMAP_WANT_WAKE)
            settle(seat->desk, &longest);
    } while (seat->want != IMAP_WANT_INPUT || seat->unsent.len > 0);
    keep_house(seat->desk, &longest);
    printf("%-36s %6u steps, the longest %7.3f ms; of the act %7.3f; all else %7.3f\n", name, steps,
           longest.session_ms, longest.act_ms, longest.rest_ms);
    fflush(stdout);
}

static void ask_line(struct imap_seat *seat, const char *name, const char *line)
{
    ask(seat, name, bytes_from_string(line));
}

/* As many single numbers as a line takes. */
static void ask_scattered(struct imap_seat *seat, const char *name, const char *before,
                          const char *behind)
{
    enum { LINE_BYTES = 65000, FIRST = 101 };
    struct buf line = buf_make(2 * LINE_BYTES);

    buf_add_string(&line, before);
    for (unsigned number = FIRST; line.len < LINE_BYTES; number += 2)
        buf_add_format(&line, number == FIRST ? "%u" : ",%u", number);
    buf_add_string(&line, behind);
    ask(seat, name, buf_bytes(&line));
    buf_done(&line);
}

static void ask_append(struct imap_seat *seat, const char *name, unsigned count)
{
    struct buf line = buf_make(1 << 24);

    buf_add_string(&line, "a APPEND Archive");
    for (unsigned i = 0; i < count; i++) {
        char text[64];
        int len = snprintf(text, sizeof(text), "Message-ID: <%u@x>\r\n\r\nx\r\n", i);

        buf_add_format(&line, " {%d+}\r\n%s", len, text);
    }
    buf_add_string(&line, "\r\n");
    ask(seat, name, buf_bytes(&line));
    buf_done(&line);
}

static void ask_all(struct imap_seat *seat, struct imap_seat *other)
{
    static const struct {
        const char *name;
        const char *line;
    } commands[] = {
        { "STORE on all, told", "a STORE 1:* +FLAGS (\\Flagged)\r\n" },
        { "STORE on all, silent", "a UID STORE 1:* +FLAGS.SILENT (\\Seen)\r\n" },
        { "SEARCH ALL", "a SEARCH RETURN (ALL) ALL\r\n" },
        { "SORT by date", "a SORT (DATE) UTF-8 ALL\r\n" },
        { "SORT by date, again", "a UID SORT (DATE) UTF-8 ALL\r\n" },
        { "SORT by three texts", "a SORT (SUBJECT FROM CC REVERSE SIZE) UTF-8 ALL\r\n" },
        { "SORT by three texts, again", "a SORT (SUBJECT FROM CC REVERSE SIZE) UTF-8 ALL\r\n" },
        { "THREAD by references", "a THREAD REFERENCES UTF-8 ALL\r\n" },
        { "THREAD by references, again", "a UID THREAD REFERENCES UTF-8 ALL\r\n" },
        { "THREAD by subject", "a THREAD ORDEREDSUBJECT UTF-8 ALL\r\n" },
        { "COPY of all", "a UID COPY 1:* Archive\r\n" },
        { "SEARCH of every other, NOTSAVED", "a SEARCH RETURN (SAVE) DELETED\r\n" },
        { "EXPUNGE of every other", "a EXPUNGE\r\n" },
    };

    ask_line(seat, "SELECT", "a SELECT INBOX\r\n");
    ask_line(other, "SELECT", "a SELECT INBOX\r\n");
    ask_scattered(seat, "FETCH of single numbers", "a FETCH ", " (UID)\r\n");
    ask_scattered(seat, "UID FETCH of single numbers", "a UID FETCH ", " (UID)\r\n");
    ask_scattered(seat, "STORE on single numbers", "a STORE ", " +FLAGS.SILENT (\\Draft)\r\n");
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
        ask_line(seat, commands[i].name, commands[i].line);
        ask_line(other, "  the other may not hear of expunges", "a FETCH 1 (UID)\r\n");
        ask_scattered(other, "  and names single numbers", "a FETCH ", " (UID)\r\n");
        ask_line(other, "  the other hears of it", "a NOOP\r\n");
    }
    ask_append(seat, "APPEND of 1,000", 1000);
    ask_append(seat, "APPEND of 10,000", 10000);
    ask_line(seat, "STORE on all that are left", "a UID STORE 1:* -FLAGS.SILENT (\\Seen)\r\n");
    ask_line(other, "UNSELECT, the past is freed", "a UNSELECT\r\n");
    ask_line(other, "SELECT", "a SELECT INBOX\r\n");
    ask_line(seat, "MOVE of all", "a UID MOVE 1:* Archive\r\n");
    ask_line(other, "UNSELECT, all of it is freed", "a UNSELECT\r\n");
    ask_line(other, "SELECT", "a SELECT Archive\r\n");
    ask_line(seat, "DELETE", "a DELETE Archive\r\n");
    ask_line(other, "UNSELECT, the mailbox is freed", "a UNSELECT\r\n");
}

int main(int argc, char **argv)
{
    uint32_t messages = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : MESSAGES;
    struct imap_seat seat;
    struct imap_seat other;
    struct desk desk;

    desk_init(&desk, mem_vfs_new(1));
    if (desk_open(&desk) != ERR_OK)
        return 1;
    fill(&desk, messages);
    process_tune_memory(); /* as a mail process does */
    imap_seat_open_with(&seat, &desk, search_texts_new(TEXTS_BYTES_MAX));
    imap_seat_open(&other, &desk);
    ask_all(&seat, &other);
    return 0;
}
