/* sort (RFC 5256 s5, RFC 5267 s5, RFC 5957 s5). */
#ifndef ROOST_IMAP_WIRE_SORT_H
#define ROOST_IMAP_WIRE_SORT_H

#include <stdbool.h>
#include <stdint.h>

#include "imap/wire/command.h"
#include "imap/wire/search.h"

enum imap_sort_key {
    IMAP_SORT_ARRIVAL,
    IMAP_SORT_CC,
    IMAP_SORT_DATE,
    IMAP_SORT_DISPLAYFROM,
    IMAP_SORT_DISPLAYTO,
    IMAP_SORT_FROM,
    IMAP_SORT_SIZE,
    IMAP_SORT_SUBJECT,
    IMAP_SORT_TO,
    IMAP_SORT_KEYS,
};

struct imap_sort_criterion {
    enum imap_sort_key key;
    bool reverse;
};

struct imap_sort_args {
    struct imap_search_args search; /* with a charset, always */
    /* The first one decides, the next ones among those that are equal by all before. A key that
     * comes again decides nothing any more, and is left out. */
    struct imap_sort_criterion criteria[IMAP_SORT_KEYS];
    uint32_t count; /* at least 1 */
};

/* SORT and UID SORT. */
imap_args_parser imap_sort_parse;

#endif
