/* Numbers as text and as stored bytes. Little-endian throughout. */
#ifndef ROOST_BASE_NUM_H
#define ROOST_BASE_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"

enum {
    NUM_DECIMAL_MAX = 20, /* digits of the largest uint64_t */
    NUM_VARINT_MAX = 10, /* bytes of the longest varint */
};

/* Decimal digits of `number` into `digits`, no NUL; answers how many. */
size_t num_print(uint64_t number, char digits[NUM_DECIMAL_MAX]);

/* The last two decimal digits of `number`, with zeros in front. */
void num_print_pair(unsigned number, uint8_t at[2]);

/* All of `text` as decimal digits. False when empty, when another byte is there or above `max`. */
MUST_USE bool num_parse(struct bytes text, uint64_t max, uint64_t *out_number);

static inline void num_store_u16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static inline void num_store_u32(uint8_t *at, uint32_t value)
{
    num_store_u16(at, (uint16_t)value);
    num_store_u16(at + 2, (uint16_t)(value >> 16));
}

static inline void num_store_u64(uint8_t *at, uint64_t value)
{
    num_store_u32(at, (uint32_t)value);
    num_store_u32(at + 4, (uint32_t)(value >> 32));
}

static inline uint16_t num_load_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t num_load_u32(const uint8_t *at)
{
    return num_load_u16(at) | (uint32_t)num_load_u16(at + 2) << 16;
}

static inline uint64_t num_load_u64(const uint8_t *at)
{
    return num_load_u32(at) | (uint64_t)num_load_u32(at + 4) << 32;
}

#endif
