/* What the tests of the log share: a log over a test disk, changes with a number and some bytes,
 * and the list of those that replay gave. Not part of the product. */
#ifndef ROOST_TEST_KIT_LOG_BENCH_H
#define ROOST_TEST_KIT_LOG_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kit/jobs.h"
#include "kit/mem_vfs.h"
#include "store/log.h"
#include "store/log_body.h"
#include "store/op.h"

enum { SEEN_MAX = 1000 };

struct log_bench {
    struct log_listener listener;
    struct jobs jobs;
    struct log *log;
    struct log_report report;
    struct note why;
    struct log_options options;
    uint64_t seen[SEEN_MAX]; /* change numbers, in order */
    struct place bodies[SEEN_MAX];
    unsigned seen_count;
    unsigned durable_calls;
    unsigned failed_calls;
};

static inline void bench_durable(struct log_listener *listener)
{
    CONTAINER_OF(listener, struct log_bench, listener)->durable_calls++;
}

static inline void bench_failed(struct log_listener *listener, const struct note *why)
{
    CONTAINER_OF(listener, struct log_bench, listener)->failed_calls++;
}

static inline enum err bench_replay(void *context, const struct log_record *record)
{
    struct log_bench *bench = context;
    struct origin origin;
    struct bytes ops = record->payload;
    struct op_walk walk;
    struct op op;

    assert_true(bench->seen_count < SEEN_MAX);
    if (record->type == RECORD_CHANGE)
        assert_true(op_origin_decode(record->payload, &origin, &ops));
    walk = (struct op_walk){ .ops = ops, .change = record->place };
    while (op_next(&walk, &op)) {
        if (op.code == OP_PUT)
            bench->bodies[bench->seen_count] = op.as.put.place;
    }
    bench->seen[bench->seen_count++] = record->number.value;
    return ERR_OK;
}

static inline void bench_init(struct log_bench *bench, struct vfs *vfs)
{
    memset(bench, 0, sizeof(*bench));
    jobs_init(&bench->jobs);
    bench->listener = (struct log_listener){ bench_durable, bench_failed };
    bench->options = (struct log_options){
        .vfs = vfs,
        .executor = &bench->jobs.executor,
        .create = true,
        .replay = bench_replay,
        .context = bench,
        .now = { 1700000000000000 },
    };
}

static inline enum err bench_open(struct log_bench *bench)
{
    enum err err;

    bench->seen_count = 0;
    memset(&bench->report, 0, sizeof(bench->report));
    err = log_open(&bench->options, &bench->log, &bench->report, &bench->why);
    if (err == ERR_OK)
        log_set_listener(bench->log, &bench->listener);
    return err;
}

static inline void bench_close(struct log_bench *bench)
{
    jobs_settle(&bench->jobs);
    log_close(bench->log, bench->options.now);
    bench->log = NULL;
}

static inline bool bench_saw(const struct log_bench *bench, uint64_t number)
{
    for (unsigned i = 0; i < bench->seen_count; i++) {
        if (bench->seen[i] == number)
            return true;
    }
    return false;
}

#endif
