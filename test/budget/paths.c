/* One hot path after its preparations, for callgrind to count: see README.md.
 *
 *     paths NAME     runs it; prints what it is about and how many units were measured
 *     paths list
 *
 * Exit status 77: the server cannot do that. Everything is in memory, but the shard's account. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "kit/assert_bytes.h"
#include "kit/imap_seat.h"
#include "kit/mem_vfs.h"
#include "kit/shard_seat.h"
#include "load/mail.h"
#include "search/texts.h"
#include "smtp/session.h"
#include "store/acting.h"

enum {
    MESSAGES = 1000,
    BATCH = 100, /* of an APPEND that fills */
    APPENDS = 50,
    DELIVERIES = 50,
    LOOKED_AT_BYTES = 1024,
    TEXTS_BYTES_MAX = 1024 * 1024,
    OUT_BYTES_MAX = 64 * 1024 * 1024,
    SETTLED_TICKS = 20, /* two seconds: summaries are in their file by then, as in a server */
    NOT_THERE = 77,
};

static const struct mail_plan plan = { .seed = 1, .size = 2000 };

struct stage {
    const struct path *path;
    struct desk desk;
    struct imap_seat seat;
    struct fixture *shard;
    struct ipc_ticket tickets[DELIVERIES];
    struct buf said; /* what the measured part says */
};

struct path {
    const char *name;
    const char *needs; /* a capability; or NULL */
    const char *before; /* commands that are not measured, LF between them; or NULL */
    const char *command; /* `times` times */
    const char *answer; /* stands in what is answered to it */
    uint64_t times;
    uint64_t units; /* of what is told of, in one */
    void (*prepare)(struct stage *stage); /* instead of `before` */
    void (*run)(struct stage *stage); /* instead of `command` */
};

void budget_measure(void (*act)(struct stage *), struct stage *stage);

/* Callgrind counts inside this function only. */
NO_INLINE void budget_measure(void (*act)(struct stage *), struct stage *stage)
{
    act(stage);
    __asm__ volatile("" ::: "memory"); /* no jump instead of the call */
}

NORETURN static void stop(const struct stage *stage, const char *why)
{
    (void)fprintf(stderr, "paths: %s: %s\n", stage->path->name, why);
    exit(1);
}

/* Looks at both ends of what is long: the look is not to cost what is measured. */
static bool holds(const struct buf *out, const char *text)
{
    size_t end = out->len < LOOKED_AT_BYTES ? out->len : LOOKED_AT_BYTES;

    return memmem(out->at, end, text, strlen(text)) != NULL ||
           memmem(out->at + out->len - end, end, text, strlen(text)) != NULL;
}

/* Steps until the session waits for input, and reads at once; true when `answer` was put out. */
static bool finish(struct stage *stage, const char *answer)
{
    struct imap_seat *seat = &stage->seat;
    bool is_answered = answer == NULL;

    do {
        (void)imap_seat_step(seat);
        if (!is_answered)
            is_answered = seat->out.len > 0 && holds(&seat->out, answer);
        buf_clear(&seat->out);
        if (seat->want == IMAP_WANT_WAKE)
            desk_settle(&stage->desk);
        if (seat->want == IMAP_WANT_CLOSE)
            stop(stage, "the session has ended");
    } while (seat->want != IMAP_WANT_INPUT || seat->unsent.len > 0);
    desk_sync(&stage->desk);
    return is_answered;
}

static void say(struct stage *stage, const char *line, size_t len)
{
    imap_seat_say(&stage->seat, bytes_make(line, len));
    imap_seat_say(&stage->seat, BYTES("\r\n"));
}

static void add_literal(struct buf *out, uint64_t number)
{
    struct buf text = buf_make(OUT_BYTES_MAX);

    mail_write(&plan, number, &text);
    buf_add_format(out, " (%s) {%zu+}\r\n",
                   mail_is_planted(&plan, MAIL_PLANT_FLAG, number) ? "\\Flagged" : "", text.len);
    buf_add(out, buf_bytes(&text));
    buf_done(&text);
}

/* An APPEND of `count` messages, the first of which has that number. */
static void add_append(struct buf *out, uint64_t first, uint64_t count)
{
    buf_add_string(out, "a APPEND INBOX");
    for (uint64_t i = 0; i < count; i++)
        add_literal(out, first + i);
    buf_add_string(out, "\r\n");
}

static void open_session(struct stage *stage)
{
    desk_init(&stage->desk, mem_vfs_new(1));
    if (desk_open(&stage->desk) != ERR_OK)
        stop(stage, "no account");
    imap_seat_open_with(&stage->seat, &stage->desk, search_texts_new(TEXTS_BYTES_MAX));
}

/* MESSAGES in INBOX. */
static void fill(struct stage *stage)
{
    struct buf text = buf_make(OUT_BYTES_MAX);

    for (uint64_t first = 1; first < MESSAGES; first += BATCH) {
        buf_clear(&text);
        add_append(&text, first, BATCH);
        imap_seat_say(&stage->seat, buf_bytes(&text));
        if (!finish(stage, "a OK [APPENDUID "))
            stop(stage, "an APPEND was refused");
    }
    buf_done(&text);
    for (int tick = 0; tick < SETTLED_TICKS; tick++)
        (void)desk_tick(&stage->desk);
}

static void say_lines(struct stage *stage, const char *lines)
{
    while (lines != NULL && *lines != '\0') {
        const char *end = strchrnul(lines, '\n');

        say(stage, lines, (size_t)(end - lines));
        if (!finish(stage, "a OK"))
            stop(stage, "a preparation was refused");
        lines = *end == '\n' ? end + 1 : end;
    }
}

static void prepare_filled(struct stage *stage)
{
    open_session(stage);
    if (stage->path->needs != NULL) {
        say(stage, "a CAPABILITY", strlen("a CAPABILITY"));
        if (!finish(stage, stage->path->needs))
            exit(NOT_THERE);
    }
    fill(stage);
    say_lines(stage, stage->path->before);
}

static void run_command(struct stage *stage)
{
    const struct path *path = stage->path;

    for (uint64_t i = 0; i < path->times; i++) {
        say(stage, path->command, strlen(path->command));
        if (!finish(stage, path->answer))
            stop(stage, "not the answer");
    }
}

/* APPENDS commands, each read as it would come. */
static void prepare_append(struct stage *stage)
{
    open_session(stage);
    fill(stage);
    for (uint64_t i = 1; i <= APPENDS; i++)
        add_append(&stage->said, i, 1);
    imap_seat_say(&stage->seat, buf_bytes(&stage->said));
}

static void prepare_multiappend(struct stage *stage)
{
    open_session(stage);
    fill(stage);
    add_append(&stage->said, 1, BATCH);
    imap_seat_say(&stage->seat, buf_bytes(&stage->said));
}

static void run_append(struct stage *stage)
{
    if (!finish(stage, "a OK [APPENDUID "))
        stop(stage, "an APPEND was refused");
    for (int i = 0; i < APPENDS; i++) /* summaries are made meanwhile, some at a time */
        (void)desk_tick(&stage->desk);
}

/* The envelope and the message, as a client sends them. */
static void prepare_intake(struct stage *stage)
{
    buf_add_string(&stage->said, "LHLO client\r\n");
    for (uint64_t i = 1; i <= DELIVERIES; i++) {
        buf_add_string(&stage->said, "MAIL FROM:<a@example.net>\r\nRCPT TO:<alice>\r\nDATA\r\n");
        mail_write(&plan, i, &stage->said);
        buf_add_string(&stage->said, ".\r\n");
    }
}

/* What a gate does for the session, without a spool, auth and shards. */
static void attend(struct smtp_session *session, enum smtp_want want)
{
    struct buf trace = buf_make(16 * 1024);
    uint64_t number;

    if (want == SMTP_RECIPIENT) {
        smtp_session_recipient_is(session, smtp_session_asked(session).slot, SMTP_ACCEPTED, 0);
    } else if (want == SMTP_SPOOL) {
        (void)smtp_session_chunk(session, &number);
        smtp_session_spooled(session, SMTP_ACCEPTED);
    } else if (want == SMTP_DELIVER) {
        smtp_session_trace(session, 0, (struct wall){ INT64_C(1700000000) * 1000000 }, &trace);
        smtp_session_delivered(session, 0, SMTP_ACCEPTED);
    }
    buf_done(&trace);
}

static void run_intake(struct stage *stage)
{
    struct smtp_options options = { .host = BYTES("roost"),
                                    .address = BYTES("192.0.2.1:4711"),
                                    .session = 12,
                                    .size_max = 1024 * 1024,
                                    .recipients_max = 3,
                                    .timeout_ms = 60000 };
    struct mono now = { 1000 };
    struct smtp_session *session = smtp_session_new(&options, now);
    struct buf out = buf_make(SMTP_OUTPUT_BYTES + 8192);
    struct bytes left = buf_bytes(&stage->said);
    unsigned accepted = 0;
    enum smtp_want want;
    size_t used;

    do {
        buf_clear(&out);
        want = smtp_session_step(session, left, now, &used, &out);
        left = bytes_from(left, used);
        accepted += want == SMTP_DELIVER;
        attend(session, want);
    } while (left.len > 0 || want != SMTP_INPUT);
    if (accepted != DELIVERIES)
        stop(stage, "not all were accepted");
    buf_done(&out);
    smtp_session_free(session);
}

static void prepare_delivery(struct stage *stage)
{
    void *shard = NULL;

    if (seat_set_up(&shard) != 0)
        stop(stage, "no shard");
    stage->shard = shard;
    for (size_t i = 0; i < DELIVERIES; i++)
        stage->tickets[i] = seat_announce(stage->shard, 1, IPC_SERVICE_LMTP);
}

static void run_delivery(struct stage *stage)
{
    for (size_t i = 0; i < DELIVERIES; i++) {
        buf_clear(&stage->said);
        mail_write(&plan, i + 1, &stage->said);
        seat_deliver(stage->shard, stage->tickets[i], BYTES(""), buf_bytes(&stage->said));
        seat_settle(stage->shard);
        if (seat_hear_delivered(stage->shard) != IPC_OK)
            stop(stage, "a delivery was refused");
    }
}

#define FIELDS \
    "From To Cc Bcc Subject Date Message-ID Priority X-Priority References Newsgroups " \
    "In-Reply-To Content-Type Reply-To"
#define LIST "a FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)"
#define HEADERS "a FETCH 1:* (UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (" FIELDS ")])"
#define SELECTED "a SELECT INBOX"

static const struct path paths[] = {
    { .name = "append", .units = APPENDS, .prepare = prepare_append, .run = run_append },
    { .name = "multiappend", .units = BATCH, .prepare = prepare_multiappend, .run = run_append },
    { .name = "lmtp-intake", .units = DELIVERIES, .prepare = prepare_intake, .run = run_intake },
    { .name = "delivery", .units = DELIVERIES, .prepare = prepare_delivery, .run = run_delivery },
    { .name = "select", .before = SELECTED, .command = SELECTED, .times = 50, .units = 1 },
    { .name = "fetch-flags",
      .before = SELECTED "\na FETCH 1:* FLAGS",
      .command = "a FETCH 1:* FLAGS",
      .units = MESSAGES },
    { .name = "fetch-list", .before = SELECTED "\n" LIST, .command = LIST, .units = MESSAGES },
    { .name = "fetch-headers",
      .before = SELECTED "\n" HEADERS,
      .command = HEADERS,
      .units = MESSAGES },
    { .name = "fetch-bodies",
      .before = SELECTED "\na FETCH 1:* BODY.PEEK[]",
      .command = "a FETCH 1:* BODY.PEEK[]",
      .units = MESSAGES },
    { .name = "store-one",
      .before = SELECTED,
      .command = "a STORE 500 +FLAGS (\\Seen)\r\na STORE 500 -FLAGS (\\Seen)",
      .times = 25,
      .units = 2 },
    { .name = "store-many",
      .before = SELECTED,
      .command = "a STORE 1:* +FLAGS (\\Seen)",
      .units = MESSAGES },
    { .name = "search-flags",
      .before = SELECTED,
      .command = "a SEARCH FLAGGED",
      .answer = "* SEARCH 10 20 ",
      .times = 10,
      .units = MESSAGES },
    { .name = "search-header",
      .before = SELECTED "\n" LIST,
      .command = "a SEARCH SUBJECT \"harvest report\"",
      .answer = "* SEARCH 5 94 ",
      .units = MESSAGES },
    { .name = "search-again",
      .before = SELECTED "\na SEARCH SUBJECT report",
      .command = "a SEARCH SUBJECT \"harvest report\"",
      .answer = "* SEARCH 5 94 ",
      .times = 10,
      .units = MESSAGES },
    { .name = "search-body",
      .before = SELECTED "\na SEARCH BODY \"quicksilverword\"",
      .command = "a SEARCH BODY \"quicksilverword\"",
      .answer = "* SEARCH 7 90 ",
      .units = MESSAGES },
    { .name = "sort",
      .needs = " SORT",
      .before = SELECTED "\na SORT (DATE) UTF-8 ALL",
      .command = "a SORT (DATE) UTF-8 ALL",
      .answer = "* SORT ",
      .units = MESSAGES },
    { .name = "thread",
      .needs = " THREAD=REFERENCES",
      .before = SELECTED "\na THREAD REFERENCES UTF-8 ALL",
      .command = "a THREAD REFERENCES UTF-8 ALL",
      .answer = "* THREAD ",
      .units = MESSAGES },
    { .name = "copy",
      .before = SELECTED "\na CREATE Copies\na COPY 1:* Copies",
      .command = "a COPY 1:* Copies",
      .units = MESSAGES },
    { .name = "expunge",
      .before = SELECTED "\na STORE 1:* +FLAGS.SILENT (\\Deleted)",
      .command = "a EXPUNGE",
      .units = MESSAGES },
};

static void play(const struct path *path)
{
    static struct stage stage;
    struct path whole = *path;

    whole.times = whole.times == 0 ? 1 : whole.times;
    whole.prepare = whole.prepare == NULL ? prepare_filled : whole.prepare;
    whole.run = whole.run == NULL ? run_command : whole.run;
    whole.answer = whole.answer == NULL ? "a OK" : whole.answer;
    stage = (struct stage){ .path = &whole, .said = buf_make(OUT_BYTES_MAX) };
    whole.prepare(&stage);
    budget_measure(whole.run, &stage);
    if (stage.shard != NULL) {
        void *shard = stage.shard;

        (void)seat_tear_down(&shard);
    }
    printf("%" PRIu64 "\n", whole.times * whole.units);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 64;
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        if (strcmp(argv[1], "list") == 0) {
            puts(paths[i].name);
        } else if (strcmp(argv[1], paths[i].name) == 0) {
            play(&paths[i]);
            return 0;
        }
    }
    return strcmp(argv[1], "list") == 0 ? 0 : 64;
}
