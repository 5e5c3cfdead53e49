/* number, nz-number, number64 (RFC 9051 s9). */
#ifndef ROOST_IMAP_WIRE_NUMBER_H
#define ROOST_IMAP_WIRE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/cursor.h"

/* 0 to 2^32 - 1. */
MUST_USE bool imap_number_parse(struct cursor *cur, uint32_t *out_number);

/* 1 to 2^32 - 1. */
MUST_USE bool imap_nz_number_parse(struct cursor *cur, uint32_t *out_number);

/* 0 to 2^63 - 1; mod-sequence-valzer as well (RFC 7162 s7). */
MUST_USE bool imap_number64_parse(struct cursor *cur, uint64_t *out_number);

/* 1 to 2^63 - 1; mod-sequence-value as well. */
MUST_USE bool imap_nz_number64_parse(struct cursor *cur, uint64_t *out_number);

#endif
