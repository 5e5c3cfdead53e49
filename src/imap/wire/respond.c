/* Responses that many commands share (RFC 9051 s7). */
#include "imap/wire/respond.h"

#include "imap/wire/base64.h"
#include "imap/wire/search.h"

static const char *condition_name(enum imap_condition condition)
{
    switch (condition) {
    case IMAP_OK: return "OK";
    case IMAP_NO: return "NO";
    case IMAP_BAD: return "BAD";
    case IMAP_BYE: return "BYE";
    case IMAP_PREAUTH: return "PREAUTH";
    }
    return "BAD";
}

/* Text with CR, LF and NUL as blanks, and the end of the line. */
static void end_line(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++)
        buf_add_byte(out, *text == '\r' || *text == '\n' ? ' ' : (uint8_t)*text);
    buf_add_string(out, "\r\n");
}

static void begin_line(struct buf *out, struct bytes tag, enum imap_condition condition)
{
    buf_add(out, tag.len > 0 ? tag : IMAP_UNTAGGED);
    buf_add_byte(out, ' ');
    buf_add_string(out, condition_name(condition));
    buf_add_byte(out, ' ');
}

void imap_respond(struct buf *out, struct bytes tag, enum imap_condition condition,
                  const char *code, const char *text)
{
    begin_line(out, tag, condition);
    if (code != NULL) {
        buf_add_byte(out, '[');
        buf_add_string(out, code);
        buf_add_string(out, "] ");
    }
    end_line(out, text);
}

void imap_respond_code_begin(struct buf *out, struct bytes tag, enum imap_condition condition)
{
    begin_line(out, tag, condition);
    buf_add_byte(out, '[');
}

void imap_respond_code_end(struct buf *out, const char *text)
{
    buf_add_string(out, "] ");
    end_line(out, text);
}

void imap_complaint_print(struct buf *out, const struct cursor *complaint)
{
    if (complaint->expected == NULL)
        buf_add_string(out, "Command not understood");
    else if (!complaint->is_exceeded)
        buf_add_format(out, "Expected %s at byte %zu", complaint->expected,
                       complaint->failed_at + 1);
    else if (complaint->exceeded_max == 0)
        buf_add_string(out, complaint->expected);
    else
        buf_add_format(out, "At most %llu %s", (unsigned long long)complaint->exceeded_max,
                       complaint->expected);
}

enum imap_condition imap_respond_complaint(struct buf *out, struct bytes tag,
                                           const struct cursor *complaint)
{
    enum imap_condition condition = complaint->is_exceeded ? IMAP_NO : IMAP_BAD;

    begin_line(out, tag, condition);
    if (complaint->is_exceeded)
        buf_add(out, BYTES("[LIMIT] "));
    imap_complaint_print(out, complaint);
    buf_add(out, BYTES("\r\n"));
    return condition;
}

void imap_respond_continue(struct buf *out, const char *text)
{
    buf_add_string(out, "+ ");
    end_line(out, text);
}

void imap_respond_challenge(struct buf *out, struct bytes challenge)
{
    buf_add_string(out, "+ ");
    imap_base64_print(out, challenge);
    buf_add_string(out, "\r\n");
}

void imap_respond_number(struct buf *out, uint32_t number, const char *name)
{
    buf_add_string(out, "* ");
    buf_add_number(out, number);
    buf_add_byte(out, ' ');
    end_line(out, name);
}

void imap_copyuid_print(struct buf *out, uint32_t uidvalidity, const struct imap_seqset *from,
                        const struct imap_seqset *to)
{
    buf_add_string(out, "COPYUID ");
    buf_add_number(out, uidvalidity);
    buf_add_byte(out, ' ');
    imap_seqset_print(out, from);
    buf_add_byte(out, ' ');
    imap_seqset_print(out, to);
}

void imap_appenduid_print(struct buf *out, uint32_t uidvalidity, const struct imap_seqset *uids)
{
    buf_add_string(out, "APPENDUID ");
    buf_add_number(out, uidvalidity);
    buf_add_byte(out, ' ');
    imap_seqset_print(out, uids);
}

/* RFC 9051 s4.3 */
void imap_literal_announce(struct buf *out, uint64_t bytes, bool literal8)
{
    buf_add_string(out, literal8 ? "~{" : "{");
    buf_add_number(out, bytes);
    buf_add_string(out, "}\r\n");
}

void imap_literal_print(struct buf *out, struct bytes bytes, bool literal8)
{
    imap_literal_announce(out, bytes.len, literal8);
    buf_add(out, bytes);
}

static void print_item(struct buf *out, const char *name, uint64_t number)
{
    buf_add_byte(out, ' ');
    buf_add_string(out, name);
    buf_add_byte(out, ' ');
    buf_add_number(out, number);
}

/* RFC 9051 s6.4.4, s6.4.9; RFC 4731 s3.1. */
void imap_esearch_print(struct buf *out, const struct imap_esearch *result)
{
    buf_add_string(out, "* ESEARCH (TAG \"");
    buf_add(out, result->tag);
    buf_add_string(out, result->uid ? "\") UID" : "\")");
    if ((result->returns & IMAP_RETURN_MIN) != 0 && result->min > 0)
        print_item(out, "MIN", result->min);
    if ((result->returns & IMAP_RETURN_MAX) != 0 && result->max > 0)
        print_item(out, "MAX", result->max);
    if ((result->returns & IMAP_RETURN_ALL) != 0 && result->all != NULL && result->all->count > 0) {
        buf_add_string(out, " ALL ");
        imap_seqset_print(out, result->all);
    }
    if ((result->returns & IMAP_RETURN_COUNT) != 0)
        print_item(out, "COUNT", result->count);
    if (result->modseq > 0)
        print_item(out, "MODSEQ", result->modseq);
    buf_add_string(out, "\r\n");
}

void imap_search_print(struct buf *out, const struct imap_seqset *resolved, uint64_t modseq)
{
    buf_add_string(out, "* SEARCH");
    for (uint32_t i = 0; i < resolved->count; i++)
        for (uint64_t number = resolved->ranges[i].first; number <= resolved->ranges[i].last;
             number++) {
            buf_add_byte(out, ' ');
            buf_add_number(out, number);
        }
    /* RFC 7162 s3.1.5: no MODSEQ without a match. */
    if (modseq > 0 && resolved->count > 0)
        buf_add_format(out, " (MODSEQ %llu)", (unsigned long long)modseq);
    buf_add_string(out, "\r\n");
}
