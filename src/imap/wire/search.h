/* search (RFC 9051 s6.4.4, s9; RFC 3501 s6.4.4; RFC 5032; RFC 7162 s3.1.5; RFC 8474; RFC 8514). */
#ifndef ROOST_IMAP_WIRE_SEARCH_H
#define ROOST_IMAP_WIRE_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "imap/wire/command.h"
#include "imap/wire/date.h"
#include "imap/wire/seqset.h"

enum imap_search_type {
    IMAP_SEARCH_AND, /* children: all of them; with none it matches everything (ALL) */
    IMAP_SEARCH_OR, /* children: two */
    IMAP_SEARCH_NOT, /* children: one */
    IMAP_SEARCH_SEQUENCE, /* set: message sequence numbers */
    IMAP_SEARCH_UID, /* set: UIDs */
    IMAP_SEARCH_FLAG, /* flag, wanted */
    IMAP_SEARCH_KEYWORD, /* text, wanted */
    IMAP_SEARCH_BCC, /* text, and so the next ones */
    IMAP_SEARCH_CC,
    IMAP_SEARCH_FROM,
    IMAP_SEARCH_TO,
    IMAP_SEARCH_SUBJECT,
    IMAP_SEARCH_HEADER, /* field, text; empty text: the field is there */
    IMAP_SEARCH_BODY,
    IMAP_SEARCH_TEXT,
    IMAP_SEARCH_INTERNALDATE, /* date, when */
    IMAP_SEARCH_SENTDATE, /* date, when */
    IMAP_SEARCH_SAVEDATE, /* date, when */
    IMAP_SEARCH_SAVEDATE_SUPPORTED,
    IMAP_SEARCH_LARGER, /* number: bytes */
    IMAP_SEARCH_SMALLER, /* number: bytes */
    IMAP_SEARCH_OLDER, /* number: seconds */
    IMAP_SEARCH_YOUNGER, /* number: seconds */
    IMAP_SEARCH_MODSEQ, /* number; metadata entry names are checked and dropped */
    IMAP_SEARCH_EMAILID, /* text */
    IMAP_SEARCH_THREADID, /* text */
};

enum imap_search_when {
    IMAP_SEARCH_BEFORE,
    IMAP_SEARCH_ON,
    IMAP_SEARCH_SINCE,
};

struct imap_search_key {
    enum imap_search_type type;
    enum imap_search_when when;
    uint32_t flag; /* one bit of enum imap_system_flag */
    bool wanted; /* FLAG, KEYWORD: false for UNSEEN, OLD, UNKEYWORD */
    struct imap_date date;
    uint64_t number;
    struct bytes field; /* as written, not empty */
    struct bytes text; /* in the charset of the args, not converted */
    struct imap_seqset set;
    const struct imap_search_key *children; /* the first one; the others follow by `next` */
    const struct imap_search_key *next; /* brother below the same parent */
};

enum imap_search_return {
    IMAP_RETURN_MIN = 1 << 0,
    IMAP_RETURN_MAX = 1 << 1,
    IMAP_RETURN_ALL = 1 << 2,
    IMAP_RETURN_COUNT = 1 << 3,
    IMAP_RETURN_SAVE = 1 << 4,
};

struct imap_search_args {
    bool has_return; /* RETURN was given: answer ESEARCH, also in rev1 (RFC 4731 s3.1) */
    uint32_t returns; /* bits of enum imap_search_return; () stands as ALL */
    bool has_seqnos; /* a key names messages by number: none may go away meanwhile */
    bool has_modseq; /* a MODSEQ key is in it: answers bear MODSEQ, CONDSTORE is on */
    struct bytes charset; /* as written; empty: not given */
    const struct imap_search_key *program; /* an AND of the top-level keys */
};

/* SEARCH and UID SEARCH. NEW becomes AND(recent, not seen). At most limits->search_keys_max keys,
 * search_depth_max deep: a walker may recurse. */
imap_args_parser imap_search_parse;

/* What SORT and THREAD share with SEARCH, into `args`, which are zeroed at first. */

/* [SP "RETURN" SP "(" options ")"], with the blank before it (RFC 5267 s3, extended-sort). */
MUST_USE bool imap_search_returns_parse(struct cursor *cur, struct imap_search_args *args);

/* charset 1*(SP search-key), to the end of the command (RFC 5256 s5, search-criteria). */
MUST_USE bool imap_search_criteria_parse(struct cursor *cur, const struct imap_grammar *grammar,
                                         struct arena *arena, struct imap_search_args *args);

#endif
