/* Finding commands: lines, and the literals that lines announce (RFC 9051 s4.3, RFC 7888). */
#include "imap/wire/frame.h"

#include <assert.h>
#include <string.h>

#include "base/ascii.h"
#include "base/num.h"

enum {
    /* Of a line that is skipped only so much is kept: enough for the longest announcement,
     * "~{9223372036854775807+}". */
    SKIPPED_TAIL_BYTES = 32,
    /* A larger buffer is given back after its command. */
    KEPT_CAPACITY = 4096,
};

enum announcement {
    ANNOUNCES_NOTHING,
    ANNOUNCES_LITERAL,
    ANNOUNCES_TOO_MUCH, /* non-synchronising, beyond 63 bits */
};

void imap_framer_init(struct imap_framer *framer, const struct imap_frame_limits *limits)
{
    assert(limits->command_bytes_max >= limits->line_bytes_max);
    *framer = (struct imap_framer){
        .limits = limits,
        /* Room for the CR of a line at its limit, and for CRLF behind an announcement. */
        .frame = buf_make(limits->command_bytes_max + 2),
    };
}

void imap_framer_done(struct imap_framer *framer)
{
    imap_framer_wipe(framer);
}

static void start_command(struct imap_framer *framer)
{
    if (framer->frame.capacity > KEPT_CAPACITY)
        buf_done(&framer->frame);
    buf_clear(&framer->frame);
    framer->line_at = 0;
    framer->continues = false;
    framer->state = IMAP_FRAMER_LINE;
}

/* Takes "~{n+}" off the end of `line`, if it is there. RFC 7888 s3. */
static enum announcement read_announcement(struct bytes line, struct imap_literal *out_literal)
{
    struct imap_literal literal = { .synchronising = true };
    size_t end = line.len;
    size_t start;

    if (end == 0 || line.at[end - 1] != '}')
        return ANNOUNCES_NOTHING;
    end--;
    if (end > 0 && line.at[end - 1] == '+') {
        literal.synchronising = false;
        end--;
    }
    start = end;
    while (start > 0 && ascii_is_digit(line.at[start - 1]))
        start--;
    if (start == end || start == 0 || line.at[start - 1] != '{')
        return ANNOUNCES_NOTHING;
    if (!num_parse(bytes_slice(line, start, end - start), INT64_MAX, &literal.bytes))
        return literal.synchronising ? ANNOUNCES_NOTHING : ANNOUNCES_TOO_MUCH;
    literal.literal8 = start > 1 && line.at[start - 2] == '~';
    *out_literal = literal;
    return ANNOUNCES_LITERAL;
}

static struct bytes current_line(const struct imap_framer *framer)
{
    return bytes_from(buf_bytes(&framer->frame), framer->line_at);
}

static enum imap_frame bad(struct imap_framer *framer, enum imap_frame_trouble trouble)
{
    framer->trouble = trouble;
    framer->state =
        trouble == IMAP_FRAME_LITERAL_TOO_LONG ? IMAP_FRAMER_STUCK : IMAP_FRAMER_SKIP_LINE;
    return IMAP_FRAME_BAD;
}

static bool literal_fits(const struct imap_framer *framer, uint64_t bytes)
{
    size_t max = framer->limits->command_bytes_max;

    return bytes <= framer->limits->literal_bytes_max && framer->frame.len <= max &&
           bytes <= max - framer->frame.len;
}

/* The line is whole, its LF taken. */
static enum imap_frame end_line(struct imap_framer *framer, bool braces)
{
    struct bytes line = current_line(framer);

    if (line.len > 0 && line.at[line.len - 1] == '\r') {
        buf_truncate(&framer->frame, framer->frame.len - 1);
        line.len--;
    }
    switch (braces ? read_announcement(line, &framer->literal) : ANNOUNCES_NOTHING) {
    case ANNOUNCES_TOO_MUCH: return bad(framer, IMAP_FRAME_LITERAL_TOO_LONG);
    case ANNOUNCES_LITERAL: break;
    case ANNOUNCES_NOTHING: framer->state = IMAP_FRAMER_HANDED_OUT; return IMAP_FRAME_DONE;
    }
    buf_add(&framer->frame, BYTES("\r\n"));
    assert(!framer->frame.overflowed);
    framer->literal.fits = literal_fits(framer, framer->literal.bytes);
    framer->state = IMAP_FRAMER_ANNOUNCED;
    return IMAP_FRAME_LITERAL;
}

/* How many bytes the line may have; a CR that may belong to its end is not counted. */
static size_t line_length(struct bytes line)
{
    return line.len > 0 && line.at[line.len - 1] == '\r' ? line.len - 1 : line.len;
}

static enum imap_frame take_line(struct imap_framer *framer, struct bytes *in,
                                 size_t line_bytes_max, bool braces)
{
    size_t lf = bytes_find_byte(*in, 0, '\n');
    struct bytes line = current_line(framer);
    size_t room = line.len < line_bytes_max + 1 ? line_bytes_max + 1 - line.len : 0;
    size_t taken = lf < room ? lf : room;
    size_t length;

    buf_add(&framer->frame, bytes_slice(*in, 0, taken));
    if (framer->frame.overflowed)
        return bad(framer, IMAP_FRAME_COMMAND_TOO_LONG);
    *in = bytes_from(*in, taken);
    length = line_length(current_line(framer));
    if (taken < lf || length > line_bytes_max)
        return bad(framer, IMAP_FRAME_LINE_TOO_LONG);
    if (framer->frame.len - (current_line(framer).len - length) > framer->limits->command_bytes_max)
        return bad(framer, IMAP_FRAME_COMMAND_TOO_LONG);
    if (in->len == 0)
        return IMAP_FRAME_MORE;
    *in = bytes_from(*in, 1);
    return end_line(framer, braces);
}

static void take_literal(struct imap_framer *framer, struct bytes *in)
{
    struct bytes taken = *in;

    if (taken.len > framer->literal_left)
        taken.len = (size_t)framer->literal_left;
    buf_add(&framer->frame, taken);
    *in = bytes_from(*in, taken.len);
    framer->literal_left -= taken.len;
    if (framer->literal_left > 0)
        return;
    framer->line_at = framer->frame.len;
    framer->state = IMAP_FRAMER_LINE;
}

static void skip_literal(struct imap_framer *framer, struct bytes *in)
{
    size_t skipped = in->len < framer->literal_left ? in->len : (size_t)framer->literal_left;

    *in = bytes_from(*in, skipped);
    framer->literal_left -= skipped;
    if (framer->literal_left > 0)
        return;
    buf_clear(&framer->frame);
    framer->line_at = 0;
    framer->state = IMAP_FRAMER_SKIP_LINE;
}

static void keep_tail(struct imap_framer *framer, struct bytes more)
{
    if (more.len > SKIPPED_TAIL_BYTES)
        more = bytes_from(more, more.len - SKIPPED_TAIL_BYTES);
    if (framer->frame.len > SKIPPED_TAIL_BYTES)
        buf_consume(&framer->frame, framer->frame.len - SKIPPED_TAIL_BYTES);
    framer->frame.overflowed = false;
    framer->line_at = 0;
    buf_add(&framer->frame, more);
    if (framer->frame.len > SKIPPED_TAIL_BYTES)
        buf_consume(&framer->frame, framer->frame.len - SKIPPED_TAIL_BYTES);
}

/* A refused command goes on behind each literal that the client does not wait to send. RFC 7888 s3.
 */
static enum imap_frame skip_line(struct imap_framer *framer, struct bytes *in)
{
    size_t lf = bytes_find_byte(*in, 0, '\n');
    struct imap_literal literal;
    struct bytes line;

    keep_tail(framer, bytes_slice(*in, 0, lf));
    *in = bytes_from(*in, lf);
    if (in->len == 0)
        return IMAP_FRAME_MORE;
    *in = bytes_from(*in, 1);
    line = current_line(framer);
    line.len = line_length(line);
    switch (read_announcement(line, &literal)) {
    case ANNOUNCES_TOO_MUCH: return bad(framer, IMAP_FRAME_LITERAL_TOO_LONG);
    case ANNOUNCES_LITERAL:
        if (literal.synchronising) {
            start_command(framer);
            break;
        }
        framer->literal_left = literal.bytes;
        framer->state = IMAP_FRAMER_SKIP_LITERAL;
        break;
    case ANNOUNCES_NOTHING: start_command(framer); break;
    }
    return IMAP_FRAME_MORE;
}

static enum imap_frame advance(struct imap_framer *framer, struct bytes *in, size_t line_bytes_max,
                               bool braces)
{
    enum imap_frame found = IMAP_FRAME_MORE;

    assert(framer->state != IMAP_FRAMER_ANNOUNCED);
    if (framer->state == IMAP_FRAMER_HANDED_OUT)
        start_command(framer);
    /* A literal of no bytes ends, and is left, without any input. */
    do {
        switch (framer->state) {
        case IMAP_FRAMER_LINE: found = take_line(framer, in, line_bytes_max, braces); break;
        case IMAP_FRAMER_LITERAL_BYTES: take_literal(framer, in); break;
        case IMAP_FRAMER_SKIP_LITERAL: skip_literal(framer, in); break;
        case IMAP_FRAMER_SKIP_LINE: found = skip_line(framer, in); break;
        case IMAP_FRAMER_STUCK: return IMAP_FRAME_BAD;
        case IMAP_FRAMER_ANNOUNCED:
        case IMAP_FRAMER_HANDED_OUT: return found;
        }
    } while (found == IMAP_FRAME_MORE && in->len > 0);
    return found;
}

enum imap_frame imap_framer_next(struct imap_framer *framer, struct bytes *in)
{
    return advance(framer, in, framer->limits->line_bytes_max, true);
}

enum imap_frame imap_framer_next_line(struct imap_framer *framer, struct bytes *in,
                                      size_t line_bytes_max)
{
    assert(line_bytes_max <= framer->limits->command_bytes_max);
    return advance(framer, in, line_bytes_max, false);
}

struct bytes imap_framer_bytes(const struct imap_framer *framer)
{
    return buf_bytes(&framer->frame);
}

struct imap_literal imap_framer_literal(const struct imap_framer *framer)
{
    return framer->literal;
}

enum imap_frame_trouble imap_framer_trouble(const struct imap_framer *framer)
{
    return framer->trouble;
}

void imap_framer_accept(struct imap_framer *framer)
{
    assert(framer->state == IMAP_FRAMER_ANNOUNCED && framer->literal.fits);
    framer->literal_left = framer->literal.bytes;
    framer->state = IMAP_FRAMER_LITERAL_BYTES;
}

void imap_framer_divert(struct imap_framer *framer)
{
    assert(framer->state == IMAP_FRAMER_ANNOUNCED);
    start_command(framer);
    framer->continues = true;
}

void imap_framer_refuse(struct imap_framer *framer)
{
    assert(framer->state == IMAP_FRAMER_ANNOUNCED);
    framer->literal_left = framer->literal.bytes;
    framer->state =
        framer->literal.synchronising ? IMAP_FRAMER_HANDED_OUT : IMAP_FRAMER_SKIP_LITERAL;
}

bool imap_framer_is_idle(const struct imap_framer *framer)
{
    return framer->state == IMAP_FRAMER_HANDED_OUT ||
           (framer->state == IMAP_FRAMER_LINE && buf_is_empty(&framer->frame) &&
            !framer->continues);
}

void imap_framer_trim(struct imap_framer *framer)
{
    assert(imap_framer_is_idle(framer));
    buf_done(&framer->frame);
    start_command(framer);
}

void imap_framer_wipe(struct imap_framer *framer)
{
    if (framer->frame.at != NULL)
        explicit_bzero(framer->frame.at, framer->frame.capacity);
    buf_done(&framer->frame);
    framer->line_at = 0;
}
