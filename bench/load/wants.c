/* From the table's words to numbers. */
#include "load/wants.h"

#include <string.h>

#include "load/run.h"

uint64_t wants_page(const struct run_options *options)
{
    return options->messages < WORKLOAD_PAGE ? options->messages : WORKLOAD_PAGE;
}

static void want_hits(struct wants *wants, const struct run_options *options, enum mail_plant plant,
                      struct check_want *want)
{
    if (!wants->hits[plant].is_known) {
        wants->hits[plant].is_known = true;
        wants->hits[plant].count =
            mail_planted_count(&options->plan, plant, options->messages, &wants->hits[plant].sum);
    }
    want->count = wants->hits[plant].count;
    want->sum = wants->hits[plant].sum;
}

static uint64_t sum_to(uint64_t count)
{
    return count * (count + 1) / 2;
}

struct check_want wants_of(struct wants *wants, const struct run_options *options,
                           const struct workload *workload, uint64_t message)
{
    struct check_want want = { .word = workload->word,
                               .holds = workload->holds,
                               .ok_holds = workload->ok_holds,
                               .own_id = workload->own_id,
                               .by_date = workload->by_date,
                               .is_shared = workload->is_shared };
    bool is_numbered = workload->word != NULL && strcmp(workload->word, "EXISTS") != 0 &&
                       strcmp(workload->word, "EXPUNGE") != 0;

    switch (workload->amount) {
    case AMOUNT_NONE: break;
    case AMOUNT_ONE:
        want.count = 1;
        want.message = message;
        break;
    case AMOUNT_PAGE: want.count = wants_page(options); break;
    case AMOUNT_BLOCK:
        want.count = options->block;
        want.sum = is_numbered ? sum_to(want.count) : 0;
        break;
    case AMOUNT_ALL:
        want.count = options->messages;
        want.sum = is_numbered ? sum_to(want.count) : 0;
        break;
    case AMOUNT_HITS: want_hits(wants, options, workload->plant, &want); break;
    }
    if (workload->by_thread)
        want.groups = want.count - want.count / MAIL_ANSWER_EVERY;
    return want;
}
