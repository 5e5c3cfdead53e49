/* The steps of the owner's thread for commands on a large mailbox, in time of the processor:
 *     build/bench/imap_steps [MESSAGES]
 * One session asks, another one hears of it with NOOP. In memory, no disk, no socket. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "figures.h"
#include "kit/imap_seat.h"
#include "kit/mem_vfs.h"
#include "store/acting.h"

enum { BATCH = 500, MESSAGES = 1000000 };

static void fill(struct desk *desk, uint32_t count)
{
    struct mailbox *mailbox = desk_mailbox(desk, "INBOX");

    for (uint32_t done = 0; done < count; done += BATCH) {
        struct append_item items[BATCH] = { 0 };
        struct origin origin = desk_origin(desk);
        struct uid first;

        for (int i = 0; i < BATCH; i++) {
            items[i].flags.flags = i % 2 == 0 ? FLAG_DELETED : 0;
            if (desk_body(desk, BYTES("Subject: x\r\n\r\nx\r\n"), &items[i].body) != ERR_OK)
                abort();
        }
        if (act_append(mailbox, &origin, items, BATCH, &first) != ERR_OK)
            abort();
    }
    desk_sync(desk);
}

static void note(double *longest, double began)
{
    double ms = clock_ms(CLOCK_THREAD_CPUTIME_ID) - began;

    if (ms > *longest)
        *longest = ms;
}

/* The longest step of the session, and of the act that it begins. */
static void ask(struct imap_seat *seat, const char *name, const char *line)
{
    double session = 0;
    double act = 0;
    unsigned steps = 0;

    imap_seat_say(seat, bytes_from_string(line));
    do {
        double began = clock_ms(CLOCK_THREAD_CPUTIME_ID);

        (void)imap_seat_step(seat);
        note(&session, began);
        steps++;
        buf_clear(&seat->out);
        while (account_is_acting(seat->desk->account)) {
            began = clock_ms(CLOCK_THREAD_CPUTIME_ID);
            (void)account_step(seat->desk->account);
            note(&act, began);
        }
        if (seat->want == IMAP_WANT_WAKE)
            desk_settle(seat->desk);
    } while (seat->want != IMAP_WANT_INPUT || seat->unsent.len > 0);
    printf("%-36s %6u steps, the longest %7.3f ms; of the act %7.3f\n", name, steps, session, act);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        const char *line;
    } commands[] = {
        { "STORE on all, told", "a STORE 1:* +FLAGS (\\Flagged)\r\n" },
        { "STORE on all, silent", "a UID STORE 1:* +FLAGS.SILENT (\\Seen)\r\n" },
        { "SEARCH ALL", "a SEARCH RETURN (ALL) ALL\r\n" },
        { "COPY of all", "a UID COPY 1:* Archive\r\n" },
        { "SEARCH of every other, NOTSAVED", "a SEARCH RETURN (SAVE) DELETED\r\n" },
        { "EXPUNGE of every other", "a EXPUNGE\r\n" },
    };
    uint32_t messages = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : MESSAGES;
    struct imap_seat seat;
    struct imap_seat other;
    struct desk desk;

    desk_init(&desk, mem_vfs_new(1));
    if (desk_open(&desk) != ERR_OK)
        return 1;
    fill(&desk, messages);
    imap_seat_open(&seat, &desk);
    imap_seat_open(&other, &desk);
    ask(&seat, "SELECT", "a SELECT INBOX\r\n");
    ask(&other, "SELECT", "a SELECT INBOX\r\n");
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        ask(&seat, commands[i].name, commands[i].line);
        ask(&other, "  the other hears of it", "a NOOP\r\n");
    }
    return 0;
}
