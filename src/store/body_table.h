/* Where each body of the account stands in the log, and how many messages are it.
 *
 * Kept as pages of packed columns, ascending by id: about ten bytes a body. Pages are shared with a
 * checkpoint in the making and copied when they change meanwhile; as with blocks of rows, appending
 * behind the count that the other holder knows is not a change.
 *
 * A body without a message left is dead but stays in the table until nobody's view can ask for it.
 */
#ifndef ROOST_STORE_BODY_TABLE_H
#define ROOST_STORE_BODY_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "store/column.h"
#include "store/record.h"
#include "store/types.h"

struct body_entry {
    struct body_id id;
    struct place place; /* of its BODY record */
    uint64_t size; /* bytes */
    uint64_t died; /* change number that took the last message, 0: none has; nothing while living */
    uint64_t messages; /* living references */
};

enum body_field { /* the order is that on the disk */
                  BODY_ID,
                  BODY_SEGMENT,
                  BODY_OFFSET,
                  BODY_SIZE,
                  BODY_DIED,
                  BODY_MESSAGES,
                  BODY_FIELDS,
};

enum { BODY_PAGE_ENTRIES = COLUMN_VALUES_MAX };

struct body_page {
    uint32_t references;
    uint32_t count;
    uint32_t dead; /* of them */
    struct column fields[BODY_FIELDS];
};

struct body_place {
    uint64_t first; /* id of the page's first entry */
    struct body_page *page;
};

struct body_table {
    struct body_place *pages; /* ascending; none is empty */
    size_t page_count;
    size_t capacity;
    size_t count; /* entries */
    size_t dead; /* of them */
    uint64_t living_bytes; /* of bodies with messages, each counted once */
    uint64_t died_bytes; /* of bodies that had messages once and have none, those forgotten too */
    uint64_t purging; /* where a purge goes on: an id; 0: none is under way */
    uint64_t purged; /* all that died up to this change is gone */
    struct body_entry *collected; /* since body_table_settle */
    size_t collected_count;
    size_t collected_capacity;
};

void body_table_done(struct body_table *table);

/* False when there is none. */
bool body_table_find(const struct body_table *table, struct body_id id,
                     struct body_entry *out_entry);

/* The first with an id above `id`; false at the end. */
bool body_table_next(const struct body_table *table, struct body_id id,
                     struct body_entry *out_entry);

/* Adds a body with one message; false when the id is there already. */
bool body_table_add(struct body_table *table, struct body_id id, struct place place, uint64_t size);

/* Adds bodies that have no message yet, ascending by id; those that are there are passed over.
 * Between others this costs one rewrite of a page for all that go into it. Deals with those, from
 * the first of `count` (at least 1) on, that go into one page, and answers how many they are. */
size_t body_table_add_some(struct body_table *table, const struct body_entry *entries,
                           size_t count);

/* For loading many in any order, the same one several times: adds so many messages to a body. Until
 * body_table_settle nothing else works. */
void body_table_collect(struct body_table *table, struct body_id id, struct place place,
                        uint64_t size, uint32_t messages);
void body_table_settle(struct body_table *table);

/* One message more or less for each; an id that is not there is passed over. Ids that ascend are
 * dealt with page by page. */
void body_table_reference(struct body_table *table, const uint64_t *ids, uint32_t count);
void body_table_unreference(struct body_table *table, const uint64_t *ids, uint32_t count,
                            uint64_t change);

/* The body stands at `to` now, unless it is not known, or not at `from`. */
void body_table_move(struct body_table *table, struct body_id id, struct place from,
                     struct place to);

/* Forgets bodies that died with a change up to `change`, a bounded number a call; does nothing
 * unless many are dead. True when there is more to do. */
bool body_table_purge(struct body_table *table, uint64_t change);

static inline struct body_page *body_page_hold(struct body_page *page)
{
    page->references++;
    return page;
}

void body_page_release(struct body_page *page); /* NULL is allowed */

/* Its first `count` entries as stored (docs/format.md, "Checkpoint"), and back: NULL when they are
 * not what a page can be. */
void body_page_encode(struct buf *buf, const struct body_page *page, uint32_t count);
struct body_page *body_page_decode(struct reader *reader, uint32_t count);

/* Takes over a page, whose ids must be above all others: else false, and it is not taken. */
MUST_USE bool body_table_add_page(struct body_table *table, struct body_page *page);

/* The number of messages of all bodies together. */
uint64_t body_table_messages(const struct body_table *table);

#endif
