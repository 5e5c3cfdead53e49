/* What a session costs for each message that it fetches or looks at, in time of the processor:
 *     build/bench/imap_reads [MESSAGES [COMMAND]]
 * All commands, twice each, or the one of that number, once: for callgrind, with
 *     valgrind --tool=callgrind --toggle-collect=imap_session_step build/bench/imap_reads 10000 1
 * In memory, no disk, no socket. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "figures.h"
#include "kit/imap_seat.h"
#include "kit/mem_vfs.h"
#include "load/mail.h"
#include "search/texts.h"

enum { BATCH = 500, MESSAGES = 20000, MAIL_BYTES = 2000, TEXTS_BYTES_MAX = 64 * 1024 * 1024 };

static const struct {
    const char *name;
    const char *line;
} commands[] = {
    { "FETCH envelopes and structures",
      "a FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)\r\n" },
    { "FETCH header fields",
      "a FETCH 1:* (UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (From To Cc Bcc Subject Date "
      "Message-ID Priority X-Priority References Newsgroups In-Reply-To Content-Type "
      "Reply-To)])\r\n" },
    { "FETCH flags", "a FETCH 1:* (UID FLAGS)\r\n" },
    { "SEARCH flags", "a SEARCH FLAGGED\r\n" },
    { "SEARCH dates", "a SEARCH SINCE 1-Jan-2023 BEFORE 1-Jan-2024\r\n" },
    { "SEARCH sizes", "a SEARCH LARGER 4000\r\n" },
    { "SEARCH From", "a SEARCH FROM \"planted@example.net\"\r\n" },
    { "SEARCH Subject", "a SEARCH SUBJECT \"harvest report\"\r\n" },
    { "SEARCH Message-ID", "a SEARCH HEADER Message-ID \"bench-77.\"\r\n" },
    { "SORT Date", "a SORT (DATE) UTF-8 ALL\r\n" },
    { "SORT arrival", "a SORT (REVERSE ARRIVAL) UTF-8 ALL\r\n" },
    { "SORT From", "a SORT (FROM) UTF-8 ALL\r\n" },
    { "SORT Subject, Date", "a SORT (SUBJECT REVERSE DATE) UTF-8 ALL\r\n" },
    { "THREAD by references", "a THREAD REFERENCES UTF-8 ALL\r\n" },
    { "THREAD by subject", "a THREAD ORDEREDSUBJECT UTF-8 ALL\r\n" },
    { "SELECT", "a SELECT INBOX\r\n" },
};

static void fill(struct desk *desk, uint32_t count)
{
    const struct mail_plan plan = { .seed = 1, .size = MAIL_BYTES };
    struct mailbox *mailbox = desk_mailbox(desk, "INBOX");
    struct buf text = buf_make(1024 * 1024);

    for (uint32_t done = 0; done < count; done += BATCH) {
        struct append_item items[BATCH] = { 0 };
        struct origin origin = desk_origin(desk);
        struct uid first;

        for (uint32_t i = 0; i < BATCH; i++) {
            buf_clear(&text);
            mail_write(&plan, done + i + 1, &text);
            if (mail_is_planted(&plan, MAIL_PLANT_FLAG, done + i + 1))
                items[i].flags.flags = FLAG_FLAGGED;
            if (desk_body(desk, buf_bytes(&text), &items[i].body) != ERR_OK)
                abort();
        }
        if (desk_finish(desk, act_append(mailbox, &origin, items, BATCH, &first)) != ERR_OK)
            abort();
        desk_sync(desk);
        (void)desk_tick(desk); /* summaries go to their file */
    }
    buf_done(&text);
}

/* Output that is taken at once, as by a client that reads. */
static void ask(struct imap_seat *seat, const char *name, const char *line, uint32_t messages)
{
    double began = clock_ms(CLOCK_THREAD_CPUTIME_ID);
    size_t bytes = 0;
    double ms;

    imap_seat_say(seat, bytes_from_string(line));
    do {
        (void)imap_seat_step(seat);
        bytes += seat->out.len;
        buf_clear(&seat->out);
        if (seat->want == IMAP_WANT_WAKE)
            desk_settle(seat->desk);
    } while (seat->want != IMAP_WANT_INPUT || seat->unsent.len > 0);
    ms = clock_ms(CLOCK_THREAD_CPUTIME_ID) - began;
    printf("%-36s %8.3f us a message, %8.2f ms, %zu bytes\n", name, ms * 1000 / messages, ms,
           bytes);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    uint32_t messages = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : MESSAGES;
    size_t only = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    struct imap_seat seat;
    struct desk desk;

    desk_init(&desk, mem_vfs_new(1));
    if (messages == 0 || messages % BATCH != 0 || desk_open(&desk) != ERR_OK)
        return 1;
    fill(&desk, messages);
    imap_seat_open_with(&seat, &desk, search_texts_new(TEXTS_BYTES_MAX));
    ask(&seat, "SELECT", "a SELECT INBOX\r\n", messages);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (only != 0 && only != i + 1)
            continue;
        ask(&seat, commands[i].name, commands[i].line, messages);
        if (only == 0)
            ask(&seat, "  again", commands[i].line, messages);
    }
    return 0;
}
