/* section, section-binary (RFC 9051 s6.4.5.1, s9): which piece of a message. */
#ifndef ROOST_IMAP_WIRE_SECTION_H
#define ROOST_IMAP_WIRE_SECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/cursor.h"
#include "imap/wire/grammar.h"

enum imap_section_text {
    IMAP_SECTION_ALL, /* the part, or the whole message when there are no part numbers */
    IMAP_SECTION_HEADER,
    IMAP_SECTION_HEADER_FIELDS,
    IMAP_SECTION_HEADER_FIELDS_NOT,
    IMAP_SECTION_TEXT,
    IMAP_SECTION_MIME, /* only behind part numbers */
};

struct imap_section {
    enum imap_section_text text;
    const uint32_t *parts; /* "1.2" is { 1, 2 }; each at least 1 */
    uint32_t part_count;
    const struct bytes *fields; /* of HEADER_FIELDS and _NOT, as written, at least one */
    uint32_t field_count;
};

/* "[" [section-spec] "]" */
MUST_USE bool imap_section_parse(struct cursor *cur, const struct imap_grammar *grammar,
                                 struct arena *arena, struct imap_section *out_section);

/* "[" [section-part] "]" */
MUST_USE bool imap_section_binary_parse(struct cursor *cur, const struct imap_grammar *grammar,
                                        struct arena *arena, struct imap_section *out_section);

/* With brackets. Field names as the client wrote them, as astrings. */
void imap_section_print(struct buf *out, const struct imap_section *section);

#endif
