/* The names that the test plays with, the patterns, and what matches what (RFC 9051 section
 * 6.3.9). */
#ifndef ROOST_TEST_MODEL_NAMES_H
#define ROOST_TEST_MODEL_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

/* Names are UTF-8 in normal form C; `utf7` is how RFC 3501 section 5.1.3 writes it. */
struct model_name {
    const char *utf8;
    const char *utf7; /* NULL: the same */
};

enum { NAMES = 30, NAMES_GOOD = 22, PATTERNS = 20, REFERENCES = 3, NAME_BYTES_MAX = 160 };

/* From NAMES_GOOD on: names that no mailbox may have. */
extern const struct model_name model_names[NAMES];
extern const struct model_name model_patterns[PATTERNS];
extern const char *const model_references[REFERENCES];

/* The name as the mailbox has it: INBOX whatever its case, a "/" at the end left out. */
const char *model_name_canonical(unsigned index);

/* "*" and "%"; INBOX in any case. */
bool model_pattern_matches(const char *pattern, const char *name);

/* `name` is below `parent`. */
bool model_name_is_below(const char *name, const char *parent);

/* A name as it comes in a response, in either spelling, into UTF-8. False: it is none that the test
 * knows the spelling of. */
bool model_name_decode(struct bytes given, bool rev2, char out[NAME_BYTES_MAX]);

#endif
