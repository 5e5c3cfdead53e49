/* Changes for the tests of the log: one with a number and some bytes, one that puts a message. */
#ifndef ROOST_TEST_KIT_LOG_CHANGES_H
#define ROOST_TEST_KIT_LOG_CHANGES_H

#include "kit/log_bench.h"
#include "store/packed_body.h"

/* A change that says nothing but its number; `filler` bytes make it longer. */
static inline enum err bench_change(struct log_bench *bench, uint64_t number, size_t filler,
                                    bool gated)
{
    struct origin origin = { PROTOCOL_IMAP, 1, BYTES("anne"), bench->options.now };
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

/* Adds a body in the form that the log wants. */
static inline enum err bench_add_body(struct log_bench *bench, struct body_id id, struct wall when,
                                      struct bytes body, struct place *out_place)
{
    struct buf packed = buf_make(2 * body.len + PACKED_FRAME_BYTES_MAX);
    struct record_stored stored = { RECORD_RAW, body };
    enum err err;

    if (log_pack(bench->log, body, &packed))
        stored = (struct record_stored){ RECORD_ZSTD, buf_bytes(&packed) };
    err = log_add_stored(bench->log, id, when, &stored, out_place);
    buf_done(&packed);
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
        err = bench_add_body(bench, (struct body_id){ number }, origin.now, buf_bytes(&body),
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

#endif
