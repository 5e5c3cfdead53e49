/* CRC32C (Castagnoli), by the processor's instruction where it has one. */
#ifndef ROOST_BASE_CRC_H
#define ROOST_BASE_CRC_H

#include <stdint.h>

#include "base/bytes.h"

/* Continues `crc` (0 at the start, or a secret seed) over `bytes`. crc32c(crc32c(s, a), b) is the
 * value of a followed by b. With seed 0 this is the usual CRC-32C of RFC 3720. */
uint32_t crc32c(uint32_t crc, struct bytes bytes);

/* The same value without the instruction, many times slower. */
uint32_t crc32c_plain(uint32_t crc, struct bytes bytes);

#endif
