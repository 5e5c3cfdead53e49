/* What SORT and THREAD compare of messages (RFC 5256 sections 2 and 3, RFC 5957), body by body: out
 * of the summary the first time, out of memory (search/texts.h) afterwards.
 *
 * All of it is header: a body never changes, and with it none of this does. */
#ifndef ROOST_SEARCH_VALUES_H
#define ROOST_SEARCH_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/num.h"
#include "search/scan.h"
#include "store/types.h"

/* Strings are folded by i;unicode-casemap: their octets are their order. None has more than
 * SUMMARY_KEY_BYTES_MAX. */
enum search_value {
    SEARCH_VALUE_SENT, /* for search_value_sent */
    SEARCH_VALUE_SUBJECT, /* for search_value_subject and search_value_is_reply */
    SEARCH_VALUE_FROM, /* the mailbox of the first address */
    SEARCH_VALUE_TO,
    SEARCH_VALUE_CC,
    SEARCH_VALUE_DISPLAY_FROM, /* as RFC 5957 section 3 has it */
    SEARCH_VALUE_DISPLAY_TO,
    SEARCH_VALUE_IDS, /* for search_value_id */
    SEARCH_VALUES,
};

struct search_page;
struct search_texts;

/* A walk over messages; quickest when their bodies lie side by side. Zeroed but for the first. */
struct search_values {
    uint32_t wanted; /* bit n: enum search_value n */
    struct search_texts *texts; /* NULL: nothing is kept */
    struct account_id account; /* whose messages these are, for `texts` and for hashes */
    struct search_source source; /* of summaries */

    bool has_pages; /* `pages` are those of `page_number` */
    uint64_t page_number;
    const struct search_page *pages[SEARCH_VALUES];
    struct buf made; /* what is put together of a summary */
};

/* SEARCH_BYTES_STEP more may be read. Begins every step: pages do not outlive one. */
void search_values_begin_step(struct search_values *values);

/* The wanted values of a message, valid until the next call with `values` or with the account; the
 * others are empty. ERR_BUSY, ERR_LIMIT (the step is used up): begin another and call again. Other
 * errors: it cannot be read, and all are empty: what a message without any header has. */
MUST_USE enum err search_values_get(struct search_values *values, struct body_id body,
                                    struct bytes out_values[SEARCH_VALUES]);

void search_values_done(struct search_values *values);

/* The sent date in seconds since 1970, UTC; INTERNALDATE when there is none that can be read (RFC
 * 5256 section 2.2). */
static inline int64_t search_value_sent(struct bytes value, int64_t internal_seconds)
{
    return value.len < 8 ? internal_seconds : (int64_t)num_load_u64(value.at);
}

/* Stands for a text of the account's: a hash under its id (store/thread_table.h), never 0. */
uint64_t search_values_hash(const struct search_values *values, struct bytes text);

/* The base subject (RFC 5256 section 2.1), and whether it was cut out of a reply or forward. */
static inline struct bytes search_value_subject(struct bytes value)
{
    return bytes_from(value, 1);
}

static inline bool search_value_is_reply(struct bytes value)
{
    return value.len > 0 && value.at[0] != 0;
}

/* Hashes of identifiers (search_values_hash). Number 0 is the message's own: 0 when that is
 * missing. From 1 on they are its references, oldest first (RFC 5256 section 3, REFERENCES). At
 * least 1. */
static inline uint32_t search_value_id_count(struct bytes value)
{
    return value.len < 8 ? 1 : (uint32_t)(value.len / 8);
}

static inline uint64_t search_value_id(struct bytes value, uint32_t number)
{
    return value.len < 8 ? 0 : num_load_u64(value.at + (size_t)8 * number);
}

#endif
