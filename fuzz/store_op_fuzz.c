/* Ops: whatever decodes encodes to something that decodes, and its lists hold what they say. */
#include <assert.h>

#include "store/op.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk_uids(const struct op_uids *uids)
{
    struct op_uid_walk walk = { .uids = uids };
    struct uid_range range;
    uint64_t total = 0;

    while (op_uids_next(&walk, &range))
        total += range.last - range.first + UINT64_C(1);
    assert(total == uids->total);
}

static void walk_rows(const struct op_rows *rows)
{
    struct op_row_walk walk = { .rows = rows };
    struct place place;
    struct row row;
    uint32_t count = 0;

    while (op_rows_next(&walk, &row, &place))
        count++;
    assert(count == rows->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct op_walk walk = { .ops = bytes_make(data, size), .change = { 4, 100000 } };
    struct op op;

    while (op_next(&walk, &op)) {
        struct buf again = buf_make(1 << 24);

        if (op.code == OP_EXPUNGE)
            walk_uids(&op.as.expunge.uids);
        if (op.code == OP_BASE_ROWS)
            walk_rows(&op.as.base_rows);
        op_encode(&again, &op);
        assert(again.overflowed || op_check(buf_bytes(&again), walk.change));
        buf_done(&again);
    }
    assert(op_check(bytes_make(data, size), walk.change) == !walk.failed);
    return 0;
}
