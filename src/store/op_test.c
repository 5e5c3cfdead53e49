/* Ops: each kind comes back as it was given, and no bytes make nonsense of it. */
#include "store/op.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct place change_place = { .segment = 8, .offset = 100000 };
static const struct uid_range ranges[] = { { 1, 1 }, { 3, 900 }, { 902, UINT32_MAX } };
static const struct uid_range few[] = { { 5, 7 } };
static struct bytes keywords[2];
static struct row rows[2];
static const struct place places[2] = { { 4, 9 }, { 5, 128 } };

static struct op_flag_names flag_names(void)
{
    return (struct op_flag_names){ FLAG_SEEN | FLAG_DRAFT, { .list = keywords, .count = 2 } };
}

static const uint64_t dropped[] = { 4, INT64_MAX, 9 };

/* The ops of CHANGEs, one of each kind. */
static size_t sample_changes(struct op *ops)
{
    size_t count = 0;
    struct op_uids all = { .set = { ranges, 3 } };
    struct op_uids some = { .set = { few, 1 } };

    ops[count++] = (struct op){ OP_ACCOUNT, { .account = { "0123456789abcde" } } };
    ops[count++] = (struct op){ OP_MAILBOX_CREATE,
                                { .mailbox = { { 2 }, 1700000000, USE_SENT, BYTES("Sent") } } };
    ops[count++] = (struct op){ OP_MAILBOX_RENAME, { .mailbox = { { 2 }, 0, 0, BYTES("Out") } } };
    ops[count++] = (struct op){ OP_MAILBOX_DELETE, { .mailbox = { .id = { 2 } } } };
    ops[count++] = (struct op){ OP_MAILBOX_USES, { .mailbox = { .id = { 2 }, .uses = 64 } } };
    ops[count++] = (struct op){ OP_PUT,
                                { .put = { .mailbox = { 1 },
                                           .uid = { 12 },
                                           .body = { 77 },
                                           .body_back = 480,
                                           .size = 400,
                                           .flags = flag_names(),
                                           .internal_date = { 1700000000, 120 },
                                           .save_date = 1700000001,
                                           .thread = { 70 } } } };
    ops[count++] = (struct op){ OP_PUT,
                                { .put = { .mailbox = { 1 },
                                           .uid = { 13 },
                                           .body = { 78 },
                                           .place = { 9, 4096 },
                                           .size = 1 << 20,
                                           .thread = { 78 } } } };
    ops[count++] = (struct op){ OP_FLAGS, { .flags = { { 1 }, 3, 2, flag_names(), all } } };
    ops[count++] = (struct op){ OP_COPY, { .copy = { { 1 }, { 2 }, { 50 }, 1700000000, some } } };
    ops[count++] = (struct op){ OP_MOVE, { .copy = { { 1 }, { 1 }, { 53 }, -5, some } } };
    ops[count++] = (struct op){ OP_EXPUNGE, { .expunge = { { 1 }, all } } };
    ops[count++] = (struct op){ OP_RECENT, { .recent = { { 1 }, 14 } } };
    ops[count++] = (struct op){ OP_THREAD, { .thread = { { 70 }, 2, { 1, UINT64_MAX } } } };
    ops[count++] = (struct op){ OP_SUBSCRIBE, { .setting = { .on = true, .name = BYTES("A/b") } } };
    ops[count++] =
        (struct op){ OP_METADATA,
                     { .setting = { { 0 }, 1, true, BYTES("/private/x"), BYTES("v"), 0 } } };
    ops[count++] = (struct op){
        OP_ACL, { .setting = { .mailbox = { 3 }, .name = BYTES("anne"), .value = BYTES("lrs") } }
    };
    ops[count++] =
        (struct op){ OP_QUOTA,
                     { .setting = { .on = true, .name = BYTES("STORAGE"), .limit = 1000 } } };
    ops[count++] = (struct op){ OP_OWNER, { .setting = { .owner = 3, .name = BYTES("anne") } } };
    ops[count++] = (struct op){ OP_EPOCH, { .epoch = { EPOCH_COPIED, 1000, 10, 100000, 5 } } };
    ops[count++] = (struct op){ OP_BODY_PLACE, { .body_place = { { 77 }, { 13, 128 } } } };
    return count;
}

/* The ops of bases. */
static size_t sample_bases(struct op *ops)
{
    size_t count = 0;
    struct op_uids all = { .set = { ranges, 3 } };

    ops[count++] = (struct op){ OP_BASE_STATE,
                                { .base_state = { { "0123456789abcde" },
                                                  123456,
                                                  { 9 },
                                                  { 3 },
                                                  1700000000,
                                                  12,
                                                  80,
                                                  { -5 },
                                                  100,
                                                  true } } };
    ops[count++] = (struct op){ OP_BASE_MAILBOX,
                                { .base_mailbox = { { 1 },
                                                    1700000000,
                                                    15,
                                                    1,
                                                    14,
                                                    { 9 },
                                                    { 2 },
                                                    BYTES("INBOX"),
                                                    { .list = keywords, .count = 2 } } } };
    ops[count++] =
        (struct op){ OP_BASE_ROWS, { .base_rows = { { 1 }, rows, places, .count = 2 } } };
    ops[count++] = (struct op){ OP_BASE_VANISHED, { .base_vanished = { { 1 }, { 8 }, all } } };
    ops[count++] = (struct op){ OP_BASE_BODY, { .base_body = { { 90 }, { 14, 8192 }, 1 << 20 } } };
    ops[count++] =
        (struct op){ OP_BASE_DROP, { .base_drop = { { -1 }, { .list = dropped, .count = 3 } } } };
    ops[count++] = (struct op){ OP_BASE_DROP, { .base_drop = { { 1700000000 }, { 0 } } } };
    ops[count++] = (struct op){ OP_BASE_END, { .base_end = 5 } };
    return count;
}

/* One op of every kind. */
static size_t sample_ops(struct op *ops)
{
    size_t count;

    keywords[0] = BYTES("$Forwarded");
    keywords[1] = BYTES("Work");
    rows[0] = (struct row){ .uid = { 3 },
                            .flags = 1,
                            .keywords = { { 5, 1 } },
                            .modseq = { 9 },
                            .internal_date = { -1, -1439 },
                            .save_date = 77,
                            .size = 10,
                            .body = { 4 },
                            .thread = { 4 } };
    rows[1] = (struct row){ .uid = { UINT32_MAX },
                            .modseq = { INT64_MAX },
                            .internal_date = { INT64_MAX, 1439 },
                            .save_date = INT64_MIN,
                            .size = 1,
                            .body = { 5 },
                            .thread = { 4 } };
    count = sample_changes(ops);
    return count + sample_bases(ops + count);
}

enum { SAMPLES_MAX = 40 };

/* Encoding what was decoded gives the same bytes: nothing was lost on the way. */
static void every_op_comes_back(void **state)
{
    struct op ops[SAMPLES_MAX];
    size_t count = sample_ops(ops);

    for (size_t i = 0; i < count; i++) {
        struct buf once = buf_make(1 << 20);
        struct buf again = buf_make(1 << 20);
        struct op_walk walk;
        struct op out;

        op_encode(&once, &ops[i]);
        walk = (struct op_walk){ .ops = buf_bytes(&once), .change = change_place };
        assert_true(op_next(&walk, &out));
        assert_int_equal(out.code, ops[i].code);
        op_encode(&again, &out);
        assert_true(bytes_equal(buf_bytes(&once), buf_bytes(&again)));
        assert_false(op_next(&walk, &out));
        assert_false(walk.failed);
        buf_done(&once);
        buf_done(&again);
    }
}

static void fields_arrive_in_their_places(void **state)
{
    struct op ops[SAMPLES_MAX];
    struct buf buf = buf_make(1 << 20);
    struct op_walk walk;
    struct op out;
    struct op_row_walk row_walk = { .rows = &out.as.base_rows };
    struct op_name_walk name_walk = { .names = &out.as.put.flags.keywords };
    struct op_uid_walk uid_walk = { .uids = &out.as.flags.uids };
    struct bytes name;
    struct uid_range range;
    struct row row;
    struct place place;
    size_t count = sample_ops(ops);

    for (size_t i = 0; i < count; i++)
        op_encode(&buf, &ops[i]);
    walk = (struct op_walk){ .ops = buf_bytes(&buf), .change = change_place };
    while (op_next(&walk, &out) && out.code != OP_PUT)
        continue;
    assert_int_equal(out.as.put.place.segment, 8);
    assert_int_equal(out.as.put.place.offset, 100000 - 480);
    assert_int_equal(out.as.put.internal_date.zone, 120);
    assert_true(op_names_next(&name_walk, &name) && bytes_equal(name, keywords[0]));
    assert_true(op_names_next(&name_walk, &name) && bytes_equal(name, keywords[1]));
    assert_false(op_names_next(&name_walk, &name));
    assert_true(op_next(&walk, &out));
    assert_int_equal(out.as.put.place.offset, 4096);
    assert_true(op_next(&walk, &out));
    assert_int_equal(out.as.flags.owner, 3);
    assert_int_equal(out.as.flags.uids.total, UINT64_C(1) + 898 + UINT32_MAX - 901);
    for (size_t i = 0; i < 3; i++) {
        assert_true(op_uids_next(&uid_walk, &range));
        assert_int_equal(range.first, ranges[i].first);
        assert_int_equal(range.last, ranges[i].last);
    }
    assert_false(op_uids_next(&uid_walk, &range));
    while (op_next(&walk, &out) && out.code != OP_BASE_ROWS)
        continue;
    assert_true(op_rows_next(&row_walk, &row, &place));
    assert_int_equal(row.keywords.word[1], 1);
    assert_int_equal(row.internal_date.zone, -1439);
    assert_int_equal(place.offset, 9);
    assert_true(op_rows_next(&row_walk, &row, &place));
    assert_int_equal(row.uid.value, UINT32_MAX);
    assert_true(row.save_date == INT64_MIN);
    assert_false(op_rows_next(&row_walk, &row, &place));
    buf_done(&buf);
}

/* Fields that came later, here of one byte each: without them an op is as it was before. */
static bool is_older_form(enum op_code code, size_t missing)
{
    return (code == OP_EPOCH && missing == 1) || (code == OP_BASE_STATE && missing <= 3);
}

/* Cut anywhere within an op: the walk fails and nothing is read past the end. */
static void cut_ops_are_refused(void **state)
{
    struct op ops[SAMPLES_MAX];
    size_t count = sample_ops(ops);

    for (size_t i = 0; i < count; i++) {
        struct buf buf = buf_make(1 << 20);

        op_encode(&buf, &ops[i]);
        assert_true(op_check(buf_bytes(&buf), change_place));
        for (size_t len = 1; len < buf.len; len++)
            assert_false(op_check(bytes_slice(buf_bytes(&buf), 0, len), change_place));
        for (size_t len = 5; len < buf.len; len++) { /* the length says so, too */
            struct buf cut = buf_make(1 << 20);

            buf_put_u8(&cut, (uint8_t)ops[i].code);
            buf_put_u32(&cut, (uint32_t)(len - 5));
            buf_add(&cut, bytes_slice(buf_bytes(&buf), 5, len - 5));
            assert_int_equal(op_check(buf_bytes(&cut), change_place),
                             is_older_form(ops[i].code, buf.len - len));
            buf_done(&cut);
        }
        buf_done(&buf);
    }
}

static void nonsense_is_refused(void **state)
{
    static const struct {
        const char *what;
        struct bytes ops;
        bool good;
    } cases[] = {
        { "nothing", { (const uint8_t *)"", 0 }, true },
        { "unknown op", { (const uint8_t *)"\x7f\0\0\0\0", 5 }, false },
        { "unknown op to be skipped", { (const uint8_t *)"\x80\1\0\0\0x", 6 }, true },
        { "mailbox 0", { (const uint8_t *)"\4\1\0\0\0\0", 6 }, false },
        { "mailbox 1", { (const uint8_t *)"\4\1\0\0\0\1", 6 }, true },
        { "grown at its end", { (const uint8_t *)"\4\2\0\0\0\1x", 7 }, true },
        { "no UIDs", { (const uint8_t *)"\x14\2\0\0\0\1\0", 7 }, false },
        { "UID 0", { (const uint8_t *)"\x14\4\0\0\0\1\1\0\0", 9 }, false },
        { "touching ranges", { (const uint8_t *)"\x14\6\0\0\0\1\2\1\0\1\0", 11 }, false },
        { "ranges apart", { (const uint8_t *)"\x14\6\0\0\0\1\2\1\0\2\0", 11 }, true },
        { "past the last UID",
          { (const uint8_t *)"\x14\x08\0\0\0\1\1\x02\xff\xff\xff\xff\x0f", 13 },
          false },
        { "up to the last UID",
          { (const uint8_t *)"\x14\x08\0\0\0\1\1\x01\xfe\xff\xff\xff\x0f", 13 },
          true },
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        if (op_check(cases[i].ops, change_place) != cases[i].good)
            fail_msg("%s", cases[i].what);
    }
}

/* A body that would stand before the start of the segment. */
static void body_back_stays_in_the_segment(void **state)
{
    struct op op = { OP_PUT,
                     { .put = { .mailbox = { 1 },
                                .uid = { 1 },
                                .body = { 1 },
                                .body_back = 480,
                                .thread = { 1 } } } };
    struct buf buf = buf_make(1000);

    op_encode(&buf, &op);
    assert_true(op_check(buf_bytes(&buf), (struct place){ 8, 480 }));
    assert_false(op_check(buf_bytes(&buf), (struct place){ 8, 479 }));
    buf_done(&buf);
}

static void origin_comes_back(void **state)
{
    struct origin origin = { PROTOCOL_IMAP, UINT64_MAX, BYTES("anne"), { 5 } };
    struct origin out = { .now = { 6 } };
    struct buf buf = buf_make(1000);
    struct bytes ops;

    op_origin_encode(&buf, &origin);
    buf_add_string(&buf, "ops");
    assert_true(op_origin_decode(buf_bytes(&buf), &out, &ops));
    assert_int_equal(out.protocol, PROTOCOL_IMAP);
    assert_true(out.session == UINT64_MAX && out.now.us == 6);
    assert_true(bytes_equal(out.actor, origin.actor) && bytes_equal(ops, BYTES("ops")));
    assert_false(op_origin_decode(bytes_slice(buf_bytes(&buf), 0, 14), &out, &ops));
    buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_op_comes_back),
        cmocka_unit_test(fields_arrive_in_their_places),
        cmocka_unit_test(cut_ops_are_refused),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(body_back_stays_in_the_segment),
        cmocka_unit_test(origin_comes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
