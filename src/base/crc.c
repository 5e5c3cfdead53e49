/* CRC32C: SSE 4.2 instruction or a table of 256. */
#include "base/crc.h"

#include <stdbool.h>
#include <string.h>

#define CRC32C_POLYNOMIAL UINT32_C(0x82f63b78) /* reflected */

/* One table entry is eight shifts; computing it on the spot keeps this path free of state. */
static uint32_t crc_of_byte(uint32_t byte)
{
    for (int bit = 0; bit < 8; bit++)
        byte = (byte & 1) != 0 ? byte >> 1 ^ CRC32C_POLYNOMIAL : byte >> 1;
    return byte;
}

static uint32_t crc_plain(uint32_t crc, struct bytes bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        crc = crc >> 8 ^ crc_of_byte((crc ^ bytes.at[i]) & 0xff);
    return crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t crc_sse42(uint32_t crc, struct bytes bytes)
{
    uint64_t wide = crc;
    size_t at = 0;

    for (; bytes.len - at >= 8; at += 8) {
        uint64_t word;

        memcpy(&word, bytes.at + at, 8);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    for (; at < bytes.len; at++)
        crc = __builtin_ia32_crc32qi(crc, bytes.at[at]);
    return crc;
}

uint32_t crc32c(uint32_t crc, struct bytes bytes)
{
    crc = ~crc;
    crc = __builtin_cpu_supports("sse4.2") ? crc_sse42(crc, bytes) : crc_plain(crc, bytes);
    return ~crc;
}
#else
uint32_t crc32c(uint32_t crc, struct bytes bytes)
{
    return ~crc_plain(~crc, bytes);
}
#endif
