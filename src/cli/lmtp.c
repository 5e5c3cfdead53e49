/* Delivering by LMTP. */
#include "cli/lmtp.h"

#include <string.h>

#include "base/ascii.h"
#include "base/num.h"
#include "base/utf8.h"

enum {
    LMTP_COMMAND_BYTES_MAX = 16 * 1024,
    LMTP_PART_BYTES = 16 * 1024,
    LMTP_REPLY_LINES_MAX = 100
};

/* One conversation. */
struct talk {
    struct dialog *dialog;
    struct lmtp_order *order;
    struct lmtp_outcome *outcome;
    struct note *why;
    bool offers_8bitmime;
    bool offers_smtputf8;
};

static enum err broken(const struct talk *talk, enum err err)
{
    return note_fail(talk->why, err, "the server broke the conversation off: %s", err_text(err));
}

static void note_offer(struct talk *talk, struct bytes line)
{
    struct bytes word = bytes_slice(line, 0, bytes_find_byte(line, 0, ' '));

    if (bytes_equal_nocase(word, BYTES("8BITMIME")))
        talk->offers_8bitmime = true;
    if (bytes_equal_nocase(word, BYTES("SMTPUTF8")))
        talk->offers_smtputf8 = true;
}

/* A whole reply, several lines of it too (RFC 5321 s4.2); the outcome keeps code and last line. */
static enum err receive_reply(struct talk *talk)
{
    for (int lines = 0; lines < LMTP_REPLY_LINES_MAX; lines++) {
        struct bytes line;
        uint64_t code;
        enum err err = dialog_receive_line(talk->dialog, &line);

        if (err != ERR_OK)
            return broken(talk, err);
        if (!num_parse(bytes_slice(line, 0, 3), 599, &code) || code < 200 ||
            (line.len > 3 && line.at[3] != ' ' && line.at[3] != '-'))
            return broken(talk, ERR_CORRUPT);
        note_offer(talk, bytes_from(line, 4));
        talk->outcome->code = (unsigned)code;
        note_set(&talk->outcome->text, "%.*s", BYTES_ARG(bytes_slice(line, 0, NOTE_BYTES_MAX)));
        if (line.len == 3 || line.at[3] == ' ')
            return ERR_OK;
    }
    return broken(talk, ERR_LIMIT);
}

/* Sends, if there is something to send, and waits for a reply of that class (2 or 3). Answers true
 * to go on; false when all is said: `*out_err` tells how. */
static bool step(struct talk *talk, struct buf *command, unsigned class, enum err *out_err)
{
    enum err err = ERR_OK;

    if (command->overflowed)
        err = note_fail(talk->why, ERR_LIMIT, "a name is too long");
    else if (command->len > 0)
        err = dialog_send(talk->dialog, buf_bytes(command));
    if (err == ERR_OK)
        err = receive_reply(talk);
    else if (err != ERR_LIMIT)
        err = broken(talk, err);
    buf_clear(command);
    *out_err = err;
    return err == ERR_OK && talk->outcome->code / 100 == class;
}

/* RFC 3461 s4 */
static void add_xtext(struct buf *out, struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];

        if (c > ' ' && c < 127 && c != '+' && c != '=')
            buf_add_byte(out, c);
        else
            buf_add_format(out, "+%02X", c);
    }
}

static void add_mail(const struct talk *talk, struct buf *out)
{
    const struct lmtp_order *order = talk->order;

    buf_add_format(out, "MAIL FROM:<%.*s>", BYTES_ARG(order->sender));
    if (talk->offers_8bitmime)
        buf_add_string(out, " BODY=8BITMIME");
    if (talk->offers_smtputf8 &&
        (!utf8_is_ascii(order->sender) || !utf8_is_ascii(order->recipient)))
        buf_add_string(out, " SMTPUTF8");
    buf_add_string(out, "\r\n");
}

static void add_rcpt(const struct talk *talk, struct buf *out)
{
    buf_add_format(out, "RCPT TO:<%.*s>", BYTES_ARG(talk->order->recipient));
    if (talk->order->mailbox.len > 0) {
        buf_add_string(out, " XMAILBOX=");
        add_xtext(out, talk->order->mailbox);
    }
    buf_add_string(out, "\r\n");
}

static void add_line(struct lmtp_body *body, struct bytes text, struct buf *out)
{
    if (text.len == 0)
        return;
    if (!body->in_line && text.at[0] == '.')
        buf_add_byte(out, '.');
    buf_add(out, text);
    body->in_line = true;
    body->after_cr = text.at[text.len - 1] == '\r';
}

void lmtp_body_add(struct lmtp_body *body, struct bytes part, struct buf *out)
{
    while (part.len > 0) {
        size_t end = bytes_find_byte(part, 0, '\n');

        add_line(body, bytes_slice(part, 0, end), out);
        if (end < part.len) {
            buf_add_string(out, body->after_cr ? "\n" : "\r\n");
            *body = (struct lmtp_body){ 0 };
        }
        part = bytes_from(part, end + 1);
    }
}

void lmtp_body_end(struct lmtp_body *body, struct buf *out)
{
    if (body->in_line)
        buf_add_string(out, body->after_cr ? "\n" : "\r\n");
    buf_add_string(out, ".\r\n");
    *body = (struct lmtp_body){ 0 };
}

static enum err send_body(struct talk *talk)
{
    struct buf out = buf_make(4 * LMTP_PART_BYTES);
    struct lmtp_body body = { 0 };
    uint8_t part[LMTP_PART_BYTES];
    enum err err = ERR_OK;
    size_t len;

    while (err == ERR_OK && (len = talk->order->read(talk->order, part, sizeof(part))) > 0) {
        lmtp_body_add(&body, bytes_make(part, len), &out);
        err = dialog_send(talk->dialog, buf_bytes(&out));
        buf_clear(&out);
    }
    lmtp_body_end(&body, &out);
    if (talk->order->read_failed) {
        buf_done(&out);
        return note_fail(talk->why, ERR_IO, "the message cannot be read to its end");
    }
    if (err == ERR_OK)
        err = dialog_send(talk->dialog, buf_bytes(&out));
    buf_done(&out);
    return err == ERR_OK ? ERR_OK : broken(talk, err);
}

static enum err run_talk(struct talk *talk, struct buf *command)
{
    enum err err;

    if (!step(talk, command, 2, &err))
        return err;
    buf_add_string(command, "LHLO localhost\r\n");
    if (!step(talk, command, 2, &err))
        return err;
    add_mail(talk, command);
    if (!step(talk, command, 2, &err))
        return err;
    add_rcpt(talk, command);
    if (!step(talk, command, 2, &err))
        return err;
    buf_add_string(command, "DATA\r\n");
    if (!step(talk, command, 3, &err))
        return err;
    err = send_body(talk);
    if (err != ERR_OK || !step(talk, command, 2, &err))
        return err;
    /* It is delivered: what comes now does not matter. */
    err = dialog_send(talk->dialog, BYTES("QUIT\r\n"));
    return ERR_OK;
}

enum err lmtp_deliver(struct dialog *dialog, struct lmtp_order *order,
                      struct lmtp_outcome *out_outcome, struct note *why)
{
    struct lmtp_outcome outcome = { 0 };
    struct talk talk = { .dialog = dialog, .order = order, .outcome = &outcome, .why = why };
    struct buf command = buf_make(LMTP_COMMAND_BYTES_MAX);
    enum err err = run_talk(&talk, &command);

    buf_done(&command);
    if (err == ERR_OK)
        *out_outcome = outcome;
    return err;
}
