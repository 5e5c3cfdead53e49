/* CRC32C by the SSE 4.2 instruction, where this x86-64 processor has it.
 *
 * The instruction takes three cycles and can begin anew in each: three stretches side by side cost
 * as much as one. A checksum of a stretch that `n` bytes follow is carried over those by a
 * multiplication with x^(8n), modulo the polynomial: PCLMULQDQ multiplies, the CRC instruction
 * takes the remainder (which itself multiplies by x^32, and the bits being mirrored by one x more:
 * so the constants are x^(8n - 33)). */
#include <immintrin.h>
#include <string.h>

#include "base/attributes.h"
#include "base/crc.h"

enum { STRETCH_BYTES = 128, THREE_BYTES = 3 * STRETCH_BYTES };

static const uint64_t over_two_stretches = 0xb9e02b86;
static const uint64_t over_one_stretch = 0x0d3b6092;

FOR_PROCESSOR("sse4.2") static inline uint64_t take_word(uint64_t crc, const uint8_t *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return _mm_crc32_u64(crc, word);
}

FOR_PROCESSOR("sse4.2") static uint64_t take_rest(uint64_t crc, struct bytes bytes)
{
    size_t at = 0;

    for (; bytes.len - at >= 8; at += 8)
        crc = take_word(crc, bytes.at + at);
    for (; at < bytes.len; at++)
        crc = _mm_crc32_u8((uint32_t)crc, bytes.at[at]);
    return crc;
}

FOR_PROCESSOR("sse4.2,pclmul") static inline uint64_t carry(uint64_t crc, uint64_t over)
{
    __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)crc),
                                           _mm_cvtsi64_si128((long long)over), 0);

    return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

FOR_PROCESSOR("sse4.2,pclmul") static uint64_t take_threes(uint64_t crc, struct bytes *bytes)
{
    for (; bytes->len >= THREE_BYTES; *bytes = bytes_from(*bytes, THREE_BYTES)) {
        uint64_t second = 0;
        uint64_t third = 0;

        for (size_t at = 0; at < STRETCH_BYTES; at += 8) {
            crc = take_word(crc, bytes->at + at);
            second = take_word(second, bytes->at + STRETCH_BYTES + at);
            third = take_word(third, bytes->at + 2 * STRETCH_BYTES + at);
        }
        crc = carry(crc, over_two_stretches) ^ carry(second, over_one_stretch) ^ third;
    }
    return crc;
}

uint32_t crc32c(uint32_t crc, struct bytes bytes)
{
    uint64_t wide = ~crc;

    if (!__builtin_cpu_supports("sse4.2"))
        return crc32c_plain(crc, bytes);
    if (bytes.len >= THREE_BYTES && __builtin_cpu_supports("pclmul"))
        wide = take_threes(wide, &bytes);
    return ~(uint32_t)take_rest(wide, bytes);
}
