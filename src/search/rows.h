/* What rows alone tell of a SEARCH program, for all rows of a block at once: a bit a row. */
#ifndef ROOST_SEARCH_ROWS_H
#define ROOST_SEARCH_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "search/program.h"
#include "store/view.h"

enum { SEARCH_ROWS_MAX = VIEW_BLOCK_ROWS, SEARCH_ROWS_WORDS = SEARCH_ROWS_MAX / 64 };

/* Rows of one block. */
struct search_rows {
    struct view_run run;
    struct seqno first; /* the number of the first of them */
};

static inline uint32_t search_rows_count(const struct search_rows *rows)
{
    return rows->run.end - rows->run.at;
}

/* Which of the rows a key says yes to, bit i: row i of them, in as many words as that takes. False,
 * and `words` are not set, when it needs more than the row. Not for AND, OR and NOT. */
MUST_USE bool search_rows_key(const struct search_program *program, const struct search_key *key,
                              const struct search_rows *rows, uint64_t *words);

/* What SENTBEFORE, SENTON and SENTSINCE say of a text of SEARCH_SENT_DAY. */
bool search_rows_sent(const struct search_key *key, struct bytes text);

/* The whole program. A row that is in neither set cannot be told yet. */
struct search_verdict {
    uint64_t yes[SEARCH_ROWS_WORDS];
    uint64_t no[SEARCH_ROWS_WORDS];
};
void search_rows_judge(const struct search_program *program, const struct search_rows *rows,
                       struct search_verdict *out_verdict);

#endif
