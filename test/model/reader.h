/* Reads responses the way a client does (RFC 9051 section 9): numbers, words, strings, lists.
 *
 * Anything that is no response ends the run by model_fail. */
#ifndef ROOST_TEST_MODEL_READER_H
#define ROOST_TEST_MODEL_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"

struct reader {
    struct bytes line; /* one response, literals in it, without the last CRLF */
    size_t at;
};

/* The length of the first whole response in `text`, with its CRLF; 0: it is not all there. */
size_t reader_response_len(struct bytes text);

bool reader_at_end(const struct reader *reader);
/* Goes past the text when it comes next, letters in any case. */
bool reader_skip(struct reader *reader, const char *text);
/* The same, and it must. */
void reader_want(struct reader *reader, const char *text);
bool reader_sees_digit(const struct reader *reader);
uint64_t reader_number(struct reader *reader);
/* Up to a blank, a bracket or the end. */
struct bytes reader_word(struct reader *reader);
/* A string in quotes, as a literal, or an atom; into memory that lives until the next 8 calls. */
struct bytes reader_string(struct reader *reader);
/* The same; false: NIL. */
bool reader_nstring(struct reader *reader, struct bytes *out);
/* Whatever value comes next, in its own bytes. */
struct bytes reader_value(struct reader *reader);
struct bytes reader_rest(const struct reader *reader);

/* "1:3,7" of a response: calls back for each number in the order in which they stand. */
typedef void reader_number_fn(void *context, uint32_t number);
void reader_set(struct reader *reader, reader_number_fn *each, void *context);

/* Ends the run: what was seen is wrong. */
_Noreturn void PRINTF_LIKE(1, 2) model_fail(const char *format, ...);

#endif
