/* UTF-8 (RFC 3629): strict decoding, encoding, validation. */
#ifndef ROOST_BASE_UTF8_H
#define ROOST_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"

enum { UTF8_BYTES_MAX = 4 };

#define UTF8_REPLACEMENT UINT32_C(0xFFFD)

/* Decodes the code point at the start of `text`. Answers the bytes it takes, or 0 when `text` is
 * empty, cut off or not UTF-8 (overlong forms, surrogates and values above U+10FFFF included). */
size_t utf8_decode(struct bytes text, uint32_t *out_code_point);

/* Encodes into `into`; answers the bytes written, 0 for surrogates and values above U+10FFFF. */
size_t utf8_encode(uint32_t code_point, uint8_t into[UTF8_BYTES_MAX]);

bool utf8_is_valid(struct bytes text);

/* How many bytes at the start are below 128. */
size_t utf8_ascii_run(struct bytes text);

/* True when no byte is above 127. */
bool utf8_is_ascii(struct bytes text);

#endif
