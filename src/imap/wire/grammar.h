/* What a session has switched on and how much a client may ask for: handed to every production.
 *
 * RFC 9051 and RFC 3501 share one grammar here; the two differ in how mailbox names are written
 * and in what responses look like. Limits are shared by all sessions, so a session keeps only a
 * pointer. A list that grows past its limit is a complaint (cursor_exceed), never a cut list. */
#ifndef ROOST_IMAP_WIRE_GRAMMAR_H
#define ROOST_IMAP_WIRE_GRAMMAR_H

#include <stdbool.h>
#include <stdint.h>

struct imap_grammar_limits {
    uint32_t ranges_max; /* in one sequence-set */
    uint32_t search_depth_max; /* NOT, OR and parentheses inside each other */
    uint32_t search_keys_max; /* in one SEARCH, inner nodes counted */
    uint32_t keywords_max; /* in one flag-list, doubles not counted */
    uint32_t keyword_bytes_max; /* of one keyword */
    uint32_t fetch_atts_max; /* in one FETCH */
    uint32_t section_parts_max; /* numbers in "1.2.3" */
    uint32_t header_fields_max; /* in one HEADER.FIELDS */
    uint32_t patterns_max; /* in one LIST */
    uint32_t mailbox_bytes_max; /* of a name, as UTF-8 */
    uint32_t mailbox_component_bytes_max; /* between two delimiters, as UTF-8 */
    uint32_t mailbox_depth_max; /* components of a name */
    uint32_t enable_max; /* capabilities in one ENABLE */
    uint32_t id_pairs_max; /* RFC 2971 s3.3: 30 */
    uint32_t id_value_bytes_max; /* RFC 2971 s3.3: 1024 */
};

extern const struct imap_grammar_limits imap_grammar_limits_default;

struct imap_grammar {
    const struct imap_grammar_limits *limits; /* never NULL */
    bool rev2; /* ENABLE IMAP4rev2 was given (RFC 9051 s6.3.1) */
    bool utf8_accept; /* ENABLE UTF8=ACCEPT was given (RFC 6855 s3) */
};

static inline struct imap_grammar imap_grammar_make(void)
{
    return (struct imap_grammar){ .limits = &imap_grammar_limits_default };
}

/* Mailbox names travel as UTF-8, not as modified UTF-7, and quoted strings may hold UTF-8. */
static inline bool imap_grammar_is_utf8(const struct imap_grammar *grammar)
{
    return grammar->rev2 || grammar->utf8_accept;
}

#endif
