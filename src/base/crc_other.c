/* CRC32C on processors for which there is no faster way here. */
#include "base/crc.h"

uint32_t crc32c(uint32_t crc, struct bytes bytes)
{
    return crc32c_plain(crc, bytes);
}
