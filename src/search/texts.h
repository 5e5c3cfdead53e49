/* Header fields as searches compare them, kept in memory: who has looked for a sender or a subject
 * once need not read every summary again.
 *
 * A page holds the texts of one field of bodies whose ids lie side by side, packed one behind the
 * other, so that one pass finds a key in all of them. A text is all values of the field in a
 * message, decoded and folded (message/text.h), a NUL behind each; no value: no bytes. A body never
 * changes, so nothing here grows old; pages used least recently go when the memory is used up. One
 * for each thread, for all of its accounts. */
#ifndef ROOST_SEARCH_TEXTS_H
#define ROOST_SEARCH_TEXTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "store/types.h"

enum {
    SEARCH_PAGE_BODIES = 1024, /* ids of one page */
    SEARCH_TEXT_BYTES_MAX = 1024, /* of one message: a longer one is not kept */
    SEARCH_FIELD_BYTES_MAX = 64, /* nor are fields with longer names */
};

struct search_texts;
struct search_page;

struct search_texts *search_texts_new(size_t bytes_max);
void search_texts_free(struct search_texts *texts); /* NULL is allowed */

/* Bytes in use, at most bytes_max. */
size_t search_texts_bytes(const struct search_texts *texts);

/* Drops what it has of an account: when that closes. NULL is allowed. */
void search_texts_forget(struct search_texts *texts, const struct account_id *account);

/* Stands for a name where the text is the local day of the Date field: 8 bytes, little-endian, days
 * since 1970 in two's complement, or none when there is no such date. No field has a blank in its
 * name. */
#define SEARCH_SENT_DAY BYTES("sent day")

/* Which texts. The name counts without its case. */
struct search_field {
    struct account_id account;
    struct bytes name;
};

/* The page that texts of that body are in; NULL: there is none yet. Valid until texts are added. */
const struct search_page *search_texts_page(struct search_texts *texts,
                                            const struct search_field *field, struct body_id body);

/* Adds the text of a body, unless it is there or too long. */
void search_texts_add(struct search_texts *texts, const struct search_field *field,
                      struct body_id body, struct bytes text);

/* The text of a body of the page; false when it is not known. */
MUST_USE bool search_page_text(const struct search_page *page, struct body_id body,
                               struct bytes *out_text);

/* Looks for `key`, which is not empty and holds no NUL, in all texts of the page: bit n of `hits`
 * is body n of its ids. */
void search_page_find(const struct search_page *page, struct bytes key,
                      uint64_t hits[SEARCH_PAGE_BODIES / 64]);

/* Of an id: the number of its page, and its place there. */
static inline uint64_t search_page_of(uint64_t body)
{
    return body / SEARCH_PAGE_BODIES;
}

static inline uint32_t search_page_place(uint64_t body)
{
    return (uint32_t)(body % SEARCH_PAGE_BODIES);
}

#endif
