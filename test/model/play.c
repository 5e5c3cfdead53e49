/* A life of an account: sessions stepped by hand, their answers read after each step. */
#include "model/play.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kit/imap_seat.h"
#include "kit/mem_vfs.h"
#include "model/client.h"
#include "model/clock.h"
#include "model/generate.h"
#include "model/mouth.h"
#include "model/names.h"
#include "model/samples.h"
#include "search/texts.h"
#include "store/acting.h"

enum {
    HEARD_MAX = 64 * 1024 * 1024,
    STEPS_MAX = 20000,
    SMALL_SEGMENT_BYTES = 128 * 1024,
    TEXTS_BYTES_MAX = 64 * 1024, /* a few pages: they come and go */
};

struct person {
    struct client client;
    struct imap_seat seat;
    struct mouth mouth;
    struct buf heard; /* and not yet read as whole responses */
    size_t copied; /* of the seat's output, by one who does not read */
    bool lazy;
};

struct play {
    struct world world;
    struct vfs *vfs;
    struct desk desk;
    struct person people[CLIENTS];
    struct report *report;
    struct generator generator;
    struct search_texts
        *texts; /* of two lives in three: what SEARCH and SORT keep; NULL: nothing */
    bool aloud;
    bool acts_linger; /* from one event to the next; else an act ends in the step that began it */
    struct person *acting; /* whose act goes on in steps; NULL: nobody's */
    struct bytes line; /* being read, of client */
    unsigned line_client;
};

static struct play play;

void model_fail(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    (void)vsnprintf(play.report->failure, FAILURE_BYTES, format, list);
    va_end(list);
    (void)snprintf(play.report->last_line, FAILURE_BYTES, "client %u: %.*s", play.line_client,
                   (int)(play.line.len > 3000 ? 3000 : play.line.len), (const char *)play.line.at);
    (void)fflush(stdout);
    _exit(9);
}

static void say_aloud(const struct person *person, char who, struct bytes text)
{
    while (play.aloud && text.len > 0) {
        size_t end = bytes_find(text, 0, BYTES("\r\n"));
        size_t shown = end > 300 ? 300 : end;

        printf("%c%u%s: %.*s\n", who, person->client.number, end == text.len ? "-" : "", (int)shown,
               (const char *)text.at);
        text = bytes_from(text, end == text.len ? end : end + 2);
    }
}

/* Reads the whole responses that were heard. */
static void read_heard(struct person *person)
{
    struct bytes heard = buf_bytes(&person->heard);
    size_t at = 0;

    for (;;) {
        size_t len = reader_response_len(bytes_from(heard, at));
        struct bytes line;

        if (len == 0)
            break;
        line = bytes_slice(heard, at, len - 2);
        play.line = line;
        play.line_client = person->client.number;
        say_aloud(person, 'S', bytes_slice(heard, at, len));
        client_read(&person->client, line);
        mouth_hear(&person->mouth, &person->client);
        play.report->responses++;
        at += len;
    }
    play.line.len = 0;
    buf_consume(&person->heard, at);
}

/* An act that goes on in steps is that of who began it, whoever runs them. */
static void note_act(void)
{
    struct person *person = play.acting;
    bool is_over = !account_is_acting(play.desk.account);

    model_real_change = account_change_number(play.desk.account).value;
    if (person == NULL)
        return;
    if ((is_over || model_real_change > play.world.change) && person->client.pending_count > 0)
        client_apply(&person->client, &person->client.pending[0]);
    if (is_over)
        play.acting = NULL;
}

static void settle(void)
{
    desk_settle(&play.desk);
    note_act();
}

/* The log knows how many changes there were: none that the model knows nothing of, and none less.
 */
static void compare_changes(struct person *person)
{
    struct client *client = &person->client;

    model_real_change = account_change_number(play.desk.account).value;
    if (model_real_change > play.world.change && client->pending_count > 0)
        client_apply(client, &client->pending[0]);
    /* The news before it were told, its own act is not over. */
    if (play.acting == person && model_real_change + 1 == play.world.change)
        return;
    if (model_real_change != play.world.change)
        model_fail("change %llu of the log, but %llu of the model",
                   (unsigned long long)model_real_change, (unsigned long long)play.world.change);
}

/* A command has begun when its text is taken: APPEND has its mailbox then, the others have done
 * what they do, but for an act that goes on, however long they wait before they say so. */
static void note_begun(struct person *person)
{
    struct client *client = &person->client;
    struct pending *head = &client->pending[0];
    size_t taken = person->mouth.sent - person->seat.unsent.len;

    if (client->pending_count > 0 && head->command.verb == VERB_APPEND &&
        taken >= head->announces_at)
        client_resolve(client, head);
    if (client->pending_count > 0 && head->command.verb != VERB_APPEND &&
        head->command.verb != VERB_IDLE && taken >= head->ends_at && play.acting != person)
        client_apply(client, head);
}

static bool is_over(const struct person *person)
{
    return person->seat.want == IMAP_WANT_CLOSE || person->seat.want == IMAP_WANT_HAND_BACK;
}

/* It does nothing while an act of somebody else goes on. */
static void step_beside_act(struct person *person)
{
    struct imap_seat *seat = &person->seat;
    size_t unsent = seat->unsent.len;
    size_t out = seat->out.len;

    if (seat->session == NULL || is_over(person))
        return;
    if (imap_seat_step(seat) != IMAP_WANT_WAKE || seat->unsent.len != unsent ||
        seat->out.len != out)
        model_fail("a session goes on beside an act");
}

/* An act in steps, between which the others are stepped too. */
static void finish_act(const struct person *actor)
{
    while (account_is_acting(play.desk.account)) {
        for (unsigned i = 0; i < CLIENTS; i++)
            if (&play.people[i] != actor)
                step_beside_act(&play.people[i]);
        (void)account_step(play.desk.account);
    }
}

static void step(struct person *person)
{
    struct imap_seat *seat = &person->seat;

    note_act();
    (void)imap_seat_step(seat);
    while (!play.acts_linger && account_is_acting(play.desk.account)) {
        finish_act(person);
        (void)imap_seat_step(seat);
    }
    play.report->waits += seat->want == IMAP_WANT_WAKE;
    play.report->drains += seat->want == IMAP_WANT_DRAIN;
    if (play.acting == NULL && account_is_acting(play.desk.account))
        play.acting = person;
    model_real_change = account_change_number(play.desk.account).value;
    buf_add(&person->heard, bytes_from(buf_bytes(&seat->out), person->copied));
    person->copied = seat->out.len;
    if (!person->lazy) {
        buf_clear(&seat->out);
        person->copied = 0;
    }
    read_heard(person);
    note_begun(person);
    if (play.acting == NULL || play.acting == person)
        compare_changes(person);
    note_act();
}

static void give(struct person *person, size_t most)
{
    struct bytes ready = bytes_slice(mouth_ready(&person->mouth), 0, most);

    if (ready.len == 0)
        return;
    say_aloud(person, 'C', ready);
    imap_seat_say(&person->seat, ready);
    mouth_take(&person->mouth, &person->client, ready.len);
}

static void open_person(struct person *person, unsigned number)
{
    struct client *client = &person->client;

    memset(client, 0, offsetof(struct client, view));
    client->selected = NULL;
    client_forget_selected(client);
    client->pending_count = 0;
    client->next_tag = client->bad_in_a_row = client->plus = 0;
    client->ended = false;
    client->ended_at = 0;
    client->highest = 0;
    client->number = number;
    client->world = &play.world;
    client->uid_seen = 0;
    mouth_init(&person->mouth);
    person->heard = buf_make(HEARD_MAX);
    person->copied = 0;
    person->lazy = false;
    settle(); /* who comes would have to wait for an act that goes on */
    imap_seat_open_with(&person->seat, &play.desk, play.texts);
}

static void close_person(struct person *person)
{
    imap_seat_close(&person->seat);
    mouth_done(&person->mouth);
    buf_done(&person->heard);
}

static void cut(struct person *person)
{
    unsigned number = person->client.number;

    if (play.aloud)
        printf("# client %u is cut off\n", number);
    /* What it began to do goes on without it, or is given up: the log knows. */
    if (play.acting == person && person->client.pending[0].applied)
        settle();
    close_person(person);
    if (play.acting == person) {
        desk_settle(&play.desk);
        model_real_change = account_change_number(play.desk.account).value;
        if (model_real_change > play.world.change)
            client_apply(&person->client, &person->client.pending[0]);
        play.acting = NULL;
    }
    open_person(person, number);
}

/* A literal that was announced cannot be ended otherwise when what it says is lost on the way:
 * expunged by others, and its place given away. */
static bool was_broken_off(const struct person *person)
{
    const struct client *client = &person->client;
    bool lost = client->selected != NULL && client->selected->deleted;

    for (uint32_t i = 0; i < client->count; i++)
        lost |= client->view[i].row->expunged != 0;
    return lost && person->heard.len > 0 && client->pending_count > 0 &&
           client->pending[0].command.verb == VERB_FETCH;
}

static void come_back(struct person *person)
{
    if (!person->client.ended && !was_broken_off(person))
        model_fail("the session ends by itself");
    cut(person);
}

/* Until nothing more comes by itself. */
static void run(struct person *person)
{
    for (unsigned steps = 0; steps < STEPS_MAX; steps++) {
        give(person, SIZE_MAX);
        step(person);
        if (person->seat.want == IMAP_WANT_WAKE)
            settle();
        if (person->seat.want == IMAP_WANT_DRAIN && person->lazy)
            return; /* until it reads again */
        if (is_over(person)) {
            come_back(person);
            return;
        }
        if (person->seat.want == IMAP_WANT_INPUT && person->seat.unsent.len == 0 &&
            mouth_ready(&person->mouth).len == 0)
            return;
    }
    model_fail("the session never comes to rest");
}

static bool is_idle(const struct client *client)
{
    return client->pending_count > 0 && client->pending[0].command.verb == VERB_IDLE &&
           client->pending[0].continued;
}

/* IDLE hears of everything in the same turn (RFC 9051 section 6.3.13). */
static void tell_idle(void)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct person *person = &play.people[i];

        if (!is_idle(&person->client) || person->lazy || play.acting != NULL)
            continue;
        for (unsigned n = 0; n < 3; n++)
            step(person);
        if (is_idle(&person->client) && person->heard.len == 0)
            client_check_told(&person->client, true);
    }
}

static void note_overlap(const struct person *busy)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct client *client = &play.people[i].client;

        if (&play.people[i] == busy || client->pending_count == 0 || is_idle(client))
            continue;
        if (!client->pending[0].overlapped)
            play.report->overlaps++;
        for (unsigned n = 0; n < client->pending_count; n++)
            client->pending[n].overlapped = true;
    }
}

/* Commands that change what the next ones mean are not sent in front of others. */
static bool may_say(const struct client *client)
{
    enum model_verb last;

    if (client->pending_count == 0)
        return true;
    last = (enum model_verb)client->pending[client->pending_count - 1].command.verb;
    return client->pending_count < PENDING_MAX && last != VERB_IDLE && last != VERB_ENABLE &&
           last != VERB_LOGOUT && last != VERB_UNAUTHENTICATE;
}

static void say(struct person *person, const struct model_command *command)
{
    if (!may_say(&person->client))
        return;
    play.report->commands++;
    play.report->by_verb[command->verb]++;
    play.report->uid_forms += command->uid;
    play.report->pipelined += person->client.pending_count > 0;
    mouth_say(&person->mouth, &person->client, command);
}

static void end_idle(struct person *person)
{
    if (!is_idle(&person->client))
        return;
    buf_add(&person->mouth.unsent, BYTES("DONE\r\n"));
    run(person);
}

static void reopen(void)
{
    if (play.aloud)
        printf("reopen\n");
    settle();
    for (unsigned i = 0; i < CLIENTS; i++)
        close_person(&play.people[i]);
    desk_close(&play.desk);
    if (desk_open(&play.desk) != ERR_OK)
        model_fail("the account does not open again");
    for (unsigned i = 0; i < CLIENTS; i++)
        open_person(&play.people[i], i + 1);
}

static void do_event(const struct event *event)
{
    struct person *person = &play.people[event->client];

    switch ((enum event_kind)event->kind) {
    case EVENT_SAY: say(person, &event->command); return;
    case EVENT_RUN: run(person); break;
    case EVENT_FEED:
        give(person, event->amount);
        step(person);
        break;
    case EVENT_STEP: step(person); break;
    case EVENT_CUT:
        play.report->cuts++;
        cut(person);
        break;
    case EVENT_DONE: end_idle(person); break;
    case EVENT_LAZY:
        person->lazy = !person->lazy;
        step(person);
        break;
    case EVENT_COLD: mem_vfs_chill(play.vfs); break;
    case EVENT_JOB:
        (void)jobs_run(&play.desk.jobs);
        (void)jobs_deliver(&play.desk.jobs);
        (void)account_step(play.desk.account);
        note_act();
        return;
    case EVENT_TICK: (void)desk_tick(&play.desk); break;
    case EVENT_REOPEN: reopen(); break;
    }
    if (is_over(person))
        come_back(person);
    note_overlap(person);
    tell_idle();
}

/* --- a life --- */

/* What a store may be set to is no business of clients: each share of the seeds has its own. */
static void choose_options(struct account_options *options, uint64_t seed)
{
    play.acts_linger = seed % 4 == 1;
    options->step_cost = play.acts_linger ? 1 + (uint32_t)(seed % 64) : seed % 4 == 3;
    options->log_segment_bytes = seed % 3 == 1 ? SMALL_SEGMENT_BYTES : 0;
    options->checkpoint_bytes = seed % 5 == 1 ? SMALL_SEGMENT_BYTES : 0;
    options->compress = seed % 7 == 1;
    options->strict = seed % 11 == 1;
}

static void begin(struct report *report, uint64_t seed)
{
    static const struct model_clock clock = { "14-Nov-2023 22:13:20 +0000", 1700000000, 20231114 };

    model_clock = clock;
    play.report = report;
    report->seed = seed;
    play.vfs = mem_vfs_new(seed);
    play.texts = seed % 3 == 0 ? NULL : search_texts_new(TEXTS_BYTES_MAX);
    desk_init(&play.desk, play.vfs);
    choose_options(&play.desk.options, seed);
    if (desk_open(&play.desk) != ERR_OK)
        model_fail("the account does not open");
    world_init(&play.world, account_change_number(play.desk.account).value);
    for (unsigned i = 0; i < CLIENTS; i++)
        open_person(&play.people[i], i + 1);
}

/* Everybody ends what was begun, and is told all. */
static void finish(void)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct person *person = &play.people[i];

        person->lazy = false;
        end_idle(person);
        run(person);
        note_overlap(person);
        if (person->client.pending_count > 0 && !is_idle(&person->client))
            model_fail("a command was never answered");
        end_idle(person);
        close_person(person);
    }
    desk_close(&play.desk);
    if (mem_vfs_open_files(play.vfs) != 0)
        model_fail("a file is still open");
    mem_vfs_free(play.vfs);
    search_texts_free(play.texts);
    world_done(&play.world);
}

static bool is_worn_out(void)
{
    if (play.world.box_count > BOXES_MAX - 60 || play.world.name_count > BOXES_MAX * 3)
        return true;
    for (unsigned i = 0; i < play.world.box_count; i++)
        if (play.world.boxes[i].row_count > BOX_ROWS_MAX - 150)
            return true;
    return false;
}

static uint64_t below(uint64_t limit)
{
    return test_random_below(&play.generator.random, limit);
}

static void note(enum event_kind kind, unsigned client, uint32_t amount)
{
    struct event *event = &play.report->events[play.report->event_count];

    if (play.report->event_count == EVENTS_MAX)
        return;
    play.report->event_count++;
    memset(event, 0, sizeof(*event));
    event->kind = (uint8_t)kind;
    event->client = (uint8_t)client;
    event->amount = amount;
    if (kind == EVENT_SAY)
        model_generate(&play.generator, &play.people[client].client,
                       play.people[client].client.pending_count > 0, &event->command);
    do_event(event);
}

static void note_commands(unsigned client)
{
    uint64_t kind = below(20);
    unsigned count = kind < 16 ? 1 : 1 + (unsigned)below(4);

    for (unsigned i = 0; i < count; i++)
        note(EVENT_SAY, client, 0);
    if (kind < 18)
        note(EVENT_RUN, client, 0);
    else
        note(EVENT_FEED, client, (uint32_t)below(120));
}

static void go_on(unsigned client)
{
    if (play.people[client].lazy && below(4) == 0) {
        note(EVENT_LAZY, client, 0);
        return;
    }
    switch (below(12)) {
    case 0: note(EVENT_STEP, client, 0); break;
    case 1: note(EVENT_CUT, client, 0); break;
    case 2:
    case 3:
    case 4: note(EVENT_FEED, client, (uint32_t)below(200)); break;
    case 5:
    case 6: note(EVENT_JOB, client, 0); break;
    default: note(EVENT_RUN, client, 0); break;
    }
}

static void note_something(void)
{
    unsigned client = (unsigned)below(CLIENTS);
    const struct client *who = &play.people[client].client;

    switch (below(400)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4: note(EVENT_COLD, client, 0); return;
    case 5: note(EVENT_TICK, client, 0); return;
    case 6: note(EVENT_CUT, client, 0); return;
    case 7:
    case 8: note(EVENT_LAZY, client, 0); return;
    case 10:
    case 11:
    case 12:
    case 13:
    case 14:
    case 15:
        if (!play.generator.large || play.people[client].lazy)
            break;
        note(EVENT_LAZY, client, 0);
        return;
    case 9:
        if (below(10) == 0)
            note(EVENT_REOPEN, client, 0);
        return;
    default: break;
    }
    if (is_idle(who)) {
        if (below(4) == 0)
            note(EVENT_DONE, client, 0);
    } else if (who->pending_count > 0) {
        go_on(client);
    } else {
        note_commands(client);
    }
}

void play_seed(struct report *report, uint64_t seed, uint32_t count)
{
    play.generator = (struct generator){ .random = { seed }, .large = seed % 8 == 0 };
    report->event_count = 0;
    begin(report, seed);
    while (report->event_count + 8 < count && !is_worn_out())
        note_something();
    finish();
}

void play_again(struct report *report, bool aloud)
{
    play.aloud = aloud;
    begin(report, report->seed);
    for (uint32_t i = 0; i < report->event_count; i++)
        do_event(&report->events[i]);
    finish();
}
