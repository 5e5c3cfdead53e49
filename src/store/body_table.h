/* Where each body of the account stands in the log, and how many messages are it.
 *
 * A body without a message left is dead but stays in the table until nobody's view can ask for it.
 */
#ifndef ROOST_STORE_BODY_TABLE_H
#define ROOST_STORE_BODY_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/record.h"
#include "store/types.h"

struct body_entry {
    struct body_id id;
    struct place place; /* of its BODY record */
    uint64_t size; /* bytes */
    uint64_t died; /* change number that took the last message; 0: none has */
    uint32_t messages; /* living references */
};

struct body_table {
    struct body_entry *entries; /* by id; borrowed pointers into it last until the next change */
    size_t count;
    size_t capacity;
    size_t dead;
    uint64_t living_bytes; /* of bodies with messages, each counted once */
    uint64_t died_bytes; /* of bodies that had messages once and have none, those forgotten too */
    bool unsettled; /* body_table_collect has been called since body_table_settle */
};

void body_table_done(struct body_table *table);

/* NULL when there is none. */
struct body_entry *body_table_find(const struct body_table *table, struct body_id id);

/* Adds a body without messages; NULL when the id is there already. */
struct body_entry *body_table_add(struct body_table *table, struct body_id id, struct place place,
                                  uint64_t size);

/* For loading many in any order, the same one several times: adds so many messages to a body. Until
 * body_table_settle nothing else works. */
void body_table_collect(struct body_table *table, struct body_id id, struct place place,
                        uint64_t size, uint32_t messages);
void body_table_settle(struct body_table *table);

void body_table_reference(struct body_table *table, struct body_entry *entry);
void body_table_unreference(struct body_table *table, struct body_entry *entry, uint64_t change);

/* The body stands at `to` now, unless it is not known, or not at `from`. */
void body_table_move(struct body_table *table, struct body_id id, struct place from,
                     struct place to);

/* Forgets the bodies that died with a change up to `change`, and answers true; does nothing unless
 * many are dead. */
bool body_table_purge(struct body_table *table, uint64_t change);

#endif
