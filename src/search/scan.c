/* The pass over a message's text. */
#include "search/scan.h"

#include "message/casemap.h"
#include "message/header.h"
#include "message/text.h"
#include "store/body.h"

enum {
    PIECE = 16 * 1024,
    RUN_COST = 512, /* what a header or text counts as, besides the bytes that are read for it */
    HEADER_BYTES_MAX = 256 * 1024,
    WINDOW_BYTES_MAX = 8 * 1024 * 1024, /* TEXT_GROWTH_MAX times a piece, and the longest key */
};

void search_scan_done(struct search_scan *scan)
{
    text_reader_free(scan->reader);
    buf_done(&scan->window);
    buf_done(&scan->parts);
    buf_done(&scan->chunk);
    *scan = (struct search_scan){ 0 };
}

void search_scan_end_message(struct search_scan *scan)
{
    struct search_scan next = {
        .reader = scan->reader, .window = scan->window, .parts = scan->parts, .chunk = scan->chunk
    };

    buf_clear(&next.window);
    buf_clear(&next.parts);
    buf_clear(&next.chunk);
    *scan = next;
}

static uint64_t all_texts(const struct search_program *program)
{
    return program->text_count == 64 ? UINT64_MAX : (UINT64_C(1) << program->text_count) - 1;
}

/* Looks for what is still missing in the window, then lets go what no key can begin in. */
static void look(struct search_scan *scan, const struct search_program *program)
{
    struct bytes window = buf_bytes(&scan->window);
    size_t kept = program->text_bytes_max == 0 ? 0 : program->text_bytes_max - 1;

    for (uint32_t i = 0; i < program->text_count; i++) {
        const struct search_key *key = program->texts[i];

        if ((scan->found >> i & 1) != 0 || (scan->is_top_header && key->type == IMAP_SEARCH_BODY))
            continue;
        if (bytes_find(window, 0, key->text) < window.len || key->text.len == 0)
            scan->found |= UINT64_C(1) << i;
    }
    if (window.len > kept)
        buf_consume(&scan->window, window.len - kept);
}

/* The parts of message/delivery-status and its kin are lines of text (RFC 3464 section 2.1). */
static bool is_text(const struct summary_part *part)
{
    return part->kind == MESSAGE_PART_LEAF && (bytes_equal_nocase(part->type, BYTES("text")) ||
                                               bytes_equal_nocase(part->type, BYTES("message")));
}

static void start_run(struct search_scan *scan, enum search_run run, uint64_t from, uint64_t bytes)
{
    scan->window.max = WINDOW_BYTES_MAX;
    buf_clear(&scan->window);
    scan->run = run;
    scan->from = from;
    scan->bytes = bytes;
    scan->offset = 0;
}

static void start_text(struct search_scan *scan, const struct summary_part *part)
{
    struct text_options options = {
        .encoding = part->encoding,
        .charset = part->charset,
        .is_html = bytes_equal_nocase(part->subtype, BYTES("html")),
        .is_folded = true,
    };

    start_run(scan, SEARCH_RUN_TEXT, part->body_offset, part->body_bytes);
    scan->is_top_header = false;
    if (scan->reader == NULL)
        scan->reader = text_reader_new(&options);
    else
        text_reader_restart(scan->reader, &options);
}

/* The message's own header is looked at for TEXT only. */
static bool asks_top_header(const struct search_program *program)
{
    for (uint32_t i = 0; i < program->text_count; i++)
        if (program->texts[i]->type == IMAP_SEARCH_TEXT)
            return true;
    return false;
}

/* The next run of bytes to be looked at; false when the message is through. Each part gives its
 * header first, then its body if that is text; `position` moves on after the second. */
static bool next_run(struct search_scan *scan, const struct search_program *program)
{
    const struct summary summary = { .message_bytes = scan->message_bytes,
                                     .parts = buf_bytes(&scan->parts) };
    struct summary_part part;
    size_t position = scan->position;

    while (summary_part_next(&summary, &position, &part)) {
        if (scan->part != part.index + 1 && (part.index > 0 || asks_top_header(program))) {
            scan->part = part.index + 1;
            start_run(scan, SEARCH_RUN_HEADER, part.header_offset, part.header_bytes);
            scan->is_top_header = part.index == 0;
            return true;
        }
        scan->part = part.index + 1;
        scan->position = position;
        if (is_text(&part)) {
            start_text(scan, &part);
            return true;
        }
    }
    return false;
}

/* The message's bytes from `offset` on, as far as its chunk goes; valid until the next call. Small
 * messages are read, and their checksum taken, once for all of their parts. */
static enum err chunk_at(struct search_scan *scan, struct search_source *source,
                         struct body_id body, uint64_t offset, struct bytes *out_bytes)
{
    uint64_t from = offset - offset % BODY_CHUNK_BYTES;
    uint64_t left = scan->message_bytes - from;
    struct body_piece piece = { body, from,
                                left < BODY_CHUNK_BYTES ? (size_t)left : BODY_CHUNK_BYTES };

    if (scan->chunk.len == 0 || scan->chunk_from != from) {
        uint8_t *at;
        enum err err;

        scan->chunk.max = BODY_CHUNK_BYTES;
        buf_clear(&scan->chunk);
        at = buf_reserve(&scan->chunk, piece.len);
        err = body_read(source->account, piece, at, source->waker);
        if (err != ERR_OK)
            return err;
        buf_commit(&scan->chunk, piece.len);
        scan->chunk_from = from;
        search_source_spend(source, piece.len);
    }
    *out_bytes = bytes_from(buf_bytes(&scan->chunk), (size_t)(offset - from));
    return ERR_OK;
}

/* RFC 9051 s6.4.4 */
static void look_at_header(struct search_scan *scan, const struct search_program *program,
                           struct bytes header)
{
    struct header_reader reader = header_reader_make(header);
    struct header_field field;

    while (header_next(&reader, &field)) {
        casemap_fold(field.name, &scan->window);
        buf_add(&scan->window, BYTES(": "));
        text_header(field.value, true, &scan->window);
        buf_add_byte(&scan->window, '\n');
        look(scan, program);
    }
}

/* A header that goes over the border of a chunk. */
static enum err read_long_header(struct search_scan *scan, const struct search_program *program,
                                 struct search_source *source, struct body_piece piece)
{
    struct buf header = buf_make(HEADER_BYTES_MAX);
    uint8_t *at = buf_reserve(&header, piece.len);
    enum err err = body_read(source->account, piece, at, source->waker);

    if (err == ERR_OK) {
        search_source_spend(source, piece.len);
        buf_commit(&header, piece.len);
        look_at_header(scan, program, buf_bytes(&header));
    }
    buf_done(&header);
    return err;
}

/* A header is looked at whole, as far as HEADER_BYTES_MAX, its fields decoded one by one. */
static enum err read_header(struct search_scan *scan, const struct search_program *program,
                            struct search_source *source, struct body_id body)
{
    size_t len = scan->bytes < HEADER_BYTES_MAX ? (size_t)scan->bytes : HEADER_BYTES_MAX;
    struct body_piece piece = { body, scan->from, len };
    struct bytes header;
    enum err err = ERR_OK;

    if (len > 0 && scan->from % BODY_CHUNK_BYTES + len > BODY_CHUNK_BYTES) {
        err = read_long_header(scan, program, source, piece);
    } else if (len > 0) {
        err = chunk_at(scan, source, body, scan->from, &header);
        if (err == ERR_OK)
            look_at_header(scan, program, bytes_slice(header, 0, len));
    }
    if (err != ERR_OK)
        return err;
    search_source_spend(source, RUN_COST);
    scan->run = SEARCH_RUN_NONE;
    return ERR_OK;
}

static enum err read_text(struct search_scan *scan, const struct search_program *program,
                          struct search_source *source, struct body_id body)
{
    uint64_t left = scan->bytes - scan->offset;
    struct bytes piece;
    enum err err;

    if (left == 0) {
        text_reader_finish(scan->reader, &scan->window);
        look(scan, program);
        search_source_spend(source, RUN_COST);
        scan->run = SEARCH_RUN_NONE;
        return ERR_OK;
    }
    err = chunk_at(scan, source, body, scan->from + scan->offset, &piece);
    if (err != ERR_OK)
        return err;
    piece = bytes_slice(piece, 0, left < PIECE ? (size_t)left : PIECE);
    scan->offset += piece.len;
    text_reader_feed(scan->reader, piece, &scan->window);
    look(scan, program);
    return ERR_OK;
}

static enum err begin(struct search_scan *scan, struct search_source *source, struct body_id body)
{
    struct summary summary;
    enum err err = body_summary(source->account, body, source->waker, &summary);

    if (err != ERR_OK)
        return err;
    scan->parts.max = summary.parts.len;
    buf_add(&scan->parts, summary.parts);
    scan->message_bytes = summary.message_bytes;
    scan->active = true;
    return ERR_OK;
}

enum err search_scan_step(struct search_scan *scan, const struct search_program *program,
                          struct search_source *source, struct body_id body)
{
    enum err err = scan->active ? ERR_OK : begin(scan, source, body);

    while (err == ERR_OK) {
        if (scan->found == all_texts(program))
            return ERR_OK;
        if (source->bytes_left == 0)
            return ERR_LIMIT;
        if (scan->run == SEARCH_RUN_NONE && !next_run(scan, program))
            return ERR_OK;
        err = scan->run == SEARCH_RUN_HEADER ? read_header(scan, program, source, body)
                                             : read_text(scan, program, source, body);
    }
    return err;
}
