/* list, lsub (RFC 9051 s6.3.9, s9; RFC 3501 s6.3.9; RFC 5258; RFC 5819; RFC 6154) and the LIST
 * response (RFC 9051 s7.3.1). */
#ifndef ROOST_IMAP_WIRE_LIST_H
#define ROOST_IMAP_WIRE_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "imap/wire/command.h"

enum imap_list_select {
    IMAP_LIST_SUBSCRIBED = 1 << 0,
    IMAP_LIST_REMOTE = 1 << 1,
    IMAP_LIST_RECURSIVEMATCH = 1 << 2, /* only with SUBSCRIBED or SPECIAL_USE */
    IMAP_LIST_SPECIAL_USE = 1 << 3,
};

enum imap_list_return {
    IMAP_LIST_RETURN_SUBSCRIBED = 1 << 0,
    IMAP_LIST_RETURN_CHILDREN = 1 << 1,
    IMAP_LIST_RETURN_STATUS = 1 << 2, /* then status_atts is meant */
    IMAP_LIST_RETURN_SPECIAL_USE = 1 << 3,
};

struct imap_list_args {
    bool extended; /* any of options, several patterns, RETURN: \NonExistent may be answered */
    uint32_t selects; /* bits of enum imap_list_select */
    uint32_t returns; /* bits of enum imap_list_return */
    uint32_t status_atts; /* bits of enum imap_status_att */
    bool root_only; /* one empty pattern: asks for the delimiter and the root of the reference */
    struct bytes reference; /* UTF-8, as sent otherwise */
    const struct bytes *patterns; /* UTF-8 in normal form C, the reference put in front */
    uint32_t pattern_count; /* at least 1 */
};

/* LIST. */
imap_args_parser imap_list_parse;

/* LSUB (RFC 3501 s6.3.9): SP mailbox SP list-mailbox, into a struct imap_list_args. */
imap_args_parser imap_lsub_parse;

/* Attributes in the response (RFC 9051 s7.3.1, RFC 6154 s2). */
enum imap_list_attribute {
    IMAP_ATTRIBUTE_NONEXISTENT = 1 << 0,
    IMAP_ATTRIBUTE_NOSELECT = 1 << 1,
    IMAP_ATTRIBUTE_NOINFERIORS = 1 << 2,
    IMAP_ATTRIBUTE_HAS_CHILDREN = 1 << 3,
    IMAP_ATTRIBUTE_HAS_NO_CHILDREN = 1 << 4,
    IMAP_ATTRIBUTE_MARKED = 1 << 5,
    IMAP_ATTRIBUTE_UNMARKED = 1 << 6,
    IMAP_ATTRIBUTE_SUBSCRIBED = 1 << 7,
    IMAP_ATTRIBUTE_REMOTE = 1 << 8,
    IMAP_ATTRIBUTE_ALL = 1 << 9,
    IMAP_ATTRIBUTE_ARCHIVE = 1 << 10,
    IMAP_ATTRIBUTE_DRAFTS = 1 << 11,
    IMAP_ATTRIBUTE_FLAGGED = 1 << 12,
    IMAP_ATTRIBUTE_JUNK = 1 << 13,
    IMAP_ATTRIBUTE_SENT = 1 << 14,
    IMAP_ATTRIBUTE_TRASH = 1 << 15,
    IMAP_ATTRIBUTE_IMPORTANT = 1 << 16, /* RFC 8457 */
    IMAP_ATTRIBUTE_MEMOS = 1 << 17, /* RFC 9979, and the next two */
    IMAP_ATTRIBUTE_SCHEDULED = 1 << 18,
    IMAP_ATTRIBUTE_SNOOZED = 1 << 19,
};

#define IMAP_ATTRIBUTE_SPECIAL_USE \
    (IMAP_ATTRIBUTE_ALL | IMAP_ATTRIBUTE_ARCHIVE | IMAP_ATTRIBUTE_DRAFTS | \
     IMAP_ATTRIBUTE_FLAGGED | IMAP_ATTRIBUTE_JUNK | IMAP_ATTRIBUTE_SENT | IMAP_ATTRIBUTE_TRASH | \
     IMAP_ATTRIBUTE_IMPORTANT | IMAP_ATTRIBUTE_MEMOS | IMAP_ATTRIBUTE_SCHEDULED | \
     IMAP_ATTRIBUTE_SNOOZED)

struct imap_list_response {
    bool lsub; /* "* LSUB" */
    uint32_t attributes; /* bits of enum imap_list_attribute */
    struct bytes name; /* canonical; empty: the root */
    struct bytes old_name; /* OLDNAME; empty: none */
    uint32_t
        child_info; /* CHILDINFO: bits of SUBSCRIBED, SPECIAL_USE of imap_list_select; 0: none */
};

/* The whole line with CRLF. */
void imap_list_response_print(struct buf *out, const struct imap_grammar *grammar,
                              const struct imap_list_response *response);

/* " \Drafts \Sent" without the blank in front; for METADATA, CREATE's answers and logs. */
void imap_list_attributes_print(struct buf *out, uint32_t attributes);

/* One attribute by name, "\Sent", without regard to case. 0: none of that name. */
uint32_t imap_list_attribute_find(struct bytes name);

#endif
