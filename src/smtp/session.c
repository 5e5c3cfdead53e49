/* The flow of an LMTP connection: lines to commands, content to the spool, verdicts to answers. */
#include "smtp/session.h"

#include <assert.h>
#include <stdlib.h>

#include "smtp/session_internal.h"
#include "smtp/trace.h"

enum { FACTS_BYTES_MAX = 512, FIRST_CAPACITY = 4 };

/* The arguments and the result of one call of smtp_session_step. */
struct step {
    struct bytes in;
    size_t used;
    struct mono now;
    struct buf *out;
    enum smtp_want want;
};

static void copy_to(struct buf *buf, size_t bytes_max, struct bytes bytes)
{
    *buf = buf_make(bytes_max);
    buf_add(buf, bytes_slice(bytes, 0, bytes_max));
}

struct smtp_session *smtp_session_new(const struct smtp_options *options, struct mono now)
{
    struct smtp_session *session = calloc(1, sizeof(*session));

    if (session == NULL)
        abort();
    session->session = options->session;
    session->local = options->local;
    session->starttls = options->starttls;
    session->size_max = options->size_max;
    session->recipients_max = options->recipients_max;
    session->timeout_ms = options->timeout_ms;
    session->deadline = (struct mono){ now.ms + options->timeout_ms };
    session->line = buf_make(SMTP_LINE_BYTES_MAX);
    session->hello = buf_make(SMTP_NAME_BYTES_MAX);
    copy_to(&session->host, SMTP_NAME_BYTES_MAX, options->host);
    copy_to(&session->address, SMTP_NAME_BYTES_MAX, options->address);
    copy_to(&session->tls_facts, FACTS_BYTES_MAX, options->tls_facts);
    smtp_transaction_reset(session);
    return session;
}

void smtp_session_free(struct smtp_session *session)
{
    if (session == NULL)
        return;
    smtp_transaction_reset(session);
    buf_done(&session->line);
    buf_done(&session->host);
    buf_done(&session->address);
    buf_done(&session->tls_facts);
    buf_done(&session->hello);
    free(session);
}

struct mono smtp_session_deadline(const struct smtp_session *session)
{
    return session->deadline;
}

static void restart_clock(struct smtp_session *session, struct mono now)
{
    session->deadline = (struct mono){ now.ms + session->timeout_ms };
}

/* The host's turn: `want` once, then PENDING. */
static enum smtp_want ask_host(struct smtp_session *session, enum smtp_want want)
{
    session->deadline = (struct mono){ INT64_MAX };
    if (session->host_asked)
        return SMTP_PENDING;
    session->host_asked = true;
    return want;
}

/* What is wrong with a line that ends behind `line`, as far as its bytes go; NULL: nothing. */
static const char *fault_of(const struct smtp_session *session, struct bytes line)
{
    if (session->line_too_long || line.len + 1 > SMTP_LINE_BYTES_MAX)
        return "500 5.5.2 the line is too long";
    if (line.len == 0 || bytes_find_byte(line, 0, '\r') < line.len - 1 ||
        line.at[line.len - 1] != '\r' || bytes_find_byte(line, 0, 0) < line.len)
        return "500 5.5.2 lines end with CRLF, and hold no CR, LF or NUL";
    return NULL;
}

/* The complete line that session->line holds, or the reason why it is none. While recipients are
 * looked up only another of them is run; else it waits. */
static void run_line(struct smtp_session *session, struct buf *out)
{
    struct bytes line = buf_bytes(&session->line);
    const char *fault = fault_of(session, line);
    struct bytes argument;

    line.len -= fault == NULL;
    session->line_waits = smtp_is_asking(session) &&
                          (fault != NULL || smtp_verb_parse(line, &argument) != SMTP_VERB_RCPT);
    if (session->line_waits)
        return;
    session->line_too_long = false;
    if (fault != NULL)
        smtp_refuse(session, out, fault);
    else
        smtp_command_run(session, line, out);
    if (session->errors >= SMTP_ERRORS_MAX && session->phase != SMTP_PHASE_CLOSED) {
        smtp_reply(out, "421 4.7.0 too many errors");
        session->phase = SMTP_PHASE_CLOSED;
    }
}

/* Takes a line, or what there is of one, from `in`, and runs it. False when it is not complete. */
static bool take_line(struct smtp_session *session, struct bytes in, size_t *used, struct buf *out)
{
    struct bytes rest = bytes_from(in, *used);
    size_t end = bytes_find_byte(rest, 0, '\n');
    struct bytes part = bytes_slice(rest, 0, end);
    bool complete = end < rest.len;

    *used += complete ? end + 1 : end;
    if (!session->line_too_long)
        buf_add(&session->line, part);
    if (session->line.overflowed) {
        session->line_too_long = true;
        buf_clear(&session->line);
    }
    if (!complete)
        return false;
    session->input_follows = *used < in.len;
    run_line(session, out);
    return true;
}

/* A piece of the message: to the host, or to nowhere when there is no use in it. */
static bool take_piece(struct smtp_session *session, struct bytes piece)
{
    struct smtp_transaction *mail = &session->mail;

    if (piece.len == 0 || mail->fault != SMTP_ACCEPTED || !mail->has_content)
        return false;
    if (piece.len > session->size_max - mail->size) {
        mail->fault = SMTP_TOO_LARGE;
        return false;
    }
    session->chunk = piece;
    return true;
}

/* The message is complete: to be delivered, or refused to each recipient (RFC 2033 s4.2). */
static void end_content(struct smtp_session *session)
{
    struct smtp_transaction *mail = &session->mail;

    for (size_t i = 0; mail->fault != SMTP_ACCEPTED && i < mail->count; i++) {
        mail->recipients[i].answered = true;
        mail->recipients[i].verdict = mail->fault;
    }
    session->phase = SMTP_PHASE_DELIVER;
}

/* The bytes of one BDAT have come. */
static void end_chunk(struct smtp_session *session, struct buf *out)
{
    struct smtp_transaction *mail = &session->mail;

    session->phase = SMTP_PHASE_COMMAND;
    if (!mail->has_content)
        smtp_refuse(session, out, "503 5.5.1 no recipients");
    else if (mail->last_chunk)
        end_content(session);
    else if (mail->fault != SMTP_ACCEPTED)
        smtp_reply_recipient(out, mail->fault, (struct bytes){ NULL, 0 });
    else
        buf_add_format(out, "250 2.0.0 %llu bytes taken\r\n", (unsigned long long)mail->chunk_size);
}

static bool take_data(struct smtp_session *session, struct bytes in, size_t *used)
{
    struct bytes piece;
    bool end = false;

    *used += smtp_content_step(&session->mail.content, bytes_from(in, *used), &piece, &end);
    if (end)
        end_content(session);
    return take_piece(session, piece);
}

static bool take_chunk(struct smtp_session *session, struct bytes in, size_t *used)
{
    struct smtp_transaction *mail = &session->mail;
    size_t most = mail->chunk_left < SIZE_MAX ? (size_t)mail->chunk_left : SIZE_MAX;
    struct bytes piece = bytes_slice(in, *used, most);

    *used += piece.len;
    mail->chunk_left -= piece.len;
    return take_piece(session, piece);
}

/* Answers, in the order of the recipients, what is known. True when all are done with. */
static bool print_verdicts(struct smtp_session *session, struct buf *out)
{
    struct smtp_transaction *mail = &session->mail;

    while (mail->printed < mail->count && mail->recipients[mail->printed].answered &&
           out->len < SMTP_OUTPUT_BYTES) {
        const struct smtp_recipient *recipient = &mail->recipients[mail->printed++];

        smtp_reply_delivery(out, recipient->verdict, recipient->address,
                            bytes_from_string(session->id));
    }
    return mail->printed == mail->count;
}

static enum smtp_want end_connection(struct smtp_session *session, const char *text,
                                     struct buf *out)
{
    smtp_reply(out, text);
    session->phase = SMTP_PHASE_CLOSED;
    return SMTP_CLOSE;
}

/* Waits for the client, unless it has been too slow or we are to end. */
static enum smtp_want want_input(struct smtp_session *session, struct mono now, struct buf *out)
{
    if (session->bye)
        return end_connection(session, "421 4.3.2 the server ends", out);
    if (now.ms >= session->deadline.ms)
        return end_connection(session, "421 4.4.2 you were silent for too long", out);
    return SMTP_INPUT;
}

static void add_recipient(struct smtp_transaction *mail, const struct smtp_recipient *recipient)
{
    if (mail->count == mail->capacity) {
        mail->capacity = mail->capacity == 0 ? FIRST_CAPACITY : 2 * mail->capacity;
        mail->recipients =
            reallocarray(mail->recipients, mail->capacity, sizeof(*mail->recipients));
        if (mail->recipients == NULL)
            abort();
    }
    mail->recipients[mail->count++] = *recipient;
}

/* Answers the RCPT that came first. */
static void print_recipient(struct smtp_session *session, struct mono now, struct buf *out)
{
    struct smtp_asking *asking = &session->mail.asking;
    struct smtp_recipient recipient = asking->at[asking->first];

    asking->first = (asking->first + 1) % SMTP_ASKED_MAX;
    asking->count--;
    asking->told--;
    smtp_reply_recipient(out, recipient.verdict, recipient.address);
    recipient.answered = false; /* from now on of its delivery */
    if (recipient.verdict == SMTP_ACCEPTED)
        add_recipient(&session->mail, &recipient);
    if (!smtp_is_asking(session))
        restart_clock(session, now);
}

/* A command line: the one that waits, or the next of the input. */
static void step_line(struct smtp_session *session, struct step *step)
{
    bool ran = true;

    if (session->line_waits) {
        session->input_follows = session->input_follows || step->used < step->in.len;
        run_line(session, step->out);
    } else {
        ran = take_line(session, step->in, &step->used, step->out);
    }
    if (!ran || session->line_waits)
        return;
    buf_clear(&session->line);
    buf_trim(&session->line);
    if (!smtp_is_asking(session))
        restart_clock(session, step->now);
}

/* One transition between messages. While recipients are looked up no clock runs. */
static bool step_command(struct smtp_session *session, struct step *step)
{
    struct smtp_asking *asking = &session->mail.asking;
    bool waits = session->line_waits || step->used == step->in.len || session->bye ||
                 asking->count == SMTP_ASKED_MAX;

    if (asking->told > 0 && asking->at[asking->first].answered) {
        print_recipient(session, step->now, step->out);
    } else if (asking->told < asking->count) {
        asking->told++;
        session->deadline = (struct mono){ INT64_MAX };
        step->want = SMTP_RECIPIENT;
        return false;
    } else if (asking->count > 0 && waits) {
        session->deadline = (struct mono){ INT64_MAX };
        step->want = SMTP_PENDING;
        return false;
    } else if (session->bye || (!session->line_waits && step->used == step->in.len)) {
        step->want = want_input(session, step->now, step->out);
        return false;
    } else {
        step_line(session, step);
    }
    return true;
}

/* One transition within a message. False: `step->want` is to be returned. */
static bool step_content(struct smtp_session *session, struct step *step)
{
    struct smtp_transaction *mail = &session->mail;
    bool for_host;

    if (session->host_asked) {
        step->want = SMTP_PENDING; /* a piece is not stored yet */
        return false;
    }
    if (session->phase == SMTP_PHASE_BDAT && mail->chunk_left == 0) {
        end_chunk(session, step->out);
        return true;
    }
    if (step->used == step->in.len || session->bye) {
        step->want = want_input(session, step->now, step->out);
        return false;
    }
    restart_clock(session, step->now);
    if (session->phase == SMTP_PHASE_DATA)
        for_host = take_data(session, step->in, &step->used);
    else
        for_host = take_chunk(session, step->in, &step->used);
    if (for_host)
        step->want = ask_host(session, SMTP_SPOOL);
    return !for_host;
}

static bool step_deliver(struct smtp_session *session, struct step *step)
{
    struct smtp_transaction *mail = &session->mail;

    if (print_verdicts(session, step->out)) {
        session->host_asked = false;
        smtp_transaction_reset(session);
        session->phase = SMTP_PHASE_COMMAND;
        restart_clock(session, step->now);
        return true;
    }
    if (mail->recipients[mail->printed].answered)
        return true; /* the output is full */
    step->want = ask_host(session, SMTP_DELIVER);
    return false;
}

/* One transition. False: `step->want` is to be returned. */
static bool step_once(struct smtp_session *session, struct step *step)
{
    switch (session->phase) {
    case SMTP_PHASE_GREETING:
        buf_add_string(step->out, "220 ");
        buf_add(step->out, buf_bytes(&session->host));
        smtp_reply(step->out, " LMTP Roost");
        session->phase = SMTP_PHASE_COMMAND;
        return true;
    case SMTP_PHASE_COMMAND: return step_command(session, step);
    case SMTP_PHASE_DATA:
    case SMTP_PHASE_BDAT: return step_content(session, step);
    case SMTP_PHASE_DELIVER: return step_deliver(session, step);
    case SMTP_PHASE_TLS: step->want = ask_host(session, SMTP_STARTTLS); return false;
    case SMTP_PHASE_CLOSED: break;
    }
    step->want = SMTP_CLOSE;
    return false;
}

/* A client that does not read its answers is as good as silent. */
static enum smtp_want want_output(struct smtp_session *session, struct mono now)
{
    if (!session->output_waits) {
        session->output_waits = true;
        restart_clock(session, now);
    }
    if (now.ms < session->deadline.ms)
        return SMTP_OUTPUT;
    session->phase = SMTP_PHASE_CLOSED;
    return SMTP_CLOSE;
}

enum smtp_want smtp_session_step(struct smtp_session *session, struct bytes in, struct mono now,
                                 size_t *out_used, struct buf *out)
{
    struct step step = { .in = in, .now = now, .out = out, .want = SMTP_OUTPUT };

    if (session->deadline.ms == INT64_MAX && !session->host_asked && !smtp_is_asking(session))
        restart_clock(session, now);
    if (session->output_waits && out->len < SMTP_OUTPUT_BYTES) {
        session->output_waits = false;
        restart_clock(session, now);
    }
    while (out->len < SMTP_OUTPUT_BYTES && step_once(session, &step))
        continue;
    *out_used = step.used;
    return step.want == SMTP_OUTPUT ? want_output(session, now) : step.want;
}

struct smtp_asked smtp_session_asked(const struct smtp_session *session)
{
    const struct smtp_asking *asking = &session->mail.asking;
    unsigned slot;

    assert(asking->told > 0);
    slot = (asking->first + asking->told - 1) % SMTP_ASKED_MAX;
    return (struct smtp_asked){ slot, asking->at[slot].address, session->mail.announced };
}

void smtp_session_recipient_is(struct smtp_session *session, unsigned slot,
                               enum smtp_verdict verdict, uint32_t token)
{
    struct smtp_asking *asking = &session->mail.asking;
    struct smtp_recipient *asked = &asking->at[slot];

    assert((slot + SMTP_ASKED_MAX - asking->first) % SMTP_ASKED_MAX < asking->told);
    assert(!asked->answered);
    asked->answered = true;
    asked->verdict = verdict;
    asked->token = token;
}

struct bytes smtp_session_chunk(const struct smtp_session *session, uint64_t *out_offset)
{
    *out_offset = session->mail.size;
    return session->chunk;
}

void smtp_session_spooled(struct smtp_session *session, enum smtp_verdict verdict)
{
    assert(session->chunk.len > 0 && session->host_asked);
    session->host_asked = false;
    session->mail.fault = verdict;
    if (verdict == SMTP_ACCEPTED)
        session->mail.size += session->chunk.len;
    session->chunk = (struct bytes){ NULL, 0 };
}

bool smtp_session_holds_message(const struct smtp_session *session)
{
    return session->mail.has_content && session->mail.fault == SMTP_ACCEPTED;
}

size_t smtp_session_recipient_count(const struct smtp_session *session)
{
    return session->mail.count;
}

struct smtp_delivery smtp_session_delivery(const struct smtp_session *session, size_t index)
{
    assert(index < session->mail.count);
    return (struct smtp_delivery){ .recipient = session->mail.recipients[index].address,
                                   .folder = session->mail.recipients[index].folder,
                                   .token = session->mail.recipients[index].token };
}

uint64_t smtp_session_size(const struct smtp_session *session)
{
    return session->mail.size;
}

struct bytes smtp_session_sender(const struct smtp_session *session)
{
    return session->mail.sender;
}

struct bytes smtp_session_id(const struct smtp_session *session)
{
    return bytes_from_string(session->id);
}

void smtp_session_trace(const struct smtp_session *session, size_t index, struct wall now,
                        struct buf *out)
{
    assert(index < session->mail.count);
    smtp_trace_print(&(struct smtp_trace){ .sender = session->mail.sender,
                                           .recipient = session->mail.recipients[index].address,
                                           .only_recipient = session->mail.count == 1,
                                           .hello = buf_bytes(&session->hello),
                                           .address = buf_bytes(&session->address),
                                           .tls_facts = buf_bytes(&session->tls_facts),
                                           .host = buf_bytes(&session->host),
                                           .id = bytes_from_string(session->id),
                                           .lmtp = true,
                                           .utf8 = session->mail.utf8,
                                           .now = now },
                     out);
}

void smtp_session_delivered(struct smtp_session *session, size_t index, enum smtp_verdict verdict)
{
    assert(session->phase == SMTP_PHASE_DELIVER && index < session->mail.count);
    assert(!session->mail.recipients[index].answered);
    session->mail.recipients[index].answered = true;
    session->mail.recipients[index].verdict = verdict;
}

void smtp_session_tls_started(struct smtp_session *session, struct bytes tls_facts)
{
    assert(session->phase == SMTP_PHASE_TLS && session->host_asked);
    session->host_asked = false;
    session->phase = SMTP_PHASE_COMMAND;
    smtp_transaction_reset(session);
    buf_clear(&session->hello);
    buf_add(&session->tls_facts, bytes_slice(tls_facts, 0, FACTS_BYTES_MAX));
    if (buf_is_empty(&session->tls_facts))
        buf_add_string(&session->tls_facts, "TLS");
}

void smtp_session_bye(struct smtp_session *session)
{
    session->bye = true;
}
