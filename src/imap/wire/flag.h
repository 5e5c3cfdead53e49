/* flag, flag-keyword, flag-list (RFC 9051 s2.3.2, s9). */
#ifndef ROOST_IMAP_WIRE_FLAG_H
#define ROOST_IMAP_WIRE_FLAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/cursor.h"
#include "imap/wire/grammar.h"

enum imap_system_flag {
    IMAP_FLAG_ANSWERED = 1 << 0,
    IMAP_FLAG_FLAGGED = 1 << 1,
    IMAP_FLAG_DELETED = 1 << 2,
    IMAP_FLAG_SEEN = 1 << 3,
    IMAP_FLAG_DRAFT = 1 << 4,
    IMAP_FLAG_RECENT = 1 << 5, /* rev1 only; a client may name it, never set it */
};

struct imap_flags {
    uint32_t system; /* bits of enum imap_system_flag */
    const struct bytes *keywords; /* as written, doubles (without regard to case) left out */
    uint32_t keyword_count;
    bool extension; /* flag-extensions such as \Foo were named and left out: a STORE of a flag that
                     * PERMANENTFLAGS does not offer is ignored (RFC 9051 s7.1) */
};

/* "(" [flag *(SP flag)] ")". At most limits->keywords_max keywords. */
MUST_USE bool imap_flag_list_parse(struct cursor *cur, const struct imap_grammar *grammar,
                                   struct arena *arena, struct imap_flags *out_flags);

/* flag-list / (flag *(SP flag)), as STORE has it. */
MUST_USE bool imap_flags_parse(struct cursor *cur, const struct imap_grammar *grammar,
                               struct arena *arena, struct imap_flags *out_flags);

/* flag-keyword: an atom of at most limits->keyword_bytes_max, borrowed from the input. */
MUST_USE bool imap_keyword_parse(struct cursor *cur, const struct imap_grammar *grammar,
                                 struct bytes *out_keyword);

/* "(\Answered \Seen $Junk)". Keywords as given. */
void imap_flag_list_print(struct buf *out, const struct imap_flags *flags);

/* The names of the system flags, " " between: for callers that add keywords of their own. */
void imap_system_flags_print(struct buf *out, uint32_t system);

#endif
