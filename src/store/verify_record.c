/* The records of one segment, each as whole as its checksums say. */
#include <string.h>

#include "base/num.h"
#include "store/op.h"
#include "store/packed_body.h"
#include "store/verify_private.h"
#include "sys/vfs.h"

/* The two headers of a log or base segment, each on its own. */
static enum err check_copies(struct verify *verify)
{
    static const uint64_t copies[] = { 0, SEGMENT_COPY_AT };
    const struct segment *known = &verify_present(verify)->header;

    for (size_t i = 0; i < ARRAY_COUNT(copies); i++) {
        uint8_t raw[SEGMENT_HEADER_BYTES];
        struct segment header;
        enum err err = vfs_read(verify->file, copies[i], raw, sizeof(raw), 0);

        if (err == ERR_OK)
            err = segment_header_decode(bytes_make(raw, sizeof(raw)), &header);
        if (err == ERR_OK && memcmp(header.id, known->id, sizeof(header.id)) != 0)
            err = ERR_CORRUPT;
        if (err == ERR_OK)
            continue;
        if (err != ERR_CORRUPT)
            return err;
        verify->at.offset = copies[i];
        verify_find_here(verify, VERIFY_COPY, SEGMENT_HEADER_BYTES);
    }
    return ERR_OK;
}

/* Behind the last byte that is no zero, at a record's boundary. */
static enum err cut_zeros(struct verify *verify, struct verify_segment *segment)
{
    uint64_t end;
    enum err err = scan_content_end(&verify->scan, SEGMENT_RECORDS_AT, &end);

    if (err != ERR_OK)
        return err;
    end = (end + RECORD_ALIGN - 1) / RECORD_ALIGN * RECORD_ALIGN;
    if (end < segment->limit)
        segment->limit = end;
    scan_begin(&verify->scan, verify->file, verify->scan.key, segment->limit);
    return ERR_OK;
}

static enum err begin_records(struct verify *verify, struct verify_segment *segment)
{
    enum err err = check_copies(verify);

    if (err != ERR_OK)
        return err;
    if (segment->limit > segment->size) {
        verify->short_bytes = segment->limit - segment->size;
        segment->limit = segment->size;
    }
    scan_begin(&verify->scan, verify->file, record_key_make(segment->header.id), segment->limit);
    verify->at.offset = SEGMENT_RECORDS_AT;
    if (segment->open_ended && segment->limit > SEGMENT_RECORDS_AT)
        return cut_zeros(verify, segment);
    return ERR_OK;
}

static void begin_body(struct verify *verify, uint64_t chunk, uint64_t next)
{
    verify->at.in_body = true;
    verify->at.holds = true;
    verify->at.chunk = chunk;
    verify->at.left = verify->at.header.length;
    verify->at.next = next;
}

/* The header ends the file, and says how much must stand before it. */
static enum err begin_body_segment(struct verify *verify, struct verify_segment *segment)
{
    struct verify_at *at = &verify->at;
    enum err err = ERR_CORRUPT;
    uint64_t framed;

    scan_begin(&verify->scan, verify->file, record_key_make(segment->header.id), segment->size);
    if (segment->size >= SEGMENT_BODY_AT + RECORD_HEADER_BYTES) {
        at->offset = segment->size - RECORD_HEADER_BYTES;
        err = scan_header(&verify->scan, at->offset, &at->header);
    }
    if (err == ERR_OK) {
        framed = SEGMENT_BODY_AT + record_framed_bytes(at->header.length);
        framed = (framed + RECORD_ALIGN - 1) / RECORD_ALIGN * RECORD_ALIGN;
        if (at->header.type != RECORD_BODY || framed != at->offset)
            err = ERR_CORRUPT;
    }
    if (err == ERR_OK) {
        begin_body(verify, SEGMENT_BODY_AT, segment->size);
        return ERR_OK;
    }
    if (err != ERR_CORRUPT)
        return err;
    *at = (struct verify_at){ .offset = SEGMENT_BODY_AT };
    if (segment->size <= SEGMENT_BODY_AT)
        verify_find_here(verify, VERIFY_SHORT, 0);
    else
        verify_find_here(verify, VERIFY_STRETCH, segment->size - SEGMENT_BODY_AT);
    at->offset = segment->size;
    return ERR_OK;
}

enum err verify_begin_segment(struct verify *verify)
{
    struct verify_segment *segment = verify_present(verify);

    verify->at = (struct verify_at){ .offset = 0 };
    verify->findings_before = verify->finding_count;
    verify->counted_before = verify->counts.findings;
    verify->base_records = 0;
    verify->base_end = 0;
    verify->short_bytes = 0;
    verify->batch = SEGMENT_RECORDS_AT;
    segment->looked_at = segment->limit;
    if (segment->broken) {
        verify_find_here(verify, segment->foreign ? VERIFY_FOREIGN : VERIFY_SEGMENT, segment->size);
        verify->at.offset = segment->limit;
        return ERR_OK;
    }
    if (segment_kind(segment->number) == SEGMENT_BODY)
        return begin_body_segment(verify, segment);
    return begin_records(verify, segment);
}

bool verify_segment_is_done(const struct verify *verify)
{
    return !verify->at.in_body && verify->at.offset >= verify_present(verify)->limit;
}

/* A body that was thought to be named in what was lost just before. */
static void clear_body(struct verify *verify, struct place body)
{
    struct verify_finding *last;

    verify_name(verify, body.segment);
    if (verify->finding_count == 0)
        return;
    last = &verify->findings[verify->finding_count - 1];
    if (last->segment == body.segment && last->batch <= body.offset && body.offset < last->offset)
        last->batch = last->offset;
}

/* Notes the body segments that it names, and whether it ends a base. False: it makes no sense. */
static bool read_ops(struct verify *verify, struct bytes ops, struct place place)
{
    struct op_walk walk = { .ops = ops, .change = place };
    struct op op;

    while (op_next(&walk, &op)) {
        struct op_row_walk rows;
        struct place body;
        struct row row;

        verify->base_end = op.code == OP_BASE_END ? op.as.base_end : 0;
        if (op.code == OP_PUT)
            clear_body(verify, op.as.put.place);
        if (op.code == OP_BASE_BODY)
            verify_name(verify, op.as.base_body.place.segment);
        if (op.code == OP_BODY_PLACE)
            verify_name(verify, op.as.body_place.place.segment);
        if (op.code != OP_BASE_ROWS)
            continue;
        rows = (struct op_row_walk){ .rows = &op.as.base_rows };
        while (op_rows_next(&rows, &row, &body))
            verify_name(verify, body.segment);
    }
    return !walk.failed;
}

static enum err check_payload(struct verify *verify)
{
    const struct verify_at *at = &verify->at;
    struct place place = { verify_present(verify)->number, at->offset };
    struct origin origin;
    struct bytes payload;
    enum err err = scan_payload(&verify->scan, at->offset, &at->header, &payload);

    if (err != ERR_OK || at->header.encoding != RECORD_RAW)
        return err;
    if (at->header.type == RECORD_CHANGE && !op_origin_decode(payload, &origin, &payload))
        return ERR_CORRUPT;
    return read_ops(verify, payload, place) ? ERR_OK : ERR_CORRUPT;
}

static void count_record(struct verify *verify, bool is_body)
{
    verify->counts.records++;
    verify->counts.bodies += is_body ? 1 : 0;
}

/* A record that begins at at->offset and whose header holds. */
static enum err read_record(struct verify *verify)
{
    const struct verify_segment *segment = verify_present(verify);
    struct verify_at *at = &verify->at;
    bool is_base = segment_kind(segment->number) == SEGMENT_BASE;
    enum verify_kind kind = at->header.type == RECORD_BODY   ? VERIFY_BODY
                            : at->header.type == RECORD_BASE ? VERIFY_BASE
                                                             : VERIFY_CHANGE;
    uint64_t left = segment->limit - at->offset;
    uint64_t length = record_bytes(at->header.length);
    enum err err = ERR_OK;

    at->next = length < left ? at->offset + length : segment->limit;
    if (at->header.type == RECORD_CHANGE && at->header.number > verify->change)
        verify_meet_change(verify, at->header.number);
    verify->base_records += at->header.type == RECORD_BASE ? 1 : 0;
    if (length > left)
        err = ERR_CORRUPT;
    else if (at->header.type == RECORD_BODY) {
        begin_body(verify, at->offset + RECORD_HEADER_BYTES, at->next);
        return ERR_OK;
    } else if (at->header.type == (is_base ? RECORD_BASE : RECORD_CHANGE))
        err = check_payload(verify);
    else if (at->header.type < RECORD_IGNORABLE)
        err = ERR_CORRUPT;
    if (err == ERR_CORRUPT || err == ERR_IO)
        verify_find_here(verify, kind, at->next - at->offset);
    else if (err != ERR_OK)
        return err;
    else
        count_record(verify, false);
    at->offset = at->next;
    verify->batch = at->next;
    return ERR_OK;
}

/* In a segment of its own the chunks come before the header. */
static void find_body(struct verify *verify)
{
    if (segment_kind(verify_present(verify)->number) == SEGMENT_BODY)
        verify->at.offset = SEGMENT_BODY_AT;
    verify_find_here(verify, VERIFY_BODY, verify->at.next - verify->at.offset);
}

static enum err end_body(struct verify *verify)
{
    verify->at.in_body = false;
    verify->at.in_pieces = false;
    if (verify->at.holds)
        count_record(verify, true);
    else
        find_body(verify);
    verify->at.offset = verify->at.next;
    return ERR_OK;
}

/* Its checksums hold; whether a message is in it, only unpacking tells. */
static enum err begin_pieces(struct verify *verify)
{
    struct verify_at *at = &verify->at;
    struct place place = { verify_present(verify)->number, at->offset };
    struct log_file file = { verify->file, verify->scan.key, NULL };

    if (verify->packing == NULL)
        verify->packing = packing_new();
    file.packing = verify->packing;
    at->in_pieces = true;
    at->piece = 0;
    return log_file_source(&file, place, (struct body_id){ at->header.number }, &at->source);
}

static enum err read_pieces(struct verify *verify, uint64_t bytes_max)
{
    struct log_file file = { verify->file, verify->scan.key, verify->packing };
    struct verify_at *at = &verify->at;
    uint64_t done = 0;
    enum err err = ERR_OK;

    while (err == ERR_OK && done < bytes_max &&
           at->piece * PACKED_PIECE_BYTES < at->source.length) {
        uint8_t frame[RECORD_FRAME_BYTES];
        struct bytes piece = bytes_make(NULL, 0);

        err = log_file_read(&file, &at->source, at->piece++, frame, &piece);
        done += piece.len;
    }
    verify->unpacked += done;
    return err;
}

static enum err unpack_body(struct verify *verify, uint64_t bytes_max)
{
    struct verify_at *at = &verify->at;
    enum err err = at->in_pieces ? ERR_OK : begin_pieces(verify);

    if (err == ERR_OK)
        err = read_pieces(verify, bytes_max);
    if (err != ERR_OK && err != ERR_CORRUPT && err != ERR_IO)
        return err;
    at->holds = err == ERR_OK;
    if (at->holds && at->piece * PACKED_PIECE_BYTES < at->source.length)
        return ERR_OK;
    return end_body(verify);
}

/* The next piece of a body, a few chunks. */
static enum err read_body(struct verify *verify, uint64_t bytes_max)
{
    struct verify_at *at = &verify->at;

    for (uint64_t done = 0; at->left > 0 && done < bytes_max;) {
        size_t take = at->left < RECORD_CHUNK_BYTES ? (size_t)at->left : RECORD_CHUNK_BYTES;
        struct bytes frame;
        enum err err = scan_bytes(&verify->scan, at->chunk, take + RECORD_CRC_BYTES, &frame);

        if (err != ERR_OK && err != ERR_CORRUPT && err != ERR_IO)
            return err;
        if (err != ERR_OK ||
            num_load_u32(frame.at + take) !=
                record_chunk_crc(verify->scan.key, at->chunk, bytes_slice(frame, 0, take)))
            at->holds = false;
        at->chunk += take + RECORD_CRC_BYTES;
        at->left -= take;
        done += take;
    }
    if (at->left > 0)
        return ERR_OK;
    return at->holds && at->header.encoding == RECORD_ZSTD ? unpack_body(verify, bytes_max)
                                                           : end_body(verify);
}

/* The next record behind what the disk does not give, or the limit. */
static uint64_t skip_unreadable(struct verify *verify)
{
    enum { BLOCK_BYTES = 4096 };
    uint64_t limit = verify_present(verify)->limit;
    uint64_t at = verify->at.offset / BLOCK_BYTES * BLOCK_BYTES;
    uint64_t next;

    for (at += BLOCK_BYTES; at < limit; at += BLOCK_BYTES)
        if (scan_resync(&verify->scan, at, &next) == ERR_OK)
            return next;
    return limit;
}

enum err verify_step(struct verify *verify, uint64_t bytes_max)
{
    struct verify_at *at = &verify->at;
    enum verify_kind kind = VERIFY_STRETCH;
    uint64_t next;
    enum err err;

    if (at->in_body)
        return read_body(verify, bytes_max);
    err = scan_header(&verify->scan, at->offset, &at->header);
    if (err == ERR_OK)
        return read_record(verify);
    if (err == ERR_CORRUPT)
        err = scan_resync(&verify->scan, at->offset + RECORD_ALIGN, &next);
    if (err == ERR_IO) {
        kind = VERIFY_UNREADABLE;
        next = skip_unreadable(verify);
    } else if (err != ERR_OK) {
        return err;
    }
    verify_find_here(verify, kind, next - at->offset);
    at->offset = next;
    return ERR_OK;
}

/* Nothing in it counts yet: a base that is still being written, or whose writing was cut short, a
 * body that nobody names, a segment that is no more than a part of its headers. */
static bool is_unfinished(struct verify *verify, const struct verify_segment *segment)
{
    switch (segment_kind(segment->number)) {
    case SEGMENT_BODY: return !verify_is_named(verify, segment->number);
    case SEGMENT_BASE: return segment->number > verify->extent.base;
    case SEGMENT_LOG: break;
    }
    return segment->broken && segment->size <= SEGMENT_RECORDS_AT &&
           verify_is_last(verify, segment->number);
}

/* The segment that told where this one ends has gone, and what an opening once set aside behind the
 * end looks like records that are broken. */
static bool is_old_tail(const struct verify *verify, const struct verify_segment *segment)
{
    const struct verify_finding *last;

    if (verify->finding_count == verify->findings_before)
        return false;
    last = &verify->findings[verify->finding_count - 1];
    return segment_kind(segment->number) == SEGMENT_LOG && segment->open_ended &&
           last->kind == VERIFY_STRETCH && last->is_known &&
           last->offset + last->length == segment->limit;
}

static void forget(struct verify *verify, size_t kept, uint64_t counted)
{
    verify->finding_count = kept;
    verify->counts.findings = counted;
    if (verify->unbounded > kept)
        verify->unbounded = kept;
}

static void judge_base(struct verify *verify, const struct verify_segment *segment)
{
    bool is_whole = verify->counts.findings == verify->counted_before;

    if (is_whole && (verify->base_end == 0 || verify->base_end != verify->base_records)) {
        verify->at = (struct verify_at){ .offset = segment->limit };
        verify_find_here(verify, VERIFY_SHORT, 0);
    } else if (is_whole && segment->header.base > verify->superseded) {
        verify->superseded = segment->header.base;
    }
}

void verify_judge_segment(struct verify *verify)
{
    const struct verify_segment *segment = verify_present(verify);

    if (is_unfinished(verify, segment)) {
        forget(verify, verify->findings_before, verify->counted_before);
    } else if (verify->short_bytes > 0) {
        verify->at = (struct verify_at){ .offset = segment->size };
        verify_find_here(verify, VERIFY_SHORT, verify->short_bytes);
    } else if (is_old_tail(verify, segment)) {
        forget(verify, verify->finding_count - 1, verify->counts.findings - 1);
    } else if (segment_kind(segment->number) == SEGMENT_BASE) {
        judge_base(verify, segment);
    }
}
