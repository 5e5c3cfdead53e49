/* The MIME structure parser: line by line over whatever pieces come.
 *
 * What is kept of a line is its beginning only: enough to know an empty line and a boundary. The
 * line end before a line belongs to the boundary if the line is one (RFC 2046 s5.1.1), so its
 * length is remembered until the next line is known. */
#include "message/parser.h"

#include <assert.h>
#include <string.h>

#include "base/ascii.h"

enum {
    LINE_KEPT_MAX = 2 + MESSAGE_BOUNDARY_MAX + 2, /* "--" boundary "--" */
    PARTS_FIRST = 4,
    HEADER_FIRST_BYTES = 2048,
};

enum stage { STAGE_HEADER, STAGE_BODY };

struct open_multipart {
    uint32_t part;
    uint32_t last_child;
    struct bytes boundary;
};

struct message_parser {
    struct arena *arena;
    struct message_limits limits;
    struct message message;
    struct message_part *parts;
    uint32_t part_count;
    uint32_t part_capacity;
    uint32_t current; /* the innermost part that is open */
    enum stage stage; /* of the current part */
    struct open_multipart *open; /* outermost first; limits.depth_max of them at most */
    uint32_t open_count;

    uint64_t offset; /* of the next byte to come */
    uint64_t line_start;
    uint64_t lines; /* LF bytes before line_start */
    uint32_t line_end_bytes; /* before line_start: 0 (start of a body), 1 or 2 */
    uint8_t last_byte;
    size_t kept_len; /* of a line that began in an earlier chunk */
    uint8_t kept[LINE_KEPT_MAX];

    uint8_t *header; /* the block being collected */
    size_t header_len;
    size_t header_line_len; /* of those, in the line that is not complete */
    size_t header_capacity;
    size_t header_bytes_left; /* of the limit */
    bool header_cut;

    struct message_sample *sample; /* being filled; NULL: none */
    uint8_t *sample_at;
    size_t sample_max;
};

/* ---- parts ---- */

/* Grows the array; false when that is beyond limit or budget. */
static bool parts_reserve(struct message_parser *p)
{
    if (p->part_count >= p->limits.parts_max)
        return false;
    if (p->part_count < p->part_capacity)
        return true;
    uint32_t capacity = p->part_capacity == 0 ? PARTS_FIRST : p->part_capacity * 2;
    struct message_part *parts = ARENA_NEW_ARRAY(p->arena, struct message_part, capacity);
    if (parts == NULL)
        return false;
    if (p->part_count > 0)
        memcpy(parts, p->parts, p->part_count * sizeof *parts);
    p->parts = parts;
    p->part_capacity = capacity;
    return true;
}

/* Opens a part whose header starts at `offset`; parts_reserve has answered true. */
static void part_open(struct message_parser *p, uint32_t parent, uint64_t offset)
{
    p->parts[p->part_count] = (struct message_part){
        .parent = parent,
        .first_child = MESSAGE_PART_NONE,
        .next_sibling = MESSAGE_PART_NONE,
        .depth = parent == MESSAGE_PART_NONE ? 1 : p->parts[parent].depth + 1,
        .header_offset = offset,
    };
    p->current = p->part_count++;
    p->stage = STAGE_HEADER;
    p->header_len = 0;
    p->header_line_len = 0;
    p->header_cut = false;
}

static bool is_multipart(const struct message_part *part)
{
    return message_part_is(part, BYTES("multipart"), BYTES(""));
}

static bool is_message(const struct message_part *part)
{
    return message_part_is(part, BYTES("message"), BYTES("rfc822")) ||
           message_part_is(part, BYTES("message"), BYTES("global"));
}

static bool is_in_digest(const struct message_parser *p, const struct message_part *part)
{
    return part->parent != MESSAGE_PART_NONE &&
           message_part_is(&p->parts[part->parent], BYTES("multipart"), BYTES("digest"));
}

/* ---- header blocks ---- */

static bool header_reserve(struct message_parser *p, size_t len)
{
    size_t capacity = p->header_capacity == 0 ? HEADER_FIRST_BYTES : p->header_capacity;

    if (p->header_len + len <= p->header_capacity)
        return true;
    while (capacity < p->header_len + len)
        capacity *= 2;
    uint8_t *header = arena_alloc(p->arena, capacity);
    if (header == NULL)
        return false;
    if (p->header_len > 0)
        memcpy(header, p->header, p->header_len);
    p->header = header;
    p->header_capacity = capacity;
    return true;
}

static void header_add(struct message_parser *p, struct bytes piece)
{
    size_t room = p->header_bytes_left > p->header_len ? p->header_bytes_left - p->header_len : 0;
    size_t len = piece.len < room ? piece.len : room;

    if (p->header_cut || !header_reserve(p, len))
        len = 0;
    p->header_cut = p->header_cut || len < piece.len;
    if (len > 0)
        memcpy(p->header + p->header_len, piece.at, len);
    p->header_len += len;
    p->header_line_len += len;
}

static void header_keep(struct message_parser *p, struct message_part *part)
{
    part->header = arena_copy(p->arena, bytes_make(p->header, p->header_len));
    part->header_cut = p->header_cut;
    if (part->header.at == NULL) {
        part->header = (struct bytes){ 0 };
        part->header_cut = true;
    }
    p->header_bytes_left -= part->header.len;
    p->message.has_limited = p->message.has_limited || part->header_cut;
}

/* ---- bodies ---- */

static void sample_start(struct message_parser *p, const struct message_part *part)
{
    bool is_plain = message_part_is(part, BYTES("text"), BYTES("plain"));
    bool is_html = message_part_is(part, BYTES("text"), BYTES("html"));
    struct message_sample *sample = is_plain ? &p->message.plain : &p->message.html;

    p->sample = NULL;
    if (!(is_plain || is_html) || sample->part != MESSAGE_PART_NONE ||
        message_part_is_attachment(part))
        return;
    p->sample_max = is_plain ? MESSAGE_PLAIN_SAMPLE_MAX : MESSAGE_HTML_SAMPLE_MAX;
    p->sample_at = arena_alloc(p->arena, p->sample_max);
    if (p->sample_at == NULL)
        return;
    *sample = (struct message_sample){ p->current, bytes_make(p->sample_at, 0) };
    p->sample = sample;
}

static void sample_add(struct message_parser *p, struct bytes piece)
{
    size_t room = p->sample_max - p->sample->raw.len;
    size_t len = piece.len < room ? piece.len : room;

    memcpy(p->sample_at + p->sample->raw.len, piece.at, len);
    p->sample->raw.len += len;
    if (len == room)
        p->sample = NULL;
}

/* Pieces were added before their line was known to be a boundary: cuts them off again. */
static void sample_cut(struct message_sample *sample, uint32_t part, uint64_t body_bytes)
{
    if (sample->part == part && sample->raw.len > body_bytes)
        sample->raw.len = (size_t)body_bytes;
}

/* What is beyond a limit or has no usable boundary is shown as bytes that nobody looks into. */
static void make_opaque(struct message_part *part, struct bytes type, struct bytes subtype)
{
    part->type = type;
    part->subtype = subtype;
    part->params = (struct params){ 0 };
}

/* RFC 2046 s5.1.1: a boundary has no blanks at its end. */
static struct bytes usable_boundary(struct message_parser *p, const struct message_part *part)
{
    struct bytes boundary = param_value(p->arena, &part->params, BYTES("boundary"));
    while (boundary.len > 0 && ascii_is_blank(boundary.at[boundary.len - 1]))
        boundary.len--;
    return bytes_slice(boundary, 0, MESSAGE_BOUNDARY_MAX);
}

static void multipart_start(struct message_parser *p, struct message_part *part)
{
    struct bytes boundary = usable_boundary(p, part);

    if (boundary.len == 0) {
        /* RFC 2045 s5.2: what has no sense as it is labelled is plain text. */
        make_opaque(part, BYTES("text"), BYTES("plain"));
        sample_start(p, part);
        return;
    }
    part->kind = MESSAGE_PART_MULTIPART;
    p->open[p->open_count++] = (struct open_multipart){ p->current, MESSAGE_PART_NONE, boundary };
}

static void message_start(struct message_parser *p)
{
    uint32_t outer = p->current;

    p->parts[outer].kind = MESSAGE_PART_MESSAGE;
    p->parts[outer].first_child = p->part_count;
    part_open(p, outer, p->parts[outer].body_offset);
}

/* RFC 9051 s9 */
static void body_start(struct message_parser *p)
{
    struct message_part *part = &p->parts[p->current];
    bool is_container = is_multipart(part) || is_message(part);

    p->stage = STAGE_BODY;
    p->sample = NULL;
    p->line_end_bytes = 0;
    if (is_container && (part->depth >= p->limits.depth_max || !parts_reserve(p))) {
        part = &p->parts[p->current];
        make_opaque(part, BYTES("application"), BYTES("octet-stream"));
        p->message.has_limited = true;
        return;
    }
    part = &p->parts[p->current];
    if (is_multipart(part))
        multipart_start(p, part);
    else if (is_message(part))
        message_start(p);
    else
        sample_start(p, part);
}

/* The current part's header ends at `offset`, where `lines` line ends have passed. */
static void header_finish(struct message_parser *p, uint64_t offset, uint64_t lines)
{
    struct message_part *part = &p->parts[p->current];

    header_keep(p, part);
    part->header_bytes = offset - part->header_offset;
    part->body_offset = offset;
    part->body_lines = lines; /* where it starts, until the part is closed */
    message_part_read(part, p->arena, is_in_digest(p, part));
    body_start(p);
}

/* RFC 2046 s5.1.1 wants a part in each multipart, and so does body-type-mpart (RFC 9051 s9). Where
 * no boundary came, all there is becomes that part, as plain text: nothing is hidden. Its room was
 * reserved when the multipart began. */
static void preamble_to_part(struct message_parser *p, uint32_t multipart)
{
    bool has_room = parts_reserve(p);
    assert(has_room);
    struct message_part *outer = &p->parts[multipart];
    struct message_part *part = &p->parts[p->part_count];

    *part = (struct message_part){
        .parent = multipart,
        .first_child = MESSAGE_PART_NONE,
        .next_sibling = MESSAGE_PART_NONE,
        .depth = outer->depth + 1,
        .header_offset = outer->body_offset,
        .body_offset = outer->body_offset,
        .body_bytes = outer->body_bytes,
        .body_lines = outer->body_lines,
    };
    message_part_read(part, p->arena, false);
    outer->first_child = p->part_count++;
}

/* Closes the parts from the current one up to, not including, `until`; bodies end at `offset`, or
 * where they start if a header reached further: a part is never shorter than what is in it. */
static void parts_close(struct message_parser *p, uint32_t until, uint64_t offset, uint64_t lines)
{
    while (p->stage == STAGE_HEADER)
        header_finish(p, p->line_start, p->lines);
    for (uint32_t i = p->current; i != until; i = p->parts[i].parent) {
        struct message_part *part = &p->parts[i];
        if (part->body_offset > offset) {
            offset = part->body_offset;
            lines = part->body_lines;
        }
        part->body_bytes = offset - part->body_offset;
        part->body_lines = lines - part->body_lines;
        sample_cut(&p->message.plain, i, part->body_bytes);
        sample_cut(&p->message.html, i, part->body_bytes);
        if (part->kind == MESSAGE_PART_MULTIPART && part->first_child == MESSAGE_PART_NONE)
            preamble_to_part(p, i);
    }
    p->sample = NULL;
    p->current = until;
    p->stage = STAGE_BODY;
}

/* ---- boundaries ---- */

/* The open multipart whose boundary starts the line, the longest if several do (one may be the
 * beginning of another), the innermost of equals; open_count when there is none. `after` is what
 * stands behind "--". */
static uint32_t boundary_match(const struct message_parser *p, struct bytes after)
{
    uint32_t best = p->open_count;

    for (uint32_t i = p->open_count; i-- > 0;) {
        struct bytes boundary = p->open[i].boundary;
        bool is_better = best == p->open_count || boundary.len > p->open[best].boundary.len;
        if (is_better && boundary.len <= after.len && boundary.at[0] == after.at[0] &&
            bytes_starts_with(after, boundary))
            best = i;
    }
    return best;
}

static void child_start(struct message_parser *p, uint32_t at, uint64_t offset)
{
    struct open_multipart *open = &p->open[at];
    uint32_t child = p->part_count;

    if (open->last_child == MESSAGE_PART_NONE)
        p->parts[open->part].first_child = child;
    else
        p->parts[open->last_child].next_sibling = child;
    open->last_child = child;
    part_open(p, open->part, offset);
}

/* The line that has just ended, `line_bytes` long: true when it was a boundary. */
static bool boundary_take(struct message_parser *p, struct bytes line, uint64_t line_bytes)
{
    struct bytes after = bytes_from(line, 2);
    uint32_t at = boundary_match(p, after);

    if (at == p->open_count)
        return false;
    bool is_end = bytes_starts_with(bytes_from(after, p->open[at].boundary.len), BYTES("--"));
    if (!is_end && !parts_reserve(p)) {
        p->message.has_limited = true;
        return false;
    }
    p->header_len -= p->stage == STAGE_HEADER ? p->header_line_len : 0;
    parts_close(p, p->open[at].part, p->line_start - p->line_end_bytes,
                p->lines - (p->line_end_bytes > 0 ? 1 : 0));
    p->open_count = is_end ? at : at + 1;
    if (!is_end && parts_reserve(p)) /* closing may have opened the last part allowed */
        child_start(p, at, p->line_start + line_bytes);
    return true;
}

/* ---- lines ---- */

static bool is_empty_line(struct bytes line, uint64_t line_bytes)
{
    return (line_bytes == 1 && line.at[0] == '\n') ||
           (line_bytes == 2 && line.at[0] == '\r' && line.at[1] == '\n');
}

/* A line has ended, with `end_bytes` of line end (0 at the end of the message). `line` is its
 * beginning. */
static void line_finish(struct message_parser *p, struct bytes line, uint32_t end_bytes)
{
    uint64_t line_bytes = p->offset - p->line_start;
    bool is_boundary = p->open_count > 0 && bytes_starts_with(line, BYTES("--")) &&
                       boundary_take(p, line, line_bytes);
    bool ends_header = !is_boundary && p->stage == STAGE_HEADER && is_empty_line(line, line_bytes);

    p->line_start = p->offset;
    p->lines += end_bytes > 0 ? 1 : 0;
    p->line_end_bytes = end_bytes;
    p->header_line_len = 0;
    p->kept_len = 0;
    if (ends_header)
        header_finish(p, p->line_start, p->lines);
}

static void line_keep(struct message_parser *p, struct bytes piece)
{
    size_t room = LINE_KEPT_MAX - p->kept_len;
    size_t len = piece.len < room ? piece.len : room;
    memcpy(p->kept + p->kept_len, piece.at, len);
    p->kept_len += len;
}

/* A piece of a line, up to its LF if `has_end`. */
static void line_feed(struct message_parser *p, struct bytes piece, bool has_end)
{
    bool is_continued = p->offset > p->line_start;
    uint8_t before_end = piece.len >= 2 ? piece.at[piece.len - 2] : p->last_byte;

    if (p->stage == STAGE_HEADER)
        header_add(p, piece);
    else if (p->sample != NULL)
        sample_add(p, piece);
    p->offset += piece.len;
    p->last_byte = piece.at[piece.len - 1];
    if (is_continued || !has_end)
        line_keep(p, piece);
    if (!has_end)
        return;
    bool has_cr = before_end == '\r' && p->offset - p->line_start >= 2;
    struct bytes line = is_continued ? bytes_make(p->kept, p->kept_len) : piece;
    line_finish(p, bytes_slice(line, 0, LINE_KEPT_MAX), has_cr ? 2 : 1);
}

/* Passes over whole lines of a body that cannot be boundaries; answers the bytes passed. */
static size_t skip_lines(struct message_parser *p, struct bytes chunk)
{
    const uint8_t *at = chunk.at;
    const uint8_t *end = chunk.at + chunk.len;
    uint64_t lines = 0;

    while (at < end && (*at != '-' || p->open_count == 0)) {
        const uint8_t *line_end = memchr(at, '\n', (size_t)(end - at));
        if (line_end == NULL)
            break;
        lines++;
        at = line_end + 1;
    }
    size_t passed = (size_t)(at - chunk.at);
    if (passed == 0)
        return 0;
    p->lines += lines;
    p->offset += passed;
    p->line_start = p->offset;
    p->last_byte = '\n';
    /* The line end is CR LF only when both are of this last line. */
    p->line_end_bytes = passed >= 2 && at[-2] == '\r' ? 2 : 1;
    return passed;
}

void message_parser_feed(struct message_parser *parser, struct bytes chunk)
{
    struct message_parser *p = parser;

    while (chunk.len > 0) {
        bool can_skip = p->stage == STAGE_BODY && p->sample == NULL && p->offset == p->line_start;
        size_t len = can_skip ? skip_lines(p, chunk) : 0;
        if (len == 0) {
            len = bytes_find_byte(chunk, 0, '\n');
            bool has_end = len < chunk.len;
            len += has_end ? 1 : 0;
            line_feed(p, bytes_slice(chunk, 0, len), has_end);
        }
        chunk = bytes_from(chunk, len);
    }
}

/* ---- start and end ---- */

struct message_parser *message_parser_new(struct arena *arena, const struct message_limits *limits)
{
    struct message_parser *p = ARENA_NEW(arena, struct message_parser);

    assert(limits->depth_max > 0 && limits->parts_max > 0);
    assert(p != NULL);
    p->arena = arena;
    p->limits = *limits;
    p->header_bytes_left = limits->header_bytes_max;
    p->message.plain.part = MESSAGE_PART_NONE;
    p->message.html.part = MESSAGE_PART_NONE;
    p->open = ARENA_NEW_ARRAY(arena, struct open_multipart, limits->depth_max);
    bool has_room = p->open != NULL && parts_reserve(p);
    assert(has_room);
    part_open(p, MESSAGE_PART_NONE, 0);
    return p;
}

const struct message *message_parser_finish(struct message_parser *parser)
{
    struct message_parser *p = parser;

    if (p->offset > p->line_start)
        line_finish(p, bytes_make(p->kept, p->kept_len), 0);
    parts_close(p, MESSAGE_PART_NONE, p->offset, p->lines);
    p->message.parts = p->parts;
    p->message.part_count = p->part_count;
    p->message.bytes = p->offset;
    return &p->message;
}

const struct message *message_parse(struct arena *arena, struct bytes raw)
{
    struct message_parser *parser = message_parser_new(arena, &MESSAGE_LIMITS_DEFAULT);

    message_parser_feed(parser, raw);
    return message_parser_finish(parser);
}
