/* What STORE does to one row, for tests of what lies below acts. */
#ifndef ROOST_TEST_KIT_ROW_FLAGS_H
#define ROOST_TEST_KIT_ROW_FLAGS_H

#include "store/rows.h"

/* Flags, keywords and MODSEQ of row `at` become those of `row`. */
static inline void row_flags_set(struct block **slot, uint32_t at, const struct row *row)
{
    const uint16_t place = (uint16_t)at;

    block_mask(slot, COLUMN_FLAGS, (struct block_mask){ .set = row->flags }, &place, 1);
    block_mask(slot, COLUMN_KEYWORDS_LOW, (struct block_mask){ .set = row->keywords.word[0] },
               &place, 1);
    block_mask(slot, COLUMN_KEYWORDS_HIGH, (struct block_mask){ .set = row->keywords.word[1] },
               &place, 1);
    block_mask(slot, COLUMN_MODSEQ, (struct block_mask){ .set = row->modseq.value }, &place, 1);
}

/* The same of the row with that UID, which is there. */
static inline void rows_flags_set(struct rows *rows, uint32_t uid, const struct row *row)
{
    struct rows_place place = rows_find(rows, uid);

    row_flags_set(&rows->blocks[place.block], place.at, row);
}

#endif
