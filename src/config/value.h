/* Single values as a person writes them: yes, 10M, 30m. Pure. */
#ifndef ROOST_CONFIG_VALUE_H
#define ROOST_CONFIG_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"

/* yes, no, true, false, on, off, 1, 0. */
MUST_USE bool config_bool_parse(struct bytes text, bool *out_value);

/* Bytes: a number with K, M, G or T (powers of 1024) behind it, or none. False on overflow. */
MUST_USE bool config_size_parse(struct bytes text, uint64_t *out_bytes);

/* Milliseconds: a number and one of ms, s, m, h, d; a bare 0 too. False on overflow. */
MUST_USE bool config_duration_parse(struct bytes text, uint64_t *out_ms);

/* The place of `text` among the words of `choices`, which are apart by one blank. */
MUST_USE bool config_choice_parse(struct bytes text, const char *choices, unsigned *out_index);

/* The word at `index` of `choices`; empty past the end. */
struct bytes config_choice_text(const char *choices, unsigned index);

/* With the largest unit that loses nothing: "10M", "30m". */
void config_size_print(uint64_t bytes, struct buf *out);
void config_duration_print(uint64_t ms, struct buf *out);
void config_number_print(uint64_t number, struct buf *out);

/* The next word of `*rest` (blanks, tabs and line breaks part them), which moves on; empty at the
 * end. */
struct bytes config_word_take(struct bytes *rest);

#endif
