/* CRC32C (RFC 3720 s12.1) bit by bit, for every machine. The build adds crc_x86_64.c or
 * crc_other.c, which choose how crc32c itself works. */
#include "base/crc.h"

#define CRC32C_POLYNOMIAL UINT32_C(0x82f63b78) /* reflected */

/* One table entry is eight shifts; computing it on the spot keeps this path free of state. */
static uint32_t crc_of_byte(uint32_t byte)
{
    for (int bit = 0; bit < 8; bit++)
        byte = (byte & 1) != 0 ? byte >> 1 ^ CRC32C_POLYNOMIAL : byte >> 1;
    return byte;
}

uint32_t crc32c_plain(uint32_t crc, struct bytes bytes)
{
    crc = ~crc;
    for (size_t i = 0; i < bytes.len; i++)
        crc = crc >> 8 ^ crc_of_byte((crc ^ bytes.at[i]) & 0xff);
    return ~crc;
}
