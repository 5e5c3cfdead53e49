/* A column: up to COLUMN_VALUES_MAX numbers, packed.
 *
 * Value i is `base + step * i + difference i`, modulo 2^64; the differences are kept in as few
 * bytes as the widest of them needs (0, 1, 2, 4 or 8). Numbers that are all the same, or count up
 * by one, cost nothing but this struct. Signed numbers are stored as their two's complement.
 *
 * The struct is a plain value; the array behind it is reference-counted and shared by copies
 * (column_share). An array that is shared is immutable but for one thing: values may be appended
 * behind those that the others know of, by the one newest holder. All on one thread: the counts are
 * plain integers. How many values there are is known by the holder and told with each call.
 *
 * A zeroed struct is a column without values. */
#ifndef ROOST_STORE_COLUMN_H
#define ROOST_STORE_COLUMN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/reader.h"

enum { COLUMN_VALUES_MAX = 4096 };

struct column_array {
    uint32_t references;
    uint32_t counted; /* the last round of column_count_bytes that met it */
    uint32_t capacity; /* values */
    _Alignas(8) uint8_t at[];
};

struct column {
    uint64_t base;
    struct column_array *array; /* NULL: all differences are 0 */
    uint8_t width; /* bytes of a difference; 0 without an array */
    uint8_t step; /* 0 or 1 */
};

static inline uint64_t column_difference(const struct column *column, uint32_t at)
{
    const void *array = column->array == NULL ? NULL : column->array->at;

    switch (column->width) {
    case 1: return ((const uint8_t *)array)[at];
    case 2: return ((const uint16_t *)array)[at];
    case 4: return ((const uint32_t *)array)[at];
    case 8: return ((const uint64_t *)array)[at];
    default: return 0;
    }
}

/* `at` is below the number of values. */
static inline uint64_t column_get(const struct column *column, uint32_t at)
{
    return column->base + (column->step == 0 ? 0 : at) + column_difference(column, at);
}

/* True when both say the same of every value that both have, known without looking at them. */
static inline bool column_is_same(const struct column *a, const struct column *b)
{
    return a->array == b->array && a->base == b->base && a->width == b->width && a->step == b->step;
}

/* True when every value is `base`. */
static inline bool column_is_constant(const struct column *column)
{
    return column->width == 0 && column->step == 0;
}

/* Another holder of the same array. */
struct column column_share(const struct column *column);

/* Lets go of the array; empty afterwards. */
void column_done(struct column *column);

/* Adds a value behind `count`, which is below COLUMN_VALUES_MAX, in amortised constant time. */
void column_append(struct column *column, uint32_t count, uint64_t value);

/* Replaces one of `count` values; copies the array when it is shared. */
void column_set(struct column *column, uint32_t count, uint32_t at, uint64_t value);

/* `count` values from `first` on into `out`. */
void column_load(const struct column *column, uint32_t first, uint32_t count, uint64_t *out);

/* True when both say the same of `count` values from `first` on, which are looked at many at a
 * time. */
bool column_matches(const struct column *a, const struct column *b, uint32_t first, uint32_t count);

/* All values anew, packed as tightly as they can be, with no room for more. */
void column_store(struct column *column, const uint64_t *values, uint32_t count);

/* All values are this one. */
void column_fill(struct column *column, uint64_t value);

/* The values at `count` ascending places, as a new column. */
struct column column_select(const struct column *column, const uint16_t *places, uint32_t count);

/* Appends values [first, first + count) of `from` behind `to_count` values. */
void column_append_from(struct column *to, uint32_t to_count, const struct column *from,
                        uint32_t first, uint32_t count);

/* In ascending values: the place of the first of `count` that is at least `value`, or `count`. */
uint32_t column_find(const struct column *column, uint32_t count, uint64_t value);

/* True when the values ascend, none twice. */
bool column_ascends(const struct column *column, uint32_t count);

/* Sum modulo 2^64 of `count` values from `first` on. */
uint64_t column_sum(const struct column *column, uint32_t first, uint32_t count);

/* All bits that are set in any of `count` values. */
uint64_t column_bits(const struct column *column, uint32_t count);

/* How many of `count` values lack one of `bits`. */
uint32_t column_count_without(const struct column *column, uint32_t count, uint64_t bits);

/* The place of the first of `count` values that lacks one of `bits`; `count` when none does. */
uint32_t column_find_without(const struct column *column, uint32_t count, uint64_t bits);

/* Bytes of the array, unless a call with the same `round` has counted it. */
uint64_t column_count_bytes(const struct column *column, uint32_t round);

/* As stored (docs/format.md, "Checkpoint"), packed as tightly as they can be. Decoding checks form
 * and length, not the values; `out_column` is untouched when it fails. */
void column_encode(struct buf *buf, const struct column *column, uint32_t count);
MUST_USE bool column_decode(struct reader *reader, uint32_t count, struct column *out_column);

#endif
