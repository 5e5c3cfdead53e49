/* Content-Transfer-Encoding (RFC 2045 s6): its names and its streaming decoders.
 *
 * Decoders never fail: what is no base64 or quoted-printable is passed over or through, as RFC 2045
 * s6.7 and s6.8 advise. They keep a few bytes of state and no memory. */
#ifndef ROOST_MESSAGE_TRANSFER_H
#define ROOST_MESSAGE_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"

enum transfer_encoding {
    TRANSFER_7BIT = 0,
    TRANSFER_8BIT,
    TRANSFER_BINARY,
    TRANSFER_QUOTED_PRINTABLE,
    TRANSFER_BASE64,
    TRANSFER_UNKNOWN, /* BINARY answers UNKNOWN-CTE (RFC 9051 s7.1); text is taken as it is */
};
enum { TRANSFER_COUNT = TRANSFER_UNKNOWN + 1 };

/* The encoding a Content-Transfer-Encoding value names; an empty one is 7bit. Blanks and comments
 * around it are passed over. */
enum transfer_encoding transfer_parse(struct bytes value);

/* True when decoding gives the same bytes: 7bit, 8bit, binary and unknown. */
static inline bool transfer_is_identity(enum transfer_encoding encoding)
{
    return encoding != TRANSFER_QUOTED_PRINTABLE && encoding != TRANSFER_BASE64;
}

enum {
    TRANSFER_BLANKS_MAX = 256, /* quoted-printable: held back until it is known what follows them */
    TRANSFER_HELD_MAX = TRANSFER_BLANKS_MAX + 2, /* and "=X" before them */
};

/* Starts with transfer_decoder_make; the rest is the decoder's own. */
struct transfer_decoder {
    enum transfer_encoding encoding;
    uint32_t bits; /* base64: collected bits */
    uint8_t bit_count;
    uint8_t escape_len; /* quoted-printable: bytes of "=X" held back */
    uint8_t escape[2];
    bool escape_soft; /* quoted-printable: "=" and blanks seen, waiting for the line end */
    uint16_t blank_len; /* quoted-printable: blanks held back, dropped before a line end */
    uint8_t blanks[TRANSFER_BLANKS_MAX];
};

static inline struct transfer_decoder transfer_decoder_make(enum transfer_encoding encoding)
{
    return (struct transfer_decoder){ .encoding = encoding };
}

/* Decodes the next piece, split anywhere; appends to `out` at most in.len + TRANSFER_HELD_MAX
 * bytes. */
void transfer_decode(struct transfer_decoder *decoder, struct bytes in, struct buf *out);

/* Appends what was held back at the end. The decoder is then as new. */
void transfer_decode_finish(struct transfer_decoder *decoder, struct buf *out);

#endif
