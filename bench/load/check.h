/* Holds the answers of one command against what they must be: how many, of which messages, with
 * which bytes, and the tagged OK. A figure with an error in it is no figure. */
#ifndef ROOST_BENCH_LOAD_CHECK_H
#define ROOST_BENCH_LOAD_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "load/mail.h"

enum { CHECK_WHY_BYTES = 200 };

struct check_want {
    /* FETCH, EXPUNGE, EXISTS, SEARCH, SORT or THREAD is counted; NULL: nothing is. */
    const char *word;
    uint64_t count; /* of those answers; of EXISTS its number, else the numbers that it lists */
    uint64_t sum; /* of the sequence numbers; 0: not compared */
    uint64_t groups; /* of THREAD: threads */
    uint64_t message; /* its answers alone are counted; 0: those of all */
    const char *holds; /* stands in each counted answer; NULL: nothing */
    const char *ok_holds; /* stands in the tagged answer; NULL: nothing */
    bool is_shared; /* others are at work too: answers without `holds` are theirs, and more than
                       `count` is no error */
    bool by_date; /* the numbers are in the order of the Dates, then of themselves */
    bool own_id; /* each FETCH has the Message-ID of its message */
    const struct mail_sum *sums; /* each FETCH has the bytes of its message as a literal; or NULL */
    uint64_t sums_count; /* of messages that are no copies: mail_origin */
};

struct check {
    const struct mail_plan *plan; /* borrowed */
    struct check_want want;
    uint64_t count;
    uint64_t sum;
    uint64_t groups;
    uint64_t last; /* number that was listed; 0: none */
    uint64_t bytes; /* in literals that were compared */
    bool is_wrong;
    char why[CHECK_WHY_BYTES]; /* the first complaint, NUL-terminated */
};

/* Ready for the answers of a command. `plan` outlives it. */
void check_begin(struct check *check, const struct mail_plan *plan, struct check_want want);

/* One whole answer (answer.h). True when it was the one with `tag`: the command is over, and
 * is_wrong tells the verdict. */
bool check_answer(struct check *check, struct bytes answer, const char *tag);

#endif
