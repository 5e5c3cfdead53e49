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

static const struct workload *workload(const struct seat *seat)
{
    return seat->run->options->workload;
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

/* What is set in one round is unset in the next. */
static bool is_plus(const struct seat *seat)
{
    bool is_one = workload(seat)->amount == AMOUNT_ONE;

    return seat->operation / (is_one ? seat->run->options->messages : 1) % 2 == 0;
}

static void add_term(const struct seat *seat, char term, struct buf *out)
{
    const struct run_options *options = seat->run->options;
    /* A stride that is prime: neighbours in time are not neighbours on the disk. */
    uint64_t one = seat->operation * 7919 % options->messages + 1;

    switch (term) {
    case 'a': buf_add_format(out, "1:%" PRIu64, options->messages); break;
    case 'b': buf_add_format(out, "1:%" PRIu64, options->block); break;
    case 'o': buf_add_number(out, one); break;
    case 's': buf_add_byte(out, is_plus(seat) ? '+' : '-'); break;
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

/* Adds a message and counts its bytes, `prefix` lines of a literal before it. */
static void add_message(struct seat *seat, uint64_t number, bool is_literal)
{
    struct buf *out = &seat->wire.out;
    struct buf text = buf_make(out->max);

    mail_write(&seat->run->options->plan, number, &text);
    if (is_literal)
        buf_add_format(out, " (%s) {%zu+}\r\n",
                       mail_is_planted(MAIL_PLANT_FLAG, number) ? "\\Flagged" : "", text.len);
    buf_add(out, buf_bytes(&text));
    seat->run->result->bytes += text.len;
    buf_done(&text);
}

static void send_append(struct seat *seat)
{
    uint64_t each = workload(seat)->messages_each;

    add_tag(seat);
    buf_add_string(&seat->wire.out, "APPEND INBOX");
    for (uint64_t i = 1; i <= each; i++)
        add_message(seat, seat->operation * each + i, true);
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

/* The timed part of an operation. */
static void send_operation(struct seat *seat)
{
    switch (workload(seat)->kind) {
    case WORKLOAD_APPEND: send_append(seat); break;
    case WORKLOAD_LMTP: send_envelope(seat); break;
    case WORKLOAD_COMMAND: (void)send_line(seat, workload(seat)->command, SEAT_COMMAND); break;
    case WORKLOAD_LOGIN: break;
    }
    check_begin(&seat->check, &seat->run->options->plan, seat->run->want);
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
    *seat = (struct seat){ .run = run, .index = index, .wire = { .fd = -1 } };
    seat->script = run->options->workload->setup;
    if (run->options->workload->kind != WORKLOAD_LOGIN)
        return connect_seat(seat);
    seat->step = SEAT_READY;
    run->ready++;
    return true;
}

void seat_close(struct seat *seat)
{
    wire_close(&seat->wire);
}

bool seat_go_on(struct seat *seat)
{
    struct run *run = seat->run;

    if (run->begun == run->options->operations) {
        seat->step = SEAT_OVER;
        return true;
    }
    seat->operation = run->begun++;
    seat->is_wrong = false;
    if (workload(seat)->kind == WORKLOAD_LOGIN) {
        seat->begun_ns = seat_now_ns();
        return connect_seat(seat);
    }
    if (workload(seat)->prepare != NULL)
        seat->script = send_line(seat, workload(seat)->prepare, SEAT_PREPARE);
    else
        send_operation(seat);
    return wire_flush(&seat->wire) || give_up(seat, "the connection has gone");
}

/* Messages, or deliveries, in an operation. */
static uint64_t items_of(const struct seat *seat)
{
    const struct run_options *options = seat->run->options;

    if (workload(seat)->kind == WORKLOAD_LMTP)
        return options->recipients;
    if (workload(seat)->kind == WORKLOAD_APPEND)
        return workload(seat)->messages_each;
    if (workload(seat)->command != NULL && strstr(workload(seat)->command, "%b") != NULL)
        return options->block;
    if (workload(seat)->amount == AMOUNT_BLOCK)
        return options->block;
    return workload(seat)->word != NULL && strcmp(workload(seat)->word, "FETCH") == 0
               ? seat->run->want.count
               : 1;
}

static bool end_operation(struct seat *seat)
{
    struct run *run = seat->run;
    struct run_result *result = run->result;

    run->ended++;
    if (seat->is_wrong) {
        result->errors++;
    } else {
        result->spans_ns[result->operations++] = seat->ended_ns - seat->begun_ns;
        result->items += items_of(seat);
        result->bytes += seat->check.bytes;
    }
    return seat_go_on(seat);
}

static bool become_ready(struct seat *seat)
{
    seat->step = SEAT_READY;
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
    (void)send_line(seat, workload(seat)->verify, SEAT_VERIFY);
    check_begin(&seat->check, &seat->run->options->plan, want);
    return true;
}

/* Login, setup and SELECT, in turn. */
static bool begin(struct seat *seat)
{
    if (workload(seat)->kind == WORKLOAD_LOGIN) {
        send_select(seat, "INBOX");
        check_begin(&seat->check, &seat->run->options->plan, seat->run->want);
    } else if (seat->script != NULL && *seat->script != '\0') {
        seat->script = send_line(seat, seat->script, SEAT_SETUP);
    } else if (workload(seat)->select != NULL) {
        send_select(seat, workload(seat)->select);
    } else {
        return become_ready(seat);
    }
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
        if (workload(seat)->kind != WORKLOAD_LOGIN)
            return become_ready(seat);
        (void)send_line(seat, "LOGOUT", SEAT_LOGOUT);
        return true;
    case SEAT_PREPARE:
        if (*seat->script != '\0')
            seat->script = send_line(seat, seat->script, SEAT_PREPARE);
        else
            send_operation(seat);
        return true;
    case SEAT_COMMAND:
        seat->ended_ns = seat_now_ns();
        return workload(seat)->verify != NULL ? verify(seat) : end_operation(seat);
    case SEAT_VERIFY: return end_operation(seat);
    case SEAT_LOGOUT:
        seat->ended_ns = seat_now_ns();
        wire_close(&seat->wire);
        return end_operation(seat);
    case SEAT_GREETING:
    case SEAT_READY:
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
        return become_ready(seat);
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
    if (workload(seat)->kind == WORKLOAD_LMTP)
        return hear_lmtp(seat, answer);
    if (seat->step == SEAT_GREETING) {
        if (!bytes_starts_with(answer, BYTES("* OK")))
            return give_up(seat, "no greeting");
        send_login(seat);
        return true;
    }
    if (seat->step == SEAT_READY)
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
        if (seat->wire.ssl == NULL)
            break;
    }
    return true;
}
