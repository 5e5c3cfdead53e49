/* The messages that the test appends, and by hand what the RFCs say of them: structure, envelope,
 * parts, words that are found in them. */
#ifndef ROOST_TEST_MODEL_SAMPLES_H
#define ROOST_TEST_MODEL_SAMPLES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "model/command.h"

enum { SAMPLES = 6, SAMPLE_PARTS = 3, SEARCH_WORDS = 10, DAYS = 6, NUMBER_DIGITS = 9 };

/* One body part: where it lies in the text. */
struct sample_part {
    size_t mime_at; /* its header, with the empty line */
    size_t at; /* its content, as transferred */
    size_t end;
    const char *decoded; /* what BINARY gives; NULL: the content as it is */
    size_t decoded_len;
};

struct sample {
    const char *text; /* "#########" in it: the number of the message */
    const char *envelope;
    const char *body;
    const char *bodystructure;
    const char *subject; /* decoded */
    const char *from;
    const char *to;
    const char *cc;
    const char *words; /* of its body, decoded */
    int64_t sent_seconds; /* its Date in UTC; 0: none */
    const char *sort[SORT_KEYS]; /* from SORT_SUBJECT on: what is compared, folded */
    int sent_day; /* of its Date; index of `day_words`; -1: none */
    unsigned part_count;
    const char *starts[SAMPLE_PARTS]; /* what each part's header begins with; NULL: no header */
    const char *ends[SAMPLE_PARTS];
    const char *decoded[SAMPLE_PARTS];
    bool nested[SAMPLE_PARTS]; /* number 2.1 rather than 3 */
    /* found out by samples_init */
    size_t len;
    size_t header_len;
    size_t number_at;
    struct sample_part parts[SAMPLE_PARTS];
};

extern struct sample samples[SAMPLES];
extern const char *const search_words[SEARCH_WORDS];
extern const char *const day_words[DAYS]; /* "1-Feb-2024": each day is later than the one before */

void samples_init(void);

/* The text of the message with that number; valid until the next call. */
struct bytes sample_text(unsigned sample, uint32_t number);

/* What a section of the message is; false: there is no such part (NIL). The bytes are valid until
 * the next call of any function here. */
bool sample_section(unsigned sample, uint32_t number, const struct model_section *section,
                    struct bytes *out);

/* Whether the key finds its word in the message. Only keys that look into messages. */
bool sample_has_word(unsigned sample, enum model_key_type key, unsigned word);

/* The fields of BODY[HEADER.FIELDS (...)] as the test asks for them. */
#define SAMPLE_FIELDS "(Subject X-Number)"

#endif
