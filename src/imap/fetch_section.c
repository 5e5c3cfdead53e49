/* FETCH items that are sections of the body (RFC 9051 section 6.4.5.1, RFC 3516). */
#include "imap/fetch.h"

#include "imap/state.h"
#include "message/charset.h"
#include "message/header.h"
#include "message/nstring.h"
#include "store/body.h"

enum {
    DECODED_BYTES_MAX = 3 * BODY_CHUNK_BYTES, /* of one chunk, every byte of it a line end */
    HEADER_COST = 4096, /* what reading a header counts as, besides its bytes */
    HEADER_BYTES_MAX = 1024 * 1024, /* of a header that is filtered; the rest is not looked at */
    KEPT_PIECES_MAX = 64, /* of fields that do not stand side by side */
};

/* In UTF-16 and UTF-32 a line end is no single byte, and a byte more shifts all that follows. */
static bool has_lines(const struct summary_part *part)
{
    const struct charset *charset = charset_find(part->charset);

    return part->kind == MESSAGE_PART_LEAF && bytes_equal_nocase(part->type, BYTES("text")) &&
           (charset == NULL || charset_holds_ascii(charset));
}

static bool part_range(const struct imap_section *section, const struct summary_part *part,
                       struct imap_section_range *out_range)
{
    bool embedded = section->text != IMAP_SECTION_ALL && section->text != IMAP_SECTION_MIME;

    if (embedded && !part->has_message)
        return false;
    *out_range = (struct imap_section_range){ .encoding = TRANSFER_BINARY };
    switch (section->text) {
    case IMAP_SECTION_ALL:
        out_range->offset = part->body_offset;
        out_range->bytes = part->body_bytes;
        /* What holds other parts has no encoding of its own (RFC 2045 section 6.4). */
        if (part->kind == MESSAGE_PART_LEAF)
            out_range->encoding = part->encoding;
        out_range->is_text = has_lines(part);
        break;
    case IMAP_SECTION_MIME:
        out_range->offset = part->header_offset;
        out_range->bytes = part->header_bytes;
        break;
    case IMAP_SECTION_TEXT:
        out_range->offset = part->message_text_offset;
        out_range->bytes = part->message_text_bytes;
        break;
    case IMAP_SECTION_HEADER:
    case IMAP_SECTION_HEADER_FIELDS:
    case IMAP_SECTION_HEADER_FIELDS_NOT:
        out_range->offset = part->message_header_offset;
        out_range->bytes = part->message_header_bytes;
        break;
    }
    return true;
}

bool imap_section_find(const struct imap_section *section, const struct summary *summary,
                       struct imap_section_range *out_range)
{
    struct summary_part part;

    if (section->part_count == 0 && section->text == IMAP_SECTION_ALL) {
        *out_range = (struct imap_section_range){ .bytes = summary->message_bytes,
                                                  .encoding = TRANSFER_BINARY };
        return true;
    }
    return summary_part_find(summary, section->parts, section->part_count, &part) &&
           part_range(section, &part, out_range);
}

static bool is_binary(const struct imap_fetch_att *att)
{
    return att->kind == IMAP_FETCH_BINARY || att->kind == IMAP_FETCH_BINARY_SIZE;
}

static bool is_filtered(const struct imap_fetch_att *att)
{
    return att->section.text == IMAP_SECTION_HEADER_FIELDS ||
           att->section.text == IMAP_SECTION_HEADER_FIELDS_NOT;
}

static void print_name(struct imap_session *session, const struct imap_fetch_att *att)
{
    buf_add(session->out, att->name);
    buf_add_byte(session->out, ' ');
}

static void print_nil(struct imap_session *session, const struct imap_fetch_att *att)
{
    print_name(session, att);
    buf_add_string(session->out, att->kind == IMAP_FETCH_BINARY_SIZE ? "0" : "NIL");
}

/* The part of `len` bytes that a partial fetch asks for (RFC 9051 section 6.4.5). */
static void clip(const struct imap_fetch_att *att, uint64_t len, uint64_t *out_skip,
                 uint64_t *out_bytes)
{
    uint64_t skip = att->partial ? att->partial_offset : 0;

    if (skip > len)
        skip = len;
    *out_skip = skip;
    *out_bytes = len - skip;
    if (att->partial && att->partial_bytes < *out_bytes)
        *out_bytes = att->partial_bytes;
}

static void print_text(struct imap_session *session, const struct imap_fetch_att *att,
                       struct bytes text)
{
    uint64_t skip;
    uint64_t len;

    clip(att, text.len, &skip, &len);
    print_name(session, att);
    nstring_print_literal(session->out, bytes_slice(text, (size_t)skip, (size_t)len));
}

bool imap_fetch_is_kept(struct arena *arena, const struct imap_fetch_att *att,
                        struct header_names *out_names)
{
    const struct imap_section *section = &att->section;

    if (att->kind != IMAP_FETCH_BODY_SECTION || att->partial || section->part_count > 0 ||
        section->text != IMAP_SECTION_HEADER_FIELDS)
        return false;
    for (uint32_t i = 0; i < section->field_count; i++)
        if (!summary_keeps_field(section->fields[i]))
            return false;
    return header_names_make(arena, section->fields, section->field_count, out_names);
}

bool imap_fetch_kept(struct imap_session *session, const struct imap_fetch_att *att,
                     const struct header_names *names, const struct summary *summary)
{
    struct bytes pieces[KEPT_PIECES_MAX];
    size_t count;

    if (!summary->has_all_fields)
        return false;
    count = header_pick(summary->fields, names, pieces, ARRAY_COUNT(pieces));
    if (count > ARRAY_COUNT(pieces))
        return false;
    print_name(session, att);
    nstring_print_pieces(session->out, pieces, count);
    return true;
}

static enum err read_header(struct imap_session *session, const struct row *row,
                            const struct imap_section_range *range, struct buf *header)
{
    uint64_t len = range->bytes < HEADER_BYTES_MAX ? range->bytes : HEADER_BYTES_MAX;
    uint8_t *at = buf_reserve(header, (size_t)len);
    enum err err =
        body_read(session->account, (struct body_piece){ row->body, range->offset, (size_t)len },
                  at, session->waker);

    if (err == ERR_OK)
        buf_commit(header, (size_t)len);
    (void)imap_read_is_spent(session, HEADER_COST + len);
    return err;
}

/* What is left out of a header that is too long ends where the header would: RFC 9051 section
 * 6.4.5.1 promises the empty line. */
static void end_cut_fields(struct buf *fields)
{
    if (fields->len > 0 && !bytes_ends_with(buf_bytes(fields), BYTES("\n")))
        buf_add(fields, BYTES("\r\n"));
    buf_add(fields, BYTES("\r\n"));
}

/* HEADER.FIELDS from the summary where it keeps them, else from the header itself. Apart from
 * imap_fetch_kept this is for what is asked for seldom. */
static enum err print_filtered(struct imap_session *session, const struct imap_fetch_att *att,
                               const struct row *row, const struct summary *summary)
{
    const struct imap_section *section = &att->section;
    bool exclude = section->text == IMAP_SECTION_HEADER_FIELDS_NOT;
    struct buf fields = buf_make(HEADER_BYTES_MAX + 4); /* and what end_cut_fields adds */
    struct buf header = buf_make(HEADER_BYTES_MAX);
    struct imap_section_range range;
    enum err err = ERR_OK;

    if (exclude || section->part_count > 0 ||
        !summary_header_fields(summary, section->fields, section->field_count, &fields)) {
        buf_clear(&fields);
        err = imap_section_find(section, summary, &range)
                  ? read_header(session, row, &range, &header)
                  : ERR_NOT_FOUND;
        if (err == ERR_OK)
            header_filter(buf_bytes(&header), section->fields, section->field_count, exclude,
                          &fields);
        if (err == ERR_OK && range.bytes > HEADER_BYTES_MAX)
            end_cut_fields(&fields);
    }
    if (err == ERR_OK)
        print_text(session, att, buf_bytes(&fields));
    else if (err != ERR_BUSY)
        print_nil(session, att);
    buf_done(&header);
    buf_done(&fields);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* Reads on to the end of the chunk under one checksum, at most `len_max`: no byte of it costs less
 * than the whole chunk. */
static enum err read_chunk(struct imap_session *session, const struct row *row,
                           const struct imap_stream *stream, uint64_t len_max,
                           struct buf *out_chunk)
{
    uint64_t offset = stream->range.offset + stream->at;
    uint64_t left = stream->range.bytes - stream->at;
    size_t len = BODY_CHUNK_BYTES - (size_t)(offset % BODY_CHUNK_BYTES);
    uint8_t *at;
    enum err err;

    if (left > len_max)
        left = len_max;
    if (left < len)
        len = (size_t)left;
    at = buf_reserve(out_chunk, len);
    err = body_read(session->account, (struct body_piece){ row->body, offset, len }, at,
                    session->waker);
    if (err == ERR_OK)
        buf_commit(out_chunk, len);
    return err;
}

/* RFC 9051 section 4.3.1: no literal holds NUL. Who wants the very bytes asks for BINARY[]. */
static void hide_nul(struct buf *out, size_t from)
{
    for (size_t at = from;
         (at += bytes_find_byte(bytes_from(buf_bytes(out), at), 0, 0)) < out->len;)
        out->at[at] = 0x80;
}

/* Sends the next chunk as it lies in the log. RFC 9051 s4.3.1. */
static enum err send_chunk(struct imap_session *session, const struct row *row,
                           struct imap_stream *stream)
{
    size_t before = session->out->len;
    enum err err = read_chunk(session, row, stream, stream->left, session->out);

    hide_nul(session->out, before);
    stream->at += session->out->len - before;
    stream->left -= session->out->len - before;
    return err;
}

/* Announced with its first chunk, so that a section of one chunk is never broken off. */
static enum err start_plain(struct imap_session *session, const struct imap_fetch_att *att,
                            const struct row *row, struct imap_stream *stream)
{
    size_t before = session->out->len;
    enum err err = ERR_OK;

    clip(att, stream->range.bytes, &stream->at, &stream->left);
    print_name(session, att);
    imap_literal_announce(session->out, stream->left, false);
    if (stream->left > 0)
        err = send_chunk(session, row, stream);
    if (err == ERR_OK) {
        stream->active = stream->left > 0;
        return ERR_OK;
    }
    buf_truncate(session->out, before);
    if (err != ERR_BUSY)
        print_nil(session, att);
    return err;
}

/* RFC 9051 section 7.5.2: lines of text end in CRLF, whatever they ended in when they were stored
 * or encoded. */
static void add_lines(struct imap_stream *stream, struct bytes text, struct buf *out)
{
    while (text.len > 0) {
        size_t end = bytes_find_byte(text, 0, '\n');
        bool has_cr = end > 0 ? text.at[end - 1] == '\r' : stream->after_cr;

        buf_add(out, bytes_slice(text, 0, end));
        if (end < text.len)
            buf_add_string(out, has_cr ? "\n" : "\r\n");
        stream->after_cr = end == text.len && has_cr;
        text = bytes_from(text, end + 1);
    }
}

/* Decodes the next piece of the range into `decoded`, the end of it included. */
static enum err decode_chunk(struct imap_session *session, const struct row *row,
                             struct imap_stream *stream, struct buf *decoded)
{
    struct buf chunk = buf_make(BODY_CHUNK_BYTES);
    struct buf plain = buf_make(DECODED_BYTES_MAX);
    struct buf *out = stream->range.is_text ? &plain : decoded;
    enum err err = read_chunk(session, row, stream, UINT64_MAX, &chunk);

    if (err == ERR_OK) {
        transfer_decode(&stream->decoder, buf_bytes(&chunk), out);
        stream->at += chunk.len;
        if (stream->at == stream->range.bytes)
            transfer_decode_finish(&stream->decoder, out);
        if (stream->range.is_text)
            add_lines(stream, buf_bytes(&plain), decoded);
    }
    buf_done(&plain);
    buf_done(&chunk);
    return err;
}

/* The first pass over what is decoded: how long is it, does it hold NUL? A step at a time. */
static enum err measure(struct imap_session *session, const struct row *row,
                        struct imap_stream *stream)
{
    struct buf decoded = buf_make(DECODED_BYTES_MAX);
    enum err err = ERR_OK;

    while (stream->at < stream->range.bytes && !imap_read_is_spent(session, BODY_CHUNK_BYTES)) {
        err = decode_chunk(session, row, stream, &decoded);
        if (err != ERR_OK)
            break;
        stream->decoded += decoded.len;
        stream->has_nul |= bytes_find_byte(buf_bytes(&decoded), 0, 0) < decoded.len;
        buf_clear(&decoded);
    }
    stream->counted = stream->at == stream->range.bytes;
    buf_done(&decoded);
    return err;
}

/* The second pass begins: its name, size and announcement. RFC 9051 s7.5.2; RFC 3516 s4.3. */
static void announce_decoded(struct imap_session *session, const struct imap_fetch_att *att,
                             struct imap_stream *stream)
{
    uint64_t skip;
    uint64_t len;

    print_name(session, att);
    if (att->kind == IMAP_FETCH_BINARY_SIZE) {
        buf_add_number(session->out, stream->decoded);
        stream->active = false;
        return;
    }
    clip(att, stream->decoded, &skip, &len);
    imap_literal_announce(session->out, len, stream->has_nul);
    stream->decoder = transfer_decoder_make(stream->range.encoding);
    stream->after_cr = false;
    stream->at = 0;
    stream->skip = skip;
    stream->left = len;
    stream->active = len > 0;
}

static void send_decoded(struct imap_session *session, struct imap_stream *stream,
                         struct bytes piece)
{
    uint64_t skip = stream->skip < piece.len ? stream->skip : piece.len;

    piece = bytes_slice(bytes_from(piece, (size_t)skip), 0,
                        stream->left < piece.len ? (size_t)stream->left : piece.len);
    stream->skip -= skip;
    stream->left -= piece.len;
    buf_add(session->out, piece);
}

static enum err stream_decoded(struct imap_session *session, const struct imap_fetch_att *att,
                               const struct row *row, struct imap_stream *stream)
{
    struct buf decoded = buf_make(DECODED_BYTES_MAX);
    enum err err = ERR_OK;

    if (!stream->counted) {
        err = measure(session, row, stream);
        if (err == ERR_OK && stream->counted)
            announce_decoded(session, att, stream);
        if (err == ERR_OK || err == ERR_BUSY)
            return err;
        stream->active = false; /* nothing was announced yet */
        print_nil(session, att);
        return err;
    }
    while (err == ERR_OK && stream->left > 0 && !imap_output_is_full(session)) {
        /* The first pass has promised more than the second finds. */
        if (stream->at == stream->range.bytes)
            err = ERR_CORRUPT;
        else
            err = decode_chunk(session, row, stream, &decoded);
        if (err == ERR_OK)
            send_decoded(session, stream, buf_bytes(&decoded));
        buf_clear(&decoded);
    }
    stream->active = stream->left > 0;
    buf_done(&decoded);
    return err;
}

static enum err stream_plain(struct imap_session *session, const struct row *row,
                             struct imap_stream *stream)
{
    enum err err = ERR_OK;

    while (err == ERR_OK && stream->left > 0 && !imap_output_is_full(session))
        err = send_chunk(session, row, stream);
    stream->active = stream->left > 0;
    return err;
}

enum err imap_fetch_stream(struct imap_session *session, const struct imap_fetch_att *att,
                           const struct row *row, struct imap_stream *stream)
{
    return is_binary(att) ? stream_decoded(session, att, row, stream)
                          : stream_plain(session, row, stream);
}

/* RFC 9051 s7.5.2 */
static enum err start_section(struct imap_session *session, const struct imap_fetch_att *att,
                              const struct row *row, const struct summary *summary,
                              struct imap_stream *stream)
{
    if (!imap_section_find(&att->section, summary, &stream->range)) {
        print_nil(session, att);
        return ERR_OK;
    }
    if (!is_binary(att))
        return start_plain(session, att, row, stream);
    if (stream->range.encoding == TRANSFER_UNKNOWN)
        return ERR_UNSUPPORTED;
    stream->decoder = transfer_decoder_make(stream->range.encoding);
    stream->active = true;
    return ERR_OK;
}

enum err imap_fetch_section(struct imap_session *session, struct imap_run *run,
                            const struct imap_fetch_att *att, const struct row *row,
                            struct imap_stream *stream)
{
    struct summary summary;
    enum err err;

    *stream = (struct imap_stream){ 0 };
    /* The whole message needs no structure. */
    if (att->section.part_count == 0 && att->section.text == IMAP_SECTION_ALL) {
        summary = (struct summary){ .message_bytes = row->size };
        return start_section(session, att, row, &summary, stream);
    }
    err = body_summary(session->account, row->body, session->waker, &summary);
    if (err == ERR_BUSY)
        return err;
    if (err != ERR_OK) {
        print_nil(session, att);
        return err;
    }
    if (is_filtered(att))
        return print_filtered(session, att, row, &summary);
    return start_section(session, att, row, &summary, stream);
}
