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

/* A change that says nothing but its number; `filler` bytes make it longer. */
static inline enum err bench_change(struct log_bench *bench, uint64_t number, size_t filler,
                                    bool gated)
{
    struct origin origin = { PROTOCOL_IMAP, 1, BYTES("anne"), { 1700000000000000 } };
    struct buf ops = buf_make(1 << 20);
    struct log_record record;
    enum err err = log_batch(bench->log);

    buf_put_u8(&ops, OP_IGNORABLE);
    buf_put_u32(&ops, (uint32_t)filler);
    for (size_t i = 0; i < filler; i++)
        buf_put_u8(&ops, (uint8_t)(number + i));
    if (err == ERR_OK)
        err = log_add_change(bench->log, &origin, (struct modseq){ number }, buf_bytes(&ops),
                             &record);
    if (err == ERR_OK)
        err = log_append(bench->log, gated);
    buf_done(&ops);
    return err;
}

/* A change that puts one message, its body in the same batch. The body's bytes all are `number`. */
static inline enum err bench_put(struct log_bench *bench, uint64_t number, size_t len,
                                 struct place *out_place)
{
    struct origin origin = { PROTOCOL_LMTP, 1, BYTES(""), { 1700000000000000 } };
    struct op op = { OP_PUT,
                     { .put = { .mailbox = { 1 },
                                .uid = { (uint32_t)number },
                                .body = { number },
                                .size = len,
                                .thread = { number } } } };
    struct buf ops = buf_make(1 << 16);
    struct buf body = buf_make(1 << 22);
    struct log_record record;
    enum err err = log_batch(bench->log);

    memset(buf_reserve(&body, len), (int)number, len);
    buf_commit(&body, len);
    if (err == ERR_OK)
        err = log_add_body(bench->log, (struct body_id){ number }, origin.now, buf_bytes(&body),
                           out_place);
    if (err == ERR_OK) {
        op.as.put.body_back = log_body_back(bench->log, *out_place);
        op_encode(&ops, &op);
        err = log_add_change(bench->log, &origin, (struct modseq){ number }, buf_bytes(&ops),
                             &record);
    }
    if (err == ERR_OK)
        err = log_append(bench->log, true);
    buf_done(&ops);
    buf_done(&body);
    return err;
}

/* Opens, writes the epoch when one is asked for, settles. */
static inline void bench_start(struct log_bench *bench, uint64_t epoch_number)
{
    assert_int_equal(bench_open(bench), ERR_OK);
    if (bench->report.epoch_reasons != 0)
        assert_int_equal(bench_change(bench, epoch_number, 0, true), ERR_OK);
    assert_int_equal(log_settle(bench->log, &bench->why), ERR_OK);
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
