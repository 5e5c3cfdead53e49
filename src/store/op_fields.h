/* The fields that ops share, on their way to and from bytes. Private to the ops.
 *
 * op_put_*: asserts that the value is within its limits. op_read_*: a value beyond its limits fails
 * the reader (or answers false); what is read counts only when the reader has not failed in the
 * end. */
#ifndef ROOST_STORE_OP_FIELDS_H
#define ROOST_STORE_OP_FIELDS_H

#include "base/buf.h"
#include "base/reader.h"
#include "store/op_parts.h"

/* Zigzag: small numbers of both signs are short. */
void op_put_signed(struct buf *buf, int64_t value);
int64_t op_read_signed(struct reader *reader);

void op_put_date(struct buf *buf, struct zoned_time date);
struct zoned_time op_read_date(struct reader *reader);

void op_put_uids(struct buf *buf, const struct op_uids *uids);
/* `checked`: the ranges are known to be good, and are not looked at. */
void op_read_uids(struct reader *reader, bool checked, struct op_uids *out_uids);
/* One range behind a range that ended with `last` (0: the first one). */
MUST_USE bool op_read_range(struct reader *reader, uint32_t last, struct uid_range *out_range);

/* Names of 1 to KEYWORD_BYTES_MAX bytes, at most `count_max`. */
void op_put_names(struct buf *buf, const struct op_names *names);
void op_read_names(struct reader *reader, uint32_t count_max, struct op_names *out_names);

void op_put_numbers(struct buf *buf, const struct op_numbers *numbers);
void op_read_numbers(struct reader *reader, uint32_t count_max, struct op_numbers *out_numbers);

void op_put_flag_names(struct buf *buf, const struct op_flag_names *flags);
void op_read_flag_names(struct reader *reader, struct op_flag_names *out_flags);

void op_put_place(struct buf *buf, struct place place);
struct place op_read_place(struct reader *reader);

void op_put_rows(struct buf *buf, const struct op_rows *rows);
void op_read_rows(struct reader *reader, struct op_rows *out_rows);
/* One row behind one whose UID is `last` (0: the first one). */
MUST_USE bool op_read_row(struct reader *reader, uint32_t last, struct row *out_row,
                          struct place *out_place);

/* Ids and numbers that are never 0. */
uint32_t op_read_id32(struct reader *reader);
uint64_t op_read_id64(struct reader *reader);

#endif
