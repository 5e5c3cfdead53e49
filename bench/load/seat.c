/* What a client does next. */
#include "load/seat.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct check_want nothing_wanted;

uint64_t seat_now_ns(void)
{
    struct timespec at;

    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000 + (uint64_t)at.tv_nsec;
}

static bool is_listener(const struct seat *seat)
{
    return seat->task->kind == WORKLOAD_HEAR && seat->index > 0;
}

static void note(struct run *run, const char *why)
{
    if (run->result->why[0] == '\0')
        (void)snprintf(run->result->why, sizeof(run->result->why), "%s", why);
}

/* The run cannot go on. */
static bool give_up(struct seat *seat, const char *why)
{
    note(seat->run, why);
    seat->run->result->errors++;
    seat->step = SEAT_OVER;
    return false;
}

/* A stride that is prime: neighbours in time are not neighbours on the disk. */
static uint64_t one_of(const struct seat *seat)
{
    return seat->operation * 7919 % seat->run->options->messages + 1;
}

/* What is set in one round is unset in the next. */
static bool is_plus(const struct seat *seat)
{
    const struct run_options *options = seat->run->options;
    bool is_one = seat->task->amount == AMOUNT_ONE;

    if (seat->run->is_stored != NULL)
        return !seat->run->is_stored[seat->index % options->accounts * options->messages +
                                     one_of(seat) - 1];
    return seat->operation / (is_one ? options->messages : 1) % 2 == 0;
}

static void add_sign(const struct seat *seat, struct buf *out)
{
    const struct run_options *options = seat->run->options;
    bool plus = is_plus(seat);

    buf_add_byte(out, plus ? '+' : '-');
    if (seat->run->is_stored != NULL)
        seat->run
            ->is_stored[seat->index % options->accounts * options->messages + one_of(seat) - 1] =
            plus;
}

static void add_term(const struct seat *seat, char term, struct buf *out)
{
    const struct run_options *options = seat->run->options;
    uint64_t page = wants_page(options);
    uint64_t first = (one_of(seat) - 1) / page * page + 1;
    char id[MAIL_ID_BYTES];

    if (first + page - 1 > options->messages)
        first = options->messages - page + 1;
    switch (term) {
    case 'a': buf_add_format(out, "1:%" PRIu64, options->messages); break;
    case 'b': buf_add_format(out, "1:%" PRIu64, options->block); break;
    case 'p': buf_add_format(out, "%" PRIu64 ":%" PRIu64, first, first + page - 1); break;
    case 'o': buf_add_number(out, one_of(seat)); break;
    case 'm': buf_add_string(out, options->mailbox); break;
    case 's': add_sign(seat, out); break;
    case 'l': buf_add_number(out, mail_large_bytes(&options->plan)); break;
    case 'i':
        mail_write_id(&options->plan, MAIL_SOUGHT, id);
        buf_add_string(out, id);
        break;
    default: buf_add_byte(out, (uint8_t)term); break;
    }
}

static void add_tag(struct seat *seat)
{
    (void)snprintf(seat->tag, sizeof(seat->tag), "t%" PRIu64, ++seat->commands);
    buf_add_string(&seat->wire.out, seat->tag);
    buf_add_byte(&seat->wire.out, ' ');
}

/* Sends one line of `text`, up to an LF or its end; answers what is behind it. */
static const char *send_line(struct seat *seat, const char *text, enum seat_step step)
{
    struct buf *out = &seat->wire.out;

    add_tag(seat);
    for (; *text != '\0' && *text != '\n'; text++) {
        if (*text == '%')
            add_term(seat, *++text, out);
        else
            buf_add_byte(out, (uint8_t)*text);
    }
    buf_add_string(out, "\r\n");
    check_begin(&seat->check, &seat->run->options->plan, nothing_wanted);
    seat->step = step;
    return *text == '\n' ? text + 1 : text;
}

static void send_select(struct seat *seat, const char *mailbox)
{
    char text[100];

    (void)snprintf(text, sizeof(text), "SELECT %s", mailbox);
    (void)send_line(seat, text, SEAT_SELECT);
}

static void send_login(struct seat *seat)
{
    const struct run_options *options = seat->run->options;
    char text[300];

    (void)snprintf(text, sizeof(text), "LOGIN %s%" PRIu64 " \"%s\"", options->user,
                   seat->index % options->accounts, options->password);
    (void)send_line(seat, text, SEAT_LOGIN);
}

static struct bytes text_of(struct seat *seat, uint64_t number)
{
    if (seat->text_number != number) {
        seat->text.max = seat->wire.out.max;
        buf_clear(&seat->text);
        mail_write(&seat->run->options->plan, number, &seat->text);
        seat->text_number = number;
    }
    return buf_bytes(&seat->text);
}

/* Makes the text that is sent next while the server is at work: a client has its mail ready. */
static void get_ready(struct seat *seat)
{
    const struct run *run = seat->run;
    bool is_alone = run->options->connections == 1 && seat->task->messages_each == 1;

    if (seat->step == SEAT_ENVELOPE)
        (void)text_of(seat, seat->operation + 1);
    else if (seat->task->kind == WORKLOAD_APPEND && seat->step == SEAT_COMMAND && is_alone)
        (void)text_of(seat, run->begun + 1);
}

/* Adds a message and counts its bytes; what stands before a literal as well. */
static void add_message(struct seat *seat, uint64_t number, bool is_literal)
{
    const struct mail_plan *plan = &seat->run->options->plan;
    struct buf *out = &seat->wire.out;
    struct bytes text = text_of(seat, number);

    if (is_literal)
        buf_add_format(out, " (%s) %s{%zu+}\r\n",
                       mail_is_planted(plan, MAIL_PLANT_FLAG, number) ? "\\Flagged" : "",
                       mail_is_planted(plan, MAIL_PLANT_DATE, number) ? MAIL_OLD_DATE " " : "",
                       text.len);
    buf_add(out, text);
    seat->run->result->bytes += text.len;
}

static void send_append(struct seat *seat)
{
    uint64_t each = seat->task->messages_each;
    uint64_t before = (seat->task->is_even ? seat->turns : seat->operation) * each;

    add_tag(seat);
    buf_add_string(&seat->wire.out, "APPEND INBOX");
    for (uint64_t i = 1; i <= each; i++)
        add_message(seat, before + i, true);
    buf_add_string(&seat->wire.out, "\r\n");
    seat->step = SEAT_COMMAND;
}

static void send_envelope(struct seat *seat)
{
    const struct run_options *options = seat->run->options;
    uint64_t first = seat->index * options->recipients;

    buf_add_string(&seat->wire.out, "MAIL FROM:<sender@example.net>\r\n");
    for (uint64_t i = 0; i < options->recipients; i++)
        buf_add_format(&seat->wire.out, "RCPT TO:<%s%" PRIu64 ">\r\n", options->user,
                       (first + i) % options->accounts);
    buf_add_string(&seat->wire.out, "DATA\r\n");
    seat->answers_left = options->recipients + 2;
    seat->step = SEAT_ENVELOPE;
}

static void want_answers(struct seat *seat)
{
    struct run *run = seat->run;
    struct check_want want = wants_of(&run->wants, run->options, seat->task, one_of(seat));

    if (seat->task->own_bytes) {
        want.sums = run->sums;
        want.sums_count = run->sums_count;
    }
    check_begin(&seat->check, &run->options->plan, want);
}

/* The timed part of an operation. */
static void send_operation(struct seat *seat)
{
    switch (seat->task->kind) {
    case WORKLOAD_HEAR:
    case WORKLOAD_APPEND: send_append(seat); break;
    case WORKLOAD_LMTP: send_envelope(seat); break;
    case WORKLOAD_COMMAND: (void)send_line(seat, seat->task->command, SEAT_COMMAND); break;
    case WORKLOAD_MIX:
    case WORKLOAD_LOGIN: break;
    }
    want_answers(seat);
    seat->begun_ns = seat_now_ns();
}

static bool connect_seat(struct seat *seat)
{
    seat->step = SEAT_GREETING;
    seat->is_new = true;
    if (!wire_open(&seat->wire, seat->run->options->port, seat->run->options->context))
        return give_up(seat, "nobody listens");
    return true;
}

bool seat_open(struct seat *seat, struct run *run, uint64_t index)
{
    *seat = (struct seat){
        .run = run, .task = run->options->workload, .index = index, .wire = { .fd = -1 }
    };
    seat->script = seat->task->setup;
    if (seat->task->kind == WORKLOAD_HEAR && index == 0)
        run->speaker = seat;
    if (seat->task->kind != WORKLOAD_LOGIN)
        return connect_seat(seat);
    seat->step = SEAT_READY;
    run->ready++;
    return true;
}

void seat_close(struct seat *seat)
{
    wire_close(&seat->wire);
    buf_done(&seat->text);
    seat->text_number = 0;
}

static bool is_enough(const struct run *run)
{
    const struct run_options *options = run->options;

    if (options->until_told)
        return run->is_told;
    return run->begun >= options->operations &&
           seat_now_ns() - run->start_ns >= options->least_ms * 1000000;
}

/* The run, or this seat of it, has no more to do. */
static bool is_over(const struct seat *seat)
{
    const struct run_options *options = seat->run->options;

    return is_enough(seat->run) ||
           (seat->task->is_even && seat->turns == options->operations / options->connections);
}

bool seat_go_on(struct seat *seat)
{
    struct run *run = seat->run;

    if (is_listener(seat))
        return true;
    if (is_over(seat)) {
        run->is_closing |= is_enough(run);
        seat->step = SEAT_OVER;
        return true;
    }
    seat->operation = run->begun++;
    seat->is_wrong = false;
    run->heard = 0;
    if (run->options->workload->kind == WORKLOAD_MIX)
        seat->task = workload_of_mix(seat->operation);
    if (seat->task->kind == WORKLOAD_LOGIN) {
        seat->begun_ns = seat_now_ns();
        return connect_seat(seat);
    }
    if (seat->task->prepare != NULL)
        seat->script = send_line(seat, seat->task->prepare, SEAT_PREPARE);
    else
        send_operation(seat);
    if (!wire_flush(&seat->wire))
        return give_up(seat, "the connection has gone");
    get_ready(seat);
    return true;
}

/* Messages, or deliveries, in an operation. */
static uint64_t items_of(const struct seat *seat)
{
    const struct run_options *options = seat->run->options;

    if (seat->task->kind == WORKLOAD_LMTP)
        return options->recipients;
    if (seat->task->kind == WORKLOAD_APPEND)
        return seat->task->messages_each;
    if (seat->task->command != NULL && strstr(seat->task->command, "%b") != NULL)
        return options->block;
    if (seat->task->amount == AMOUNT_BLOCK)
        return options->block;
    if (seat->task->command != NULL && strstr(seat->task->command, "COPY %a") != NULL)
        return options->messages;
    return seat->task->word != NULL && strcmp(seat->task->word, "FETCH") == 0
               ? seat->check.want.count
               : 1;
}

static uint64_t added_by(const struct seat *seat)
{
    const char *command = seat->task->command != NULL ? seat->task->command : "";

    if (strncmp(command, "COPY ", 5) == 0 || strncmp(command, "MOVE ", 5) == 0)
        return items_of(seat);
    return seat->task->kind == WORKLOAD_LMTP ? seat->run->options->recipients
                                             : seat->task->messages_each;
}

static void rest(unsigned pause_us)
{
    struct timespec pause = { 0, (long)pause_us * 1000 };

    if (pause_us > 0)
        (void)nanosleep(&pause, NULL);
}

static bool end_operation(struct seat *seat)
{
    struct run *run = seat->run;
    struct run_result *result = run->result;

    run->ended++;
    seat->turns++;
    if (seat->is_wrong) {
        result->errors++;
    } else {
        spans_add(&result->spans, seat->ended_ns - seat->begun_ns);
        result->operations++;
        result->items += items_of(seat);
        result->added += added_by(seat);
        result->bytes += seat->check.bytes;
    }
    rest(seat->task->pause_us);
    return seat_go_on(seat);
}

static bool become_ready(struct seat *seat, enum seat_step step)
{
    seat->step = step;
    seat->run->ready++;
    return true;
}

/* Looks whether the operation has done what it said. */
static bool verify(struct seat *seat)
{
    uint64_t block = seat->run->options->block;
    struct check_want want = { .word = "SEARCH" };

    if (is_plus(seat)) {
        want.count = block;
        want.sum = block * (block + 1) / 2;
    }
    (void)send_line(seat, seat->task->verify, SEAT_VERIFY);
    check_begin(&seat->check, &seat->run->options->plan, want);
    return true;
}

/* Login, setup and SELECT, in turn. */
static bool begin(struct seat *seat)
{
    if (seat->task->kind == WORKLOAD_LOGIN) {
        send_select(seat, "%m");
        want_answers(seat);
    } else if (seat->script != NULL && *seat->script != '\0') {
        seat->script = send_line(seat, seat->script, SEAT_SETUP);
    } else if (seat->task->select != NULL) {
        send_select(seat, seat->task->select);
    } else {
        return become_ready(seat, SEAT_READY);
    }
    return true;
}

/* The session hears of news from now on. */
static bool begin_to_hear(struct seat *seat)
{
    seat->exists_first = seat->exists;
    return become_ready(seat, SEAT_IDLE);
}

/* A number of messages. The one that the speaker has appended must be the next, once. */
static bool hear_exists(struct seat *seat, uint64_t exists)
{
    struct run *run = seat->run;
    uint64_t before = seat->exists;

    seat->exists = exists;
    if (seat->step != SEAT_IDLE || exists == before)
        return true;
    if (exists - seat->exists_first != run->begun)
        return give_up(seat, "heard of other messages than those that came");
    run->heard++;
    seat->ended_ns = seat_now_ns();
    spans_add(&run->result->heard, seat->ended_ns - run->speaker->begun_ns);
    run->speaker->ended_ns = seat->ended_ns;
    return true;
}

bool seat_all_heard(struct seat *speaker)
{
    struct run *run = speaker->run;
    const struct spans *heard = &run->result->heard;
    uint64_t own = run->result->own.ns[run->result->own.count - 1];

    for (size_t i = heard->count - run->heard; i < heard->count; i++)
        spans_add(&run->result->beside, heard->ns[i] > own ? heard->ns[i] - own : 0);
    return end_operation(speaker);
}

/* An APPEND of the speaker is over. */
static bool after_speaking(struct seat *seat)
{
    uint64_t now_ns = seat_now_ns();

    spans_add(&seat->run->result->own, now_ns - seat->begun_ns);
    seat->ended_ns = now_ns;
    seat->step = SEAT_HEARING;
    return true;
}

/* The command that was sent last is over. */
static bool after_command(struct seat *seat)
{
    if (seat->check.is_wrong && seat->step != SEAT_SETUP) {
        note(seat->run, seat->check.why);
        seat->is_wrong = true;
        if (seat->step == SEAT_LOGIN || seat->step == SEAT_PREPARE)
            return give_up(seat, "a command before the operation failed");
    }
    switch (seat->step) {
    case SEAT_LOGIN:
    case SEAT_SETUP: return begin(seat);
    case SEAT_SELECT:
        if (is_listener(seat))
            (void)send_line(seat, "IDLE", SEAT_READY);
        else if (seat->task->kind == WORKLOAD_LOGIN)
            (void)send_line(seat, "LOGOUT", SEAT_LOGOUT);
        else
            return become_ready(seat, SEAT_READY);
        return true;
    case SEAT_PREPARE:
        if (*seat->script != '\0')
            seat->script = send_line(seat, seat->script, SEAT_PREPARE);
        else
            send_operation(seat);
        return true;
    case SEAT_COMMAND:
        if (seat->task->kind == WORKLOAD_HEAR)
            return after_speaking(seat);
        seat->ended_ns = seat_now_ns();
        return seat->task->verify != NULL ? verify(seat) : end_operation(seat);
    case SEAT_VERIFY: return end_operation(seat);
    case SEAT_LOGOUT:
        seat->ended_ns = seat_now_ns();
        wire_close(&seat->wire);
        return end_operation(seat);
    case SEAT_GREETING:
    case SEAT_READY:
    case SEAT_HEARING:
    case SEAT_IDLE:
    case SEAT_ENVELOPE:
    case SEAT_DATA:
    case SEAT_OVER: break;
    }
    return give_up(seat, "an answer without a command");
}

/* One line of an LMTP server. Its last answer to an envelope asks for the message, all others are
 * of the class 2 (RFC 5321 section 4.2, RFC 2033 section 4.2). */
static bool hear_lmtp(struct seat *seat, struct bytes answer)
{
    bool asks = seat->step == SEAT_ENVELOPE && seat->answers_left == 1;

    if (answer.len < 4 || answer.at[0] != (asks ? '3' : '2')) {
        note(seat->run, "a delivery was refused");
        return give_up(seat, "a delivery was refused");
    }
    if (answer.at[3] == '-')
        return true;
    if (seat->step == SEAT_GREETING) {
        buf_add_string(&seat->wire.out, "LHLO bench.example.net\r\n");
        seat->step = SEAT_LOGIN;
        return true;
    }
    if (seat->step == SEAT_LOGIN)
        return become_ready(seat, SEAT_READY);
    if (--seat->answers_left > 0)
        return true;
    if (seat->step == SEAT_DATA) {
        seat->ended_ns = seat_now_ns();
        return end_operation(seat);
    }
    add_message(seat, seat->operation + 1, false);
    buf_add_string(&seat->wire.out, ".\r\n");
    seat->answers_left = seat->run->options->recipients;
    seat->step = SEAT_DATA;
    return true;
}

static bool hear(struct seat *seat, struct bytes answer)
{
    uint64_t number;
    size_t at = 2;

    if (seat->task->kind == WORKLOAD_LMTP)
        return hear_lmtp(seat, answer);
    if (seat->step == SEAT_GREETING) {
        if (!bytes_starts_with(answer, BYTES("* OK")))
            return give_up(seat, "no greeting");
        send_login(seat);
        return true;
    }
    if (seat->task->kind == WORKLOAD_HEAR && bytes_starts_with(answer, BYTES("* ")) &&
        answer_number(answer, &at, &number) &&
        bytes_starts_with_nocase(bytes_from(answer, at), BYTES(" EXISTS")) &&
        !hear_exists(seat, number))
        return false;
    if (is_listener(seat) && seat->step == SEAT_READY && answer.at[0] == '+')
        return begin_to_hear(seat);
    if (seat->step == SEAT_READY || seat->step == SEAT_HEARING || seat->step == SEAT_IDLE)
        return true; /* news while it waits */
    return !check_answer(&seat->check, answer, seat->tag) || after_command(seat);
}

/* All whole answers that are there. */
static bool hear_all(struct seat *seat)
{
    struct bytes answer;
    size_t used = 0;

    while (seat->step != SEAT_OVER && wire_answer(&seat->wire, &used, &answer)) {
        if (!hear(seat, answer))
            return false;
        if (seat->wire.fd < 0 || seat->is_new)
            return true; /* that connection is over; nothing of it is left */
    }
    return true;
}

bool seat_work(struct seat *seat)
{
    enum wire_got got = WIRE_GOT;

    /* OpenSSL may hold more than the socket shows: until it has nothing. */
    while (got == WIRE_GOT && seat->step != SEAT_OVER) {
        got = wire_fill(&seat->wire);
        if (got == WIRE_GONE)
            return give_up(seat, "the connection has gone");
        if (got == WIRE_GOT && !hear_all(seat))
            return false;
        if (seat->wire.fd < 0 || seat->is_new)
            return true;
        if (!wire_flush(&seat->wire))
            return give_up(seat, "the connection has gone");
        get_ready(seat);
        if (seat->wire.ssl == NULL)
            break;
    }
    return true;
}
