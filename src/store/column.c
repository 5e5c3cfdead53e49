/* Packing and unpacking of columns. */
#include "store/column.h"

#include <assert.h>
#include <string.h>

#include "store/alloc.h"

enum { CAPACITY_FIRST = 16, LOADED_STEP = 128 };

/* How the differences of a list of values can be written. */
struct shape {
    uint64_t base;
    uint64_t range; /* of the differences */
    uint8_t width;
    uint8_t step;
};

static uint64_t width_max(unsigned width)
{
    return width == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * width)) - 1;
}

static uint8_t width_for(uint64_t range)
{
    uint8_t width = 0;

    while (range > width_max(width))
        width = (uint8_t)(width == 0 ? 1 : width * 2);
    return width;
}

/* Distances from the first value are taken as signed: all is modulo 2^64. */
static struct shape shape_of(const uint64_t *values, uint32_t count, uint8_t step)
{
    int64_t low = 0;
    int64_t high = 0;
    struct shape shape = { .step = step };

    for (uint32_t i = 0; i < count; i++) {
        int64_t distance = (int64_t)(values[i] - values[0] - (step == 0 ? 0 : i));

        if (distance < low)
            low = distance;
        if (distance > high)
            high = distance;
    }
    shape.range = (uint64_t)high - (uint64_t)low;
    shape.base = values[0] + (uint64_t)low;
    shape.width = width_for(shape.range);
    return shape;
}

/* The narrower of a constant base and one that counts up; small numbers are left as they are. */
static struct shape best_shape(const uint64_t *values, uint32_t count)
{
    struct shape shape = shape_of(values, count, 0);
    int64_t rise = (int64_t)(values[count - 1] - values[0]);

    /* To count up saves a byte only where the values rise at least so much; where one byte is all
     * there is to save, exactly so much. */
    if (shape.width > 0 && (shape.width == 1 ? rise == count - 1 : rise >= count - 1)) {
        struct shape counting = shape_of(values, count, 1);

        if (counting.width < shape.width)
            shape = counting;
    }
    if (shape.width == 8)
        return (struct shape){ .width = 8, .range = UINT64_MAX };
    if (shape.step == 0 && shape.width > 0 && shape.base <= width_max(shape.width) - shape.range) {
        shape.range += shape.base;
        shape.base = 0;
    }
    return shape;
}

static struct column_array *array_new(unsigned width, uint32_t capacity)
{
    struct column_array *array = store_alloc(1, sizeof(*array) + (size_t)capacity * width);

    array->references = 1;
    array->capacity = capacity;
    return array;
}

static void array_release(struct column_array *array)
{
    if (array != NULL && --array->references == 0)
        free(array);
}

static void write_difference(struct column *column, uint32_t at, uint64_t difference)
{
    void *array = column->array->at;

    switch (column->width) {
    case 1: ((uint8_t *)array)[at] = (uint8_t)difference; break;
    case 2: ((uint16_t *)array)[at] = (uint16_t)difference; break;
    case 4: ((uint32_t *)array)[at] = (uint32_t)difference; break;
    default: ((uint64_t *)array)[at] = difference; break;
    }
}

static void write_all(struct column *column, const uint64_t *values, uint32_t count)
{
    uint64_t base = column->base;
    uint64_t step = column->step;
    void *array = column->array->at;

    switch (column->width) {
    case 1:
        for (uint32_t i = 0; i < count; i++)
            ((uint8_t *)array)[i] = (uint8_t)(values[i] - base - step * i);
        break;
    case 2:
        for (uint32_t i = 0; i < count; i++)
            ((uint16_t *)array)[i] = (uint16_t)(values[i] - base - step * i);
        break;
    case 4:
        for (uint32_t i = 0; i < count; i++)
            ((uint32_t *)array)[i] = (uint32_t)(values[i] - base - step * i);
        break;
    default:
        for (uint32_t i = 0; i < count; i++)
            ((uint64_t *)array)[i] = values[i] - base - step * i;
        break;
    }
}

/* Writes the values in that shape, with room for `capacity`. */
static void pack(struct column *column, struct shape shape, const uint64_t *values, uint32_t count,
                 uint32_t capacity)
{
    struct column_array *old = column->array;

    *column = (struct column){ .base = shape.base, .width = shape.width, .step = shape.step };
    if (shape.width > 0) {
        column->array = array_new(shape.width, capacity);
        write_all(column, values, count);
    }
    array_release(old);
}

static uint32_t capacity_for(uint32_t count)
{
    uint32_t capacity = CAPACITY_FIRST;

    while (capacity < count)
        capacity *= 2;
    return capacity < COLUMN_VALUES_MAX ? capacity : COLUMN_VALUES_MAX;
}

struct column column_share(const struct column *column)
{
    if (column->array != NULL)
        column->array->references++;
    return *column;
}

void column_done(struct column *column)
{
    array_release(column->array);
    *column = (struct column){ 0 };
}

/* Packs anew because `value` does not fit. What was below the base will be followed by more of the
 * kind: the base moves down by half of the room that the width leaves. */
static void repack(struct column *column, const uint64_t *values, uint32_t count, uint64_t value)
{
    struct shape shape = best_shape(values, count);
    bool below = (int64_t)(value - column->base) < 0;

    if (below && shape.width > 0 && shape.width < 8 && shape.base != 0)
        shape.base -= (width_max(shape.width) - shape.range) / 2;
    pack(column, shape, values, count, capacity_for(count));
}

static bool fits(const struct column *column, uint32_t at, uint64_t value)
{
    return value - column->base - (column->step == 0 ? 0 : at) <= width_max(column->width);
}

/* An array of one's own with room for `capacity` values, of which there are `count`. */
static void renew(struct column *column, uint32_t count, uint32_t capacity)
{
    struct column_array *made = array_new(column->width, capacity);

    memcpy(made->at, column->array->at, (size_t)count * column->width);
    array_release(column->array);
    column->array = made;
}

/* All `count` values anew, the one at `at` being `value`. Apart from its callers, which are quick
 * but for this. */
NO_INLINE static void put_anew(struct column *column, uint32_t count, uint32_t at, uint64_t value)
{
    uint64_t values[COLUMN_VALUES_MAX];

    column_load(column, 0, at < count ? count : at, values);
    values[at] = value;
    repack(column, values, at < count ? count : at + 1, value);
}

void column_append(struct column *column, uint32_t count, uint64_t value)
{
    assert(count < COLUMN_VALUES_MAX);
    if (count == 0) {
        column_fill(column, value);
        return;
    }
    if (!fits(column, count, value)) {
        put_anew(column, count, count, value);
        return;
    }
    if (column->width == 0)
        return;
    if (count == column->array->capacity)
        renew(column, count, capacity_for(count + 1));
    write_difference(column, count, value - column->base - (column->step == 0 ? 0 : count));
}

void column_set(struct column *column, uint32_t count, uint32_t at, uint64_t value)
{
    assert(at < count && count <= COLUMN_VALUES_MAX);
    if (!fits(column, at, value)) {
        put_anew(column, count, at, value);
        return;
    }
    if (column->width == 0)
        return;
    if (column->array->references > 1)
        renew(column, count, column->array->capacity);
    write_difference(column, at, value - column->base - (column->step == 0 ? 0 : at));
}

void column_load(const struct column *column, uint32_t first, uint32_t count, uint64_t *out)
{
    const void *array = column->array == NULL ? NULL : column->array->at;
    uint64_t step = column->step;
    uint64_t base = column->base + step * first;

    switch (column->width) {
    case 1:
        for (uint32_t i = 0; i < count; i++)
            out[i] = base + step * i + ((const uint8_t *)array)[first + i];
        break;
    case 2:
        for (uint32_t i = 0; i < count; i++)
            out[i] = base + step * i + ((const uint16_t *)array)[first + i];
        break;
    case 4:
        for (uint32_t i = 0; i < count; i++)
            out[i] = base + step * i + ((const uint32_t *)array)[first + i];
        break;
    case 8:
        for (uint32_t i = 0; i < count; i++)
            out[i] = base + step * i + ((const uint64_t *)array)[first + i];
        break;
    default:
        for (uint32_t i = 0; i < count; i++)
            out[i] = base + step * i;
        break;
    }
}

static bool loaded_matches(const struct column *a, const struct column *b, uint32_t first,
                           uint32_t count)
{
    uint64_t of_a[LOADED_STEP];
    uint64_t of_b[LOADED_STEP];

    for (uint32_t at = 0; at < count; at += LOADED_STEP) {
        uint32_t take = count - at < LOADED_STEP ? count - at : LOADED_STEP;

        column_load(a, first + at, take, of_a);
        column_load(b, first + at, take, of_b);
        if (memcmp(of_a, of_b, take * sizeof(*of_a)) != 0)
            return false;
    }
    return true;
}

bool column_matches(const struct column *a, const struct column *b, uint32_t first, uint32_t count)
{
    if (column_is_same(a, b))
        return true;
    if (a->base != b->base || a->step != b->step || a->width != b->width)
        return loaded_matches(a, b, first, count);
    return memcmp(a->array->at + (size_t)first * a->width, b->array->at + (size_t)first * b->width,
                  (size_t)count * a->width) == 0;
}

void column_store(struct column *column, const uint64_t *values, uint32_t count)
{
    assert(count <= COLUMN_VALUES_MAX);
    if (count == 0)
        column_done(column);
    else
        pack(column, best_shape(values, count), values, count, count);
}

void column_fill(struct column *column, uint64_t value)
{
    column_done(column);
    column->base = value;
}

/* The differences at those places, as they are. */
static void gather(const struct column *column, const uint16_t *places, uint32_t count,
                   struct column *to)
{
    const void *from = column->array->at;
    void *array = to->array->at;

    switch (column->width) {
    case 1:
        for (uint32_t i = 0; i < count; i++)
            ((uint8_t *)array)[i] = ((const uint8_t *)from)[places[i]];
        break;
    case 2:
        for (uint32_t i = 0; i < count; i++)
            ((uint16_t *)array)[i] = ((const uint16_t *)from)[places[i]];
        break;
    case 4:
        for (uint32_t i = 0; i < count; i++)
            ((uint32_t *)array)[i] = ((const uint32_t *)from)[places[i]];
        break;
    default:
        for (uint32_t i = 0; i < count; i++)
            ((uint64_t *)array)[i] = ((const uint64_t *)from)[places[i]];
        break;
    }
}

struct column column_select(const struct column *column, const uint16_t *places, uint32_t count)
{
    struct column made = { .base = column->base, .width = column->width };
    uint64_t values[COLUMN_VALUES_MAX];

    if (count == 0)
        return (struct column){ 0 };
    if (column->step == 0) {
        if (column->width == 0)
            return made;
        made.array = array_new(column->width, count);
        gather(column, places, count, &made);
        return made;
    }
    for (uint32_t i = 0; i < count; i++)
        values[i] = column_get(column, places[i]);
    made = (struct column){ 0 };
    column_store(&made, values, count);
    return made;
}

void column_append_from(struct column *to, uint32_t to_count, const struct column *from,
                        uint32_t first, uint32_t count)
{
    uint64_t values[COLUMN_VALUES_MAX];

    assert(to_count + count <= COLUMN_VALUES_MAX);
    if (count == 0)
        return;
    column_load(to, 0, to_count, values);
    column_load(from, first, count, values + to_count);
    if (to_count > 0 && column_is_constant(to) && column_is_constant(from) &&
        to->base == from->base)
        return;
    pack(to, best_shape(values, to_count + count), values, to_count + count,
         capacity_for(to_count + count));
}

uint32_t column_find(const struct column *column, uint32_t count, uint64_t value)
{
    uint32_t low = 0;
    uint32_t high = count;

    if (column->width == 0 && column->step == 1) {
        if (value <= column->base)
            return 0;
        return value - column->base < count ? (uint32_t)(value - column->base) : count;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (column_get(column, middle) < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool column_ascends(const struct column *column, uint32_t count)
{
    if (column->width == 0 && column->step == 1)
        return count == 0 || column->base <= UINT64_MAX - (count - 1);
    for (uint32_t i = 1; i < count; i++)
        if (column_get(column, i - 1) >= column_get(column, i))
            return false;
    return true;
}

uint64_t column_sum(const struct column *column, uint32_t first, uint32_t count)
{
    uint64_t values[COLUMN_VALUES_MAX];
    uint64_t sum = 0;

    if (column_is_constant(column))
        return column->base * count;
    column_load(column, first, count, values);
    for (uint32_t i = 0; i < count; i++)
        sum += values[i];
    return sum;
}

uint64_t column_bits(const struct column *column, uint32_t count)
{
    uint64_t values[COLUMN_VALUES_MAX];
    uint64_t bits = 0;

    if (column_is_constant(column))
        return count == 0 ? 0 : column->base;
    column_load(column, 0, count, values);
    for (uint32_t i = 0; i < count; i++)
        bits |= values[i];
    return bits;
}

uint32_t column_count_without(const struct column *column, uint32_t count, uint64_t bits)
{
    uint64_t values[COLUMN_VALUES_MAX];
    uint32_t without = 0;

    if (column_is_constant(column))
        return (column->base & bits) == bits ? 0 : count;
    column_load(column, 0, count, values);
    for (uint32_t i = 0; i < count; i++)
        without += (values[i] & bits) != bits;
    return without;
}

/* Runs of bytes that all have the bits are passed over without a branch for each. */
static uint32_t skip_bytes(const uint8_t *at, uint32_t count, uint8_t bits)
{
    enum { RUN = 64 };
    uint32_t place = 0;

    for (; place + RUN <= count; place += RUN) {
        uint8_t all = bits;

        for (uint32_t i = 0; i < RUN; i++)
            all &= at[place + i];
        if (all != bits)
            break;
    }
    return place;
}

uint32_t column_find_without(const struct column *column, uint32_t count, uint64_t bits)
{
    uint32_t at = 0;

    if (column_is_constant(column))
        return (column->base & bits) == bits ? count : 0;
    if (column->width == 1 && column->base == 0 && column->step == 0 && bits <= UINT8_MAX)
        at = skip_bytes(column->array->at, count, (uint8_t)bits);
    while (at < count && (column_get(column, at) & bits) == bits)
        at++;
    return at;
}

uint64_t column_count_bytes(const struct column *column, uint32_t round)
{
    if (column->array == NULL || column->array->counted == round)
        return 0;
    column->array->counted = round;
    return (uint64_t)column->array->capacity * column->width;
}

/* Copies differences from or to the little-endian bytes of the disk. */
static void copy_little_endian(uint8_t *to, const uint8_t *from, uint32_t count, unsigned width)
{
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) {
        memcpy(to, from, (size_t)count * width);
        return;
    }
    for (size_t i = 0; i < count; i++)
        for (unsigned byte = 0; byte < width; byte++)
            to[i * width + byte] = from[i * width + width - 1 - byte];
}

void column_encode(struct buf *buf, const struct column *column, uint32_t count)
{
    uint64_t values[COLUMN_VALUES_MAX];
    struct column tight = { .base = column->base };
    size_t len;
    uint8_t *out;

    if (!column_is_constant(column)) {
        column_load(column, 0, count, values);
        column_store(&tight, values, count);
    }
    buf_put_u8(buf, tight.width);
    buf_put_u8(buf, tight.step);
    buf_put_u64(buf, tight.base);
    len = (size_t)count * tight.width;
    out = buf_reserve(buf, len);
    if (out != NULL && len > 0) {
        copy_little_endian(out, tight.array->at, count, tight.width);
        buf_commit(buf, len);
    }
    column_done(&tight);
}

bool column_decode(struct reader *reader, uint32_t count, struct column *out_column)
{
    struct column column = { .width = reader_u8(reader) };
    struct bytes in;

    column.step = reader_u8(reader);
    column.base = reader_u64(reader);
    if (reader->failed || count > COLUMN_VALUES_MAX || column.step > 1 || column.width > 8 ||
        (column.width & (column.width - 1)) != 0)
        return false;
    in = reader_take(reader, (size_t)count * column.width);
    if (reader->failed)
        return false;
    if (column.width > 0) {
        column.array = array_new(column.width, count);
        copy_little_endian(column.array->at, in.at, count, column.width);
    }
    *out_column = column;
    return true;
}
