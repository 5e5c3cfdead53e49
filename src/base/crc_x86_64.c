/* CRC32C by the SSE 4.2 instruction, where this x86-64 processor has it. */
#include <string.h>

#include "base/attributes.h"
#include "base/crc.h"

FOR_PROCESSOR("sse4.2") static uint32_t crc_sse42(uint32_t crc, struct bytes bytes)
{
    uint64_t wide = ~crc;
    size_t at = 0;

    for (; bytes.len - at >= 8; at += 8) {
        uint64_t word;

        memcpy(&word, bytes.at + at, 8);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    for (; at < bytes.len; at++)
        crc = __builtin_ia32_crc32qi(crc, bytes.at[at]);
    return ~crc;
}

uint32_t crc32c(uint32_t crc, struct bytes bytes)
{
    return __builtin_cpu_supports("sse4.2") ? crc_sse42(crc, bytes) : crc32c_plain(crc, bytes);
}
