/* Cuts what a server sends into whole answers: a line with all its literals (RFC 9051 section 4.3),
 * up to the CRLF that ends it. */
#ifndef ROOST_BENCH_LOAD_ANSWER_H
#define ROOST_BENCH_LOAD_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* Where the search goes on when more bytes have come; zero at the start and after each answer. */
struct answer_scan {
    size_t line; /* where the line begins that is being looked at, after the last literal */
    size_t from; /* no LF before it */
};

/* True when a whole answer stands at the beginning of `have`: it is `out_answer`, with its CRLF,
 * and the caller takes it away before the next call. False: more bytes are needed. */
bool answer_next(struct answer_scan *scan, struct bytes have, struct bytes *out_answer);

/* The first literal of an answer. False when it has none. */
bool answer_literal(struct bytes answer, struct bytes *out_literal);

/* The decimal number at *at, which goes on behind it. False, and *at as it was, without a digit. */
bool answer_number(struct bytes answer, size_t *at, uint64_t *out_number);

#endif
