/* What the answers to an operation of a workload must be. */
#ifndef ROOST_BENCH_LOAD_WANTS_H
#define ROOST_BENCH_LOAD_WANTS_H

#include "load/check.h"
#include "load/workloads.h"

struct run_options;

/* Hits in the mailbox, once they were counted. */
struct wants {
    struct {
        bool is_known;
        uint64_t count;
        uint64_t sum;
    } hits[MAIL_PLANTS];
};

/* `message` is the one that %o stands for. Without the bytes of messages, which are the caller's
 * to give. */
struct check_want wants_of(struct wants *wants, const struct run_options *options,
                           const struct workload *workload, uint64_t message);

/* Messages of a page. */
uint64_t wants_page(const struct run_options *options);

#endif
