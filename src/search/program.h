/* A SEARCH program made ready to be asked of many messages (RFC 9051 section 6.4.4).
 *
 * The tree keeps its shape; every leaf becomes a `struct search_key` with what it compares against
 * already converted: text folded, sets resolved, keywords and dates as numbers. */
#ifndef ROOST_SEARCH_PROGRAM_H
#define ROOST_SEARCH_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "imap/wire/search.h"
#include "store/types.h"

enum {
    SEARCH_TEXTS_MAX = 64, /* BODY and TEXT keys in one program */
    SEARCH_FIELD_COST = 64, /* of a key about a header field, beside one about the row */
    SEARCH_RANGES_COST = 256, /* ranges of a set that cost as much as a key about the row */
};

struct search_texts;
struct view;

/* What the keys are relative to. Borrowed for the life of the program. */
struct search_context {
    const struct view *view;
    struct uid_set recent; /* \Recent of this session; empty in IMAP4rev2 */
    struct uid_set saved; /* what `$` stands for */
    int64_t now_seconds; /* OLDER and YOUNGER (RFC 5032) */
    struct search_texts *texts; /* of header fields, kept from earlier searches; NULL: none are */
    struct account_id account; /* whose messages these are, for `texts` */
};

struct search_key {
    enum imap_search_type type;
    enum imap_search_when when;
    bool wanted; /* FLAG, KEYWORD; EMAILID, THREADID: the text is an id of that kind */
    uint16_t flags; /* FLAG; 0: \Recent */
    int keyword; /* index in the mailbox, -1: not used there */
    int64_t number; /* days, bytes, seconds, MODSEQ or id */
    struct uid_set uids; /* SEQUENCE (of sequence numbers), UID */
    struct bytes field; /* HEADER and kin: the field's name */
    bool is_kept; /* by all summaries */
    bool is_plain; /* `text` has no NUL */
    struct bytes text; /* folded */
    int text_index; /* BODY, TEXT: bit in search_program.texts */
    const struct search_key *children;
    const struct search_key *next;
};

struct search_program {
    struct search_context context;
    const struct search_key *root;
    uint32_t row_cost; /* of asking all keys of a row among many, in keys about the row */
    const struct search_key *texts[SEARCH_TEXTS_MAX]; /* by text_index */
    uint32_t text_count;
    size_t text_bytes_max; /* longest of them, folded */
};

/* All memory from `arena`. ERR_UNSUPPORTED: the charset is unknown, or none that a string can be in
 * (BADCHARSET). ERR_INVALID: a text is not in the charset, UTF-8 where none is named. ERR_LIMIT:
 * arena over budget, or more than SEARCH_TEXTS_MAX texts. */
MUST_USE enum err search_compile(const struct imap_search_args *args,
                                 const struct search_context *context, struct arena *arena,
                                 struct search_program **out_program);

#endif
