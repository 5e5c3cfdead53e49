/* SMTP command lines: verbs, paths, parameters. */
#include "smtp/wire.h"

#include "base/ascii.h"
#include "base/cursor.h"
#include "base/num.h"
#include "base/utf8.h"

enum smtp_verb smtp_verb_parse(struct bytes line, struct bytes *out_argument)
{
    static const char *const names[SMTP_VERB_COUNT] = {
        [SMTP_VERB_LHLO] = "LHLO", [SMTP_VERB_HELO] = "HELO",         [SMTP_VERB_EHLO] = "EHLO",
        [SMTP_VERB_MAIL] = "MAIL", [SMTP_VERB_RCPT] = "RCPT",         [SMTP_VERB_DATA] = "DATA",
        [SMTP_VERB_BDAT] = "BDAT", [SMTP_VERB_RSET] = "RSET",         [SMTP_VERB_NOOP] = "NOOP",
        [SMTP_VERB_QUIT] = "QUIT", [SMTP_VERB_VRFY] = "VRFY",         [SMTP_VERB_EXPN] = "EXPN",
        [SMTP_VERB_HELP] = "HELP", [SMTP_VERB_STARTTLS] = "STARTTLS",
    };
    size_t end = 0;
    struct bytes word;

    while (end < line.len && !ascii_is_blank(line.at[end]))
        end++;
    word = bytes_slice(line, 0, end);
    *out_argument = bytes_trim(bytes_from(line, end));
    for (size_t i = SMTP_VERB_UNKNOWN + 1; i < SMTP_VERB_COUNT; i++) {
        if (bytes_equal_nocase(word, bytes_from_string(names[i])))
            return (enum smtp_verb)i;
    }
    return SMTP_VERB_UNKNOWN;
}

/* atext of RFC 5322 s3.2.3; bytes of UTF-8 are checked as a whole by the callers. */
static bool is_atext(int c)
{
    switch (c) {
    case '!':
    case '#':
    case '$':
    case '%':
    case '&':
    case '\'':
    case '*':
    case '+':
    case '-':
    case '/':
    case '=':
    case '?':
    case '^':
    case '_':
    case '`':
    case '{':
    case '|':
    case '}':
    case '~': return true;
    default: return ascii_is_alnum(c) || c > 127;
    }
}

static bool is_local(int c)
{
    return is_atext(c) || c == '.';
}

/* Letters, digits and hyphens by RFC 5321; underscores because they are out there. */
static bool is_domain(int c)
{
    return ascii_is_alnum(c) || c == '-' || c == '_' || c == '.' || c > 127;
}

/* dcontent of RFC 5321 s4.1.3 */
static bool is_literal(int c)
{
    return c > 32 && c < 127 && c != '[' && c != ']' && c != '\\';
}

static bool take_domain(struct cursor *cur)
{
    if (cursor_skip(cur, '['))
        return cursor_take_while(cur, is_literal).len > 0 && cursor_skip(cur, ']');
    return cursor_take_while(cur, is_domain).len > 0;
}

/* Quoted-string of RFC 5321 s4.1.2; the opening quote has been taken. */
static bool take_quoted(struct cursor *cur)
{
    for (;;) {
        int c = cursor_peek(cur);

        if (c == CURSOR_END || ascii_is_control(c))
            return false;
        cur->offset++;
        if (c == '"')
            return true;
        if (c != '\\')
            continue;
        c = cursor_peek(cur);
        if (c < 32 || c > 126)
            return false;
        cur->offset++;
    }
}

bool smtp_hello_check(struct bytes argument)
{
    struct cursor cur = cursor_make(argument);

    return argument.len <= SMTP_MAILBOX_BYTES_MAX && utf8_is_valid(argument) && take_domain(&cur) &&
           cursor_at_end(&cur);
}

/* A-d-l ":" of RFC 5321 s4.1.2, "@one,@two:", which everybody ignores. */
static bool skip_route(struct cursor *cur)
{
    if (cursor_peek(cur) != '@')
        return true;
    do {
        if (!cursor_skip(cur, '@') || !take_domain(cur))
            return false;
    } while (cursor_skip(cur, ','));
    return cursor_skip(cur, ':');
}

static bool take_mailbox(struct cursor *cur)
{
    if (cursor_skip(cur, '"')) {
        if (!take_quoted(cur))
            return false;
    } else if (cursor_take_while(cur, is_local).len == 0) {
        return false;
    }
    return !cursor_skip(cur, '@') || take_domain(cur);
}

/* `<mailbox>`, or `<>` where `may_be_empty`. */
static enum smtp_parse take_path(struct cursor *cur, bool may_be_empty, struct bytes *out_mailbox)
{
    size_t start;
    struct bytes mailbox;

    while (cursor_skip(cur, ' '))
        continue;
    if (!cursor_skip(cur, '<'))
        return SMTP_BAD_SYNTAX;
    if (may_be_empty && cursor_skip(cur, '>')) {
        *out_mailbox = (struct bytes){ NULL, 0 };
        return SMTP_PARSED;
    }
    if (!skip_route(cur))
        return SMTP_BAD_ADDRESS;
    start = cur->offset;
    if (!take_mailbox(cur))
        return SMTP_BAD_ADDRESS;
    mailbox = bytes_slice(cur->in, start, cur->offset - start);
    if (!cursor_skip(cur, '>') || mailbox.len > SMTP_MAILBOX_BYTES_MAX || !utf8_is_valid(mailbox))
        return SMTP_BAD_ADDRESS;
    *out_mailbox = mailbox;
    return SMTP_PARSED;
}

static bool is_keyword(int c)
{
    return ascii_is_alnum(c) || c == '-';
}

/* esmtp-value of RFC 5321 s4.1.2, with the UTF-8 of RFC 6531 s3.3 */
static bool is_value(int c)
{
    return c > 32 && c != 127 && c != '=';
}

struct parameter {
    struct bytes keyword;
    bool has_value;
    struct bytes value;
};

/* Blanks and the next parameter. False at the end, and when what follows is none: `*out_bad`. */
static bool next_parameter(struct cursor *cur, struct parameter *out, bool *out_bad)
{
    bool blank = false;

    *out_bad = false;
    while (cursor_skip(cur, ' '))
        blank = true;
    if (cursor_at_end(cur))
        return false;
    *out = (struct parameter){ .keyword = cursor_take_while(cur, is_keyword) };
    out->has_value = cursor_skip(cur, '=');
    if (out->has_value)
        out->value = cursor_take_while(cur, is_value);
    *out_bad = !blank || out->keyword.len == 0 || (out->has_value && out->value.len == 0);
    return !*out_bad;
}

/* RFC 1870 s3: up to 20 digits, whatever they say. */
static bool parse_size(struct bytes digits, uint64_t *out_size)
{
    if (digits.len == 0 || digits.len > 20)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (!ascii_is_digit(digits.at[i]))
            return false;
    }
    if (!num_parse(digits, UINT64_MAX, out_size))
        *out_size = UINT64_MAX;
    return true;
}

struct mail_seen {
    bool body;
    bool utf8;
};

static enum smtp_parse take_mail_parameter(const struct parameter *parameter,
                                           struct mail_seen *seen, struct smtp_mail *mail)
{
    if (bytes_equal_nocase(parameter->keyword, BYTES("SIZE"))) {
        if (mail->has_size || !parse_size(parameter->value, &mail->size))
            return SMTP_BAD_PARAMETER;
        mail->has_size = true;
        return SMTP_PARSED;
    }
    if (bytes_equal_nocase(parameter->keyword, BYTES("BODY"))) {
        bool known = bytes_equal_nocase(parameter->value, BYTES("7BIT")) ||
                     bytes_equal_nocase(parameter->value, BYTES("8BITMIME"));

        if (seen->body || !known)
            return SMTP_BAD_PARAMETER;
        seen->body = true;
        return SMTP_PARSED;
    }
    if (bytes_equal_nocase(parameter->keyword, BYTES("SMTPUTF8"))) {
        if (mail->utf8 || parameter->has_value)
            return SMTP_BAD_PARAMETER;
        mail->utf8 = true;
        return SMTP_PARSED;
    }
    return SMTP_UNKNOWN_PARAMETER;
}

enum smtp_parse smtp_mail_parse(struct bytes argument, struct smtp_mail *out_mail)
{
    struct cursor cur = cursor_make(argument);
    struct smtp_mail mail = { 0 };
    struct mail_seen seen = { 0 };
    struct parameter parameter;
    enum smtp_parse parse;
    bool bad;

    if (!cursor_skip_word(&cur, BYTES("FROM:")))
        return SMTP_BAD_SYNTAX;
    parse = take_path(&cur, true, &mail.sender);
    while (parse == SMTP_PARSED && next_parameter(&cur, &parameter, &bad))
        parse = take_mail_parameter(&parameter, &seen, &mail);
    if (parse != SMTP_PARSED)
        return parse;
    if (bad)
        return SMTP_BAD_SYNTAX;
    *out_mail = mail;
    return SMTP_PARSED;
}

enum smtp_parse smtp_rcpt_parse(struct bytes argument, bool with_folder, struct smtp_rcpt *out_rcpt)
{
    struct cursor cur = cursor_make(argument);
    struct smtp_rcpt rcpt = { 0 };
    struct parameter parameter;
    enum smtp_parse parse;
    bool bad;

    if (!cursor_skip_word(&cur, BYTES("TO:")))
        return SMTP_BAD_SYNTAX;
    parse = take_path(&cur, false, &rcpt.recipient);
    if (parse != SMTP_PARSED)
        return parse;
    while (next_parameter(&cur, &parameter, &bad)) {
        if (!with_folder || !bytes_equal_nocase(parameter.keyword, BYTES("XMAILBOX")))
            return SMTP_UNKNOWN_PARAMETER;
        if (rcpt.has_folder || !parameter.has_value)
            return SMTP_BAD_PARAMETER;
        rcpt.has_folder = true;
        rcpt.folder = parameter.value;
    }
    if (bad)
        return SMTP_BAD_SYNTAX;
    *out_rcpt = rcpt;
    return SMTP_PARSED;
}

enum smtp_parse smtp_bdat_parse(struct bytes argument, struct smtp_bdat *out_bdat)
{
    size_t blank = bytes_find_byte(argument, 0, ' ');
    struct bytes rest = bytes_trim(bytes_from(argument, blank));
    struct smtp_bdat bdat = { .last = rest.len > 0 };

    if (!parse_size(bytes_slice(argument, 0, blank), &bdat.size) ||
        (bdat.last && !bytes_equal_nocase(rest, BYTES("LAST"))))
        return SMTP_BAD_SYNTAX;
    *out_bdat = bdat;
    return SMTP_PARSED;
}

/* One decoded byte, or -1. */
static int xtext_byte(struct cursor *cur)
{
    int c = cursor_peek(cur);
    int high;
    int low;

    cur->offset++;
    if (c != '+')
        return c > 32 && c < 127 && c != '=' ? c : -1;
    high = ascii_hex_value(cursor_peek(cur));
    low = ascii_hex_value(cursor_peek_at(cur, 1));
    if (high < 0 || low < 0)
        return -1;
    cur->offset += 2;
    return high * 16 + low;
}

bool smtp_xtext_decode(struct bytes text, struct buf *out)
{
    struct cursor cur = cursor_make(text);
    size_t before = out->len;

    while (!cursor_at_end(&cur)) {
        int c = xtext_byte(&cur);

        if (c < 32 || c == 127)
            return false;
        buf_add_byte(out, (uint8_t)c);
    }
    return !out->overflowed && utf8_is_valid(bytes_from(buf_bytes(out), before));
}
