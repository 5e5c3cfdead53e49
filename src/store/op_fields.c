/* Fields of ops: docs/format.md, "Ops". */
#include "store/op_fields.h"

#include <assert.h>

#define MODSEQ_MAX (uint64_t) INT64_MAX

void op_put_signed(struct buf *buf, int64_t value)
{
    uint64_t twice = (uint64_t)value << 1;

    buf_put_varint(buf, value < 0 ? ~twice : twice);
}

int64_t op_read_signed(struct reader *reader)
{
    uint64_t zigzag = reader_varint(reader);
    uint64_t half = zigzag >> 1;

    return (int64_t)((zigzag & 1) != 0 ? ~half : half);
}

uint32_t op_read_id32(struct reader *reader)
{
    uint32_t value = (uint32_t)reader_varint_max(reader, UINT32_MAX);

    reader->failed = reader->failed || value == 0;
    return value;
}

uint64_t op_read_id64(struct reader *reader)
{
    uint64_t value = reader_varint_max(reader, INT64_MAX);

    reader->failed = reader->failed || value == 0;
    return value;
}

void op_put_date(struct buf *buf, struct zoned_time date)
{
    assert(date.zone >= -ZONE_MINUTES_MAX && date.zone <= ZONE_MINUTES_MAX);
    op_put_signed(buf, date.seconds);
    op_put_signed(buf, date.zone);
}

struct zoned_time op_read_date(struct reader *reader)
{
    int64_t seconds = op_read_signed(reader);
    int64_t zone = op_read_signed(reader);

    if (zone < -ZONE_MINUTES_MAX || zone > ZONE_MINUTES_MAX) {
        reader->failed = true;
        zone = 0;
    }
    return (struct zoned_time){ .seconds = seconds, .zone = (int16_t)zone };
}

/* A range behind one that ended with `last` (0: the first one). */
static void put_range(struct buf *buf, uint32_t last, struct uid_range range)
{
    assert(range.first <= range.last && range.first > last);
    assert(range.first - last >= (last == 0 ? 1U : 2U));
    buf_put_varint(buf, range.first - last);
    buf_put_varint(buf, range.last - range.first);
}

void op_put_uids(struct buf *buf, const struct op_uids *uids)
{
    uint32_t last = 0;

    assert(uids->set.count != 0 || uids->ranges != 0);
    if (uids->set.count == 0) {
        buf_put_varint(buf, uids->ranges);
        buf_add(buf, uids->raw);
        return;
    }
    buf_put_varint(buf, uids->set.count);
    for (uint32_t i = 0; i < uids->set.count; i++) {
        put_range(buf, last, uids->set.ranges[i]);
        last = uids->set.ranges[i].last;
    }
}

static void close_range(struct op_uids_maker *maker)
{
    if (maker->open.first == 0)
        return;
    put_range(&maker->raw, maker->last, maker->open);
    maker->last = maker->open.last;
    maker->ranges++;
}

void op_uids_add(struct op_uids_maker *maker, uint32_t first, uint32_t last)
{
    assert(first > 0 && first <= last && first > maker->open.last);
    maker->total += last - first + UINT64_C(1);
    if (maker->open.first != 0 && maker->open.last + 1 == first) {
        maker->open.last = last;
        return;
    }
    close_range(maker);
    maker->open = (struct uid_range){ first, last };
}

bool op_uids_finish(struct op_uids_maker *maker, struct op_uids *out_uids)
{
    close_range(maker);
    maker->open = (struct uid_range){ 0, 0 };
    *out_uids = (struct op_uids){ .raw = buf_bytes(&maker->raw),
                                  .ranges = maker->ranges,
                                  .total = maker->total };
    return !maker->raw.overflowed;
}

bool op_read_range(struct reader *reader, uint32_t last, struct uid_range *out_range)
{
    uint64_t gap = reader_varint_max(reader, UINT32_MAX - last);
    uint64_t first = last + gap;
    uint64_t more = reader_varint_max(reader, UINT32_MAX - first);

    if (reader->failed || gap < (last == 0 ? 1U : 2U))
        return false;
    *out_range = (struct uid_range){ (uint32_t)first, (uint32_t)(first + more) };
    return true;
}

/* Sets stand last in their ops, so that one that need not be looked at is all that follows. */
static void take_checked_uids(struct reader *reader, uint32_t ranges, struct op_uids *out_uids)
{
    size_t len = reader->in.len - reader->offset;

    *out_uids = (struct op_uids){ .raw = reader_take(reader, len), .ranges = ranges };
}

void op_read_uids(struct reader *reader, bool checked, struct op_uids *out_uids)
{
    uint32_t ranges = (uint32_t)reader_varint_max(reader, UINT32_MAX);
    struct uid_range range = { 0, 0 };
    uint64_t total = 0;
    size_t start = reader->offset;

    if (checked) {
        take_checked_uids(reader, ranges, out_uids);
        return;
    }
    for (uint32_t i = 0; i < ranges; i++) {
        if (!op_read_range(reader, range.last, &range)) {
            reader->failed = true;
            break;
        }
        total += range.last - range.first + UINT64_C(1);
    }
    reader->failed = reader->failed || ranges == 0;
    *out_uids = (struct op_uids){
        .raw = bytes_slice(reader->in, start, reader->offset - start),
        .ranges = ranges,
        .total = total,
    };
}

void op_put_names(struct buf *buf, const struct op_names *names)
{
    struct op_name_walk walk = { .names = names };
    struct bytes name;

    buf_put_varint(buf, names->count);
    while (op_names_next(&walk, &name)) {
        assert(name.len > 0 && name.len <= KEYWORD_BYTES_MAX);
        buf_put_bytes(buf, name);
    }
}

void op_read_names(struct reader *reader, uint32_t count_max, struct op_names *out_names)
{
    uint32_t count = (uint32_t)reader_varint_max(reader, count_max);
    size_t start = reader->offset;

    for (uint32_t i = 0; i < count && !reader->failed; i++) {
        struct bytes name = reader_bytes(reader);

        reader->failed = reader->failed || name.len == 0 || name.len > KEYWORD_BYTES_MAX;
    }
    *out_names = (struct op_names){
        .raw = bytes_slice(reader->in, start, reader->offset - start),
        .count = count,
    };
}

void op_put_numbers(struct buf *buf, const struct op_numbers *numbers)
{
    struct op_number_walk walk = { .numbers = numbers };
    uint64_t number;

    buf_put_varint(buf, numbers->count);
    while (op_numbers_next(&walk, &number)) {
        assert(number != 0);
        buf_put_varint(buf, number);
    }
}

void op_read_numbers(struct reader *reader, uint32_t count_max, struct op_numbers *out_numbers)
{
    uint32_t count = (uint32_t)reader_varint_max(reader, count_max);
    size_t start = reader->offset;

    for (uint32_t i = 0; i < count && !reader->failed; i++)
        (void)op_read_id64(reader);
    *out_numbers = (struct op_numbers){
        .raw = bytes_slice(reader->in, start, reader->offset - start),
        .count = count,
    };
}

void op_put_flag_names(struct buf *buf, const struct op_flag_names *flags)
{
    assert((flags->flags & ~FLAGS_ALL) == 0 && flags->keywords.count <= KEYWORDS_PER_MAILBOX_MAX);
    buf_put_varint(buf, flags->flags);
    op_put_names(buf, &flags->keywords);
}

void op_read_flag_names(struct reader *reader, struct op_flag_names *out_flags)
{
    out_flags->flags = (uint16_t)reader_varint_max(reader, FLAGS_ALL);
    op_read_names(reader, KEYWORDS_PER_MAILBOX_MAX, &out_flags->keywords);
}

void op_put_place(struct buf *buf, struct place place)
{
    assert(place.segment != 0);
    buf_put_varint(buf, place.segment);
    buf_put_varint(buf, place.offset);
}

struct place op_read_place(struct reader *reader)
{
    struct place place;

    place.segment = op_read_id64(reader);
    place.offset = reader_varint_max(reader, INT64_MAX);
    return place;
}

static void put_row(struct buf *buf, uint32_t last, const struct row *row, struct place place)
{
    assert(row->uid.value > last && (row->flags & ~FLAGS_ALL) == 0);
    buf_put_varint(buf, row->uid.value - last);
    buf_put_varint(buf, row->modseq.value);
    buf_put_varint(buf, row->flags);
    for (size_t i = 0; i < ARRAY_COUNT(row->keywords.word); i++)
        buf_put_varint(buf, row->keywords.word[i]);
    op_put_date(buf, row->internal_date);
    op_put_signed(buf, row->save_date);
    buf_put_varint(buf, row->size);
    buf_put_varint(buf, row->body.value);
    op_put_place(buf, place);
    buf_put_varint(buf, row->thread.value);
}

bool op_read_row(struct reader *reader, uint32_t last, struct row *out_row, struct place *out_place)
{
    struct row row = { 0 };
    uint64_t gap = reader_varint_max(reader, UINT32_MAX - last);

    row.uid.value = (uint32_t)(last + gap);
    row.modseq.value = reader_varint_max(reader, MODSEQ_MAX);
    row.flags = (uint16_t)reader_varint_max(reader, FLAGS_ALL);
    for (size_t i = 0; i < ARRAY_COUNT(row.keywords.word); i++)
        row.keywords.word[i] = reader_varint(reader);
    row.internal_date = op_read_date(reader);
    row.save_date = op_read_signed(reader);
    row.size = reader_varint_max(reader, RECORD_BODY_BYTES_MAX);
    row.body.value = op_read_id64(reader);
    *out_place = op_read_place(reader);
    row.thread.value = op_read_id64(reader);
    if (reader->failed || gap == 0)
        return false;
    *out_row = row;
    return true;
}

void op_put_rows(struct buf *buf, const struct op_rows *rows)
{
    struct op_row_walk walk = { .rows = rows };
    struct row row;
    struct place place;
    uint32_t last = 0;

    buf_put_varint(buf, rows->mailbox.value);
    buf_put_varint(buf, rows->count);
    while (op_rows_next(&walk, &row, &place)) {
        put_row(buf, last, &row, place);
        last = row.uid.value;
    }
}

void op_read_rows(struct reader *reader, struct op_rows *out_rows)
{
    struct mailbox_id mailbox = { op_read_id32(reader) };
    uint32_t count = (uint32_t)reader_varint_max(reader, UINT32_MAX);
    size_t start = reader->offset;
    struct row row = { 0 };
    struct place place;

    for (uint32_t i = 0; i < count; i++) {
        if (!op_read_row(reader, row.uid.value, &row, &place)) {
            reader->failed = true;
            break;
        }
    }
    *out_rows = (struct op_rows){
        .mailbox = mailbox,
        .raw = bytes_slice(reader->in, start, reader->offset - start),
        .count = count,
    };
}
