/* Ops that do not fit the state: each costs what it names and nothing more. */
#include "store/apply.h"

#include "kit/assert_bytes.h"

struct scene {
    struct state state;
    struct buf ops;
    uint64_t number;
};

static void begin(struct scene *scene)
{
    state_init(&scene->state);
    scene->ops = buf_make(1 << 20);
    scene->number = 0;
}

static void done(struct scene *scene)
{
    state_done(&scene->state);
    buf_done(&scene->ops);
}

static void start_change(struct scene *scene)
{
    struct origin origin = { .protocol = PROTOCOL_IMAP };

    buf_clear(&scene->ops);
    op_origin_encode(&scene->ops, &origin);
}

static void add(struct scene *scene, struct op op)
{
    op_encode(&scene->ops, &op);
}

static bool commit(struct scene *scene)
{
    struct log_record record = { .type = RECORD_CHANGE,
                                 .place = { 4, 1 << 20 },
                                 .number = { ++scene->number },
                                 .payload = buf_bytes(&scene->ops) };

    return apply_record(&scene->state, &record);
}

static struct op make_mailbox(uint32_t id, const char *name)
{
    return (struct op){
        OP_MAILBOX_CREATE,
        { .mailbox = { .id = { id }, .uidvalidity = id * 10, .name = bytes_from_string(name) } }
    };
}

static struct op put(uint32_t mailbox, uint32_t uid, uint64_t body)
{
    return (struct op){ OP_PUT,
                        { .put = { .mailbox = { mailbox },
                                   .uid = { uid },
                                   .body = { body },
                                   .place = { 4, 128 },
                                   .size = 100,
                                   .thread = { body } } } };
}

static struct op with_uids(enum op_code code, uint32_t mailbox, const struct uid_range *range)
{
    struct op op = { .code = code };

    if (code == OP_EXPUNGE) {
        op.as.expunge = (struct op_expunge){ { mailbox }, { .set = { range, 1 } } };
    } else if (code == OP_FLAGS) {
        op.as.flags = (struct op_flags){ .mailbox = { mailbox },
                                         .mode = FLAGS_ADD,
                                         .flags = { .flags = FLAG_SEEN },
                                         .uids = { .set = { range, 1 } } };
    } else {
        op.as.copy = (struct op_copy){
            .from = { mailbox }, .to = { 2 }, .first = { 50 }, .uids = { .set = { range, 1 } }
        };
    }
    return op;
}

/* Two mailboxes, three messages in the first. */
static void fill(struct scene *scene)
{
    start_change(scene);
    add(scene, make_mailbox(1, "INBOX"));
    add(scene, make_mailbox(2, "Two"));
    for (uint32_t uid = 1; uid <= 3; uid++)
        add(scene, put(1, uid, uid));
    assert_true(commit(scene));
    assert_int_equal(scene->state.used_messages, 3);
    assert_int_equal(scene->state.mailbox_next, 3);
    assert_int_equal(scene->state.body_next, 4);
    assert_int_equal(scene->state.uidvalidity_last, 20);
}

static void test_what_does_not_fit_is_skipped(void **context)
{
    const struct uid_range everything = { 1, UINT32_MAX - 60 };
    const struct uid_range none = { 9, 12 };
    struct scene scene;

    (void)context;
    begin(&scene);
    fill(&scene);
    start_change(&scene);
    add(&scene, make_mailbox(1, "other"));
    add(&scene, put(1, 2, 11)); /* the UID was used */
    add(&scene, put(1, UINT32_MAX, 12));
    add(&scene, with_uids(OP_EXPUNGE, 9, &everything));
    add(&scene, with_uids(OP_EXPUNGE, 1, &none));
    add(&scene, with_uids(OP_FLAGS, 9, &everything));
    add(&scene, with_uids(OP_COPY, 9, &everything));
    add(&scene, (struct op){ OP_MAILBOX_DELETE, { .mailbox = { .id = { 9 } } } });
    add(&scene,
        (struct op){ OP_MAILBOX_RENAME, { .mailbox = { .id = { 2 }, .name = BYTES("INBOX") } } });
    add(&scene, (struct op){ OP_BODY_PLACE, { .body_place = { { 99 }, { 1, 1 } } } });
    add(&scene, (struct op){ OP_RECENT, { .recent = { { 9 }, 5 } } });
    assert_true(commit(&scene));
    assert_int_equal(scene.state.mailbox_count, 2);
    assert_int_equal(scene.state.used_messages, 3);
    assert_int_equal(scene.state.used_bytes, 300);
    assert_int_equal(scene.state.bodies.count, 3);
    assert_int_equal(scene.state.mailbox_next, 3);
    assert_int_equal(scene.state.body_next, 13);
    done(&scene);
}

/* Damage took a CREATE, a RENAME or a DELETE: the mail that came into the mailbox is there all the
 * same. */
static void test_mail_of_lost_mailboxes(void **context)
{
    const struct uid_range both = { 1, 2 };
    struct scene scene;
    struct op late = put(9, 7, 20);
    struct mailbox *lost;

    (void)context;
    begin(&scene);
    start_change(&scene);
    late.as.put.save_date = 5000;
    add(&scene, put(1, 1, 1));
    add(&scene, put(1, 2, 2));
    add(&scene, late);
    add(&scene, make_mailbox(4, "Recovered-2"));
    add(&scene, with_uids(OP_COPY, 1, &both));
    add(&scene, make_mailbox(11, "INBOX"));
    add(&scene, put(11, 1, 30));
    assert_true(commit(&scene));
    assert_int_equal(state_find(&scene.state, BYTES("INBOX"))->id.value, 1);
    assert_int_equal(state_find(&scene.state, BYTES("INBOX"))->rows.count, 2);
    lost = state_find(&scene.state, BYTES("Recovered-9"));
    assert_int_equal(lost->id.value, 9);
    assert_int_equal(lost->uidnext, 8);
    assert_int_equal(lost->uidvalidity, 5000); /* not below what it was */
    assert_true(lost->highest.value == scene.number && lost->rows.count == 1);
    assert_int_equal(state_find(&scene.state, BYTES("Recovered-2-2"))->rows.count, 2);
    assert_int_equal(state_find(&scene.state, BYTES("Recovered-11"))->rows.count, 1);
    assert_int_equal(scene.state.subscription_count, 3); /* those that were made up are seen */
    assert_int_equal(scene.state.mailbox_next, 12);
    done(&scene);
}

static struct op rows_op(uint32_t mailbox, const struct row *rows, uint32_t count)
{
    static const struct place places[2] = { { 14, 8192 }, { 14, 9000 } };

    return (struct op){ OP_BASE_ROWS,
                        { .base_rows = { { mailbox }, rows, places, { 0 }, count } } };
}

/* Of a base whose first records are lost: nothing that the rest names is given out again. */
static void test_rows_without_their_mailbox(void **context)
{
    const struct row rows[2] = {
        { .uid = { 5 }, .modseq = { 90 }, .save_date = 3000, .body = { 70 }, .thread = { 70 } },
        { .uid = { 8 }, .modseq = { 80 }, .body = { 60 }, .thread = { 60 } },
    };
    struct log_record record = { .type = RECORD_BASE, .place = { 6, 8192 } };
    struct op other = { OP_BASE_MAILBOX,
                        { .base_mailbox = { .id = { 9 },
                                            .uidvalidity = 4000,
                                            .uidnext = 1,
                                            .recent_floor = 1,
                                            .highest = { 95 },
                                            .name = BYTES("other") } } };
    struct scene scene;
    struct mailbox *lost;

    (void)context;
    begin(&scene);
    add(&scene, rows_op(3, rows, 1));
    add(&scene, rows_op(3, rows + 1, 1)); /* its next block */
    add(&scene, other);
    record.payload = buf_bytes(&scene.ops);
    assert_true(apply_record(&scene.state, &record));
    lost = state_find(&scene.state, BYTES("Recovered-3"));
    assert_non_null(lost);
    assert_int_equal(lost->rows.count, 2);
    assert_int_equal(lost->uidnext, 9);
    assert_int_equal(lost->uidvalidity, 3000);
    assert_int_equal(lost->highest.value, 90);
    assert_int_equal(scene.state.change.value, 95);
    assert_int_equal(scene.state.body_next, 71);
    assert_int_equal(scene.state.mailbox_next, 10);
    assert_int_equal(scene.state.uidvalidity_last, 4000);
    done(&scene);
}

static void test_copies_of_what_is_missing(void **context)
{
    const struct uid_range range = { 2, 6 };
    struct scene scene;
    struct row row;

    (void)context;
    begin(&scene);
    fill(&scene);
    start_change(&scene);
    add(&scene, with_uids(OP_MOVE, 1, &range));
    assert_true(commit(&scene));
    assert_true(rows_get(&state_find(&scene.state, BYTES("Two"))->rows, 51, &row));
    assert_int_equal(row.body.value, 3);
    assert_int_equal(state_find(&scene.state, BYTES("Two"))->uidnext, 55); /* there or not */
    assert_int_equal(state_find(&scene.state, BYTES("INBOX"))->rows.count, 1);
    assert_int_equal(scene.state.used_messages, 3);
    done(&scene);
}

static void test_all_or_nothing(void **context)
{
    struct scene scene;

    (void)context;
    begin(&scene);
    fill(&scene);
    start_change(&scene);
    add(&scene, make_mailbox(3, "three"));
    buf_put_u8(&scene.ops, OP_PUT); /* an op that is cut off */
    assert_false(commit(&scene));
    assert_null(state_find(&scene.state, BYTES("three")));
    assert_int_equal(scene.state.change.value, 1);
    buf_clear(&scene.ops);
    assert_false(commit(&scene));
    done(&scene);
}

static void test_old_numbers_are_no_news(void **context)
{
    struct scene scene;

    (void)context;
    begin(&scene);
    fill(&scene);
    scene.number = 0;
    start_change(&scene);
    add(&scene, make_mailbox(3, "three"));
    assert_true(commit(&scene));
    assert_null(state_find(&scene.state, BYTES("three")));
    assert_true(commit(&scene));
    assert_non_null(state_find(&scene.state, BYTES("three")));
    done(&scene);
}

/* A base knows bodies that only later changes bring back: theirs is the place that counts. */
static void test_bodies_of_a_base(void **context)
{
    const uint64_t gone[] = { 4, 9 };
    struct scene scene;
    struct log_record record = { .type = RECORD_BASE };
    struct op state = { OP_BASE_STATE,
                        { .base_state = { .change = { 1 }, .mailbox_next = 2, .body_next = 9 } } };
    struct op mailbox = { OP_BASE_MAILBOX,
                          { .base_mailbox = { .id = { 1 },
                                              .uidvalidity = 1,
                                              .uidnext = 1,
                                              .recent_floor = 1,
                                              .name = BYTES("INBOX") } } };
    struct op body = { OP_BASE_BODY, { .base_body = { { 7 }, { 14, 8192 }, 5 } } };
    struct body_entry found;
    struct op drop = { OP_BASE_DROP, { .base_drop = { { 60 }, { .list = gone, .count = 2 } } } };

    (void)context;
    begin(&scene);
    add(&scene, state);
    add(&scene, mailbox);
    add(&scene, body);
    add(&scene, drop);
    record.payload = buf_bytes(&scene.ops);
    assert_true(apply_record(&scene.state, &record));
    scene.number = 1;
    start_change(&scene);
    add(&scene, put(1, 1, 7));
    add(&scene, put(1, 2, 8));
    assert_true(commit(&scene));
    assert_true(body_table_find(&scene.state.bodies, (struct body_id){ 7 }, &found));
    assert_int_equal(found.place.segment, 14);
    assert_int_equal(found.messages, 1);
    assert_true(body_table_find(&scene.state.bodies, (struct body_id){ 8 }, &found));
    assert_int_not_equal(found.place.segment, 14);
    assert_int_equal(scene.state.drops.count, 2);
    assert_int_equal(scene.state.drops.when.us, 60);
    assert_true(state_has_body_segment(&scene.state, 9));
    state_forget_drops(&scene.state);
    done(&scene);
}

static void test_epoch(void **context)
{
    struct scene scene;
    struct mailbox *inbox;
    struct row row;

    (void)context;
    begin(&scene);
    fill(&scene);
    scene.number = 999;
    start_change(&scene);
    add(&scene, (struct op){ OP_EPOCH, { .epoch = { EPOCH_COPIED, 100, 10, 1000, 70 } } });
    assert_true(commit(&scene));
    inbox = state_find(&scene.state, BYTES("INBOX"));
    assert_int_equal(inbox->uidnext, 104);
    assert_int_equal(inbox->highest.value, 1000);
    assert_true(rows_get(&inbox->rows, 1, &row));
    assert_int_equal(row.modseq.value, 1000);
    assert_int_equal(scene.state.mailbox_next, 13);
    assert_int_equal(scene.state.body_next, 1004);
    assert_int_equal(scene.state.uidvalidity_last, 70);
    scene.number = 2000;
    start_change(&scene);
    add(&scene, (struct op){ OP_EPOCH, { .epoch = { EPOCH_COPIED, UINT32_MAX, 10, INT64_MAX } } });
    assert_true(commit(&scene));
    assert_int_equal(inbox->uidnext, UINT32_MAX);
    assert_int_equal(scene.state.uidvalidity_last, 70); /* it never goes back */
    done(&scene);
}

/* Who knew of mail whose record is lost hears that it is gone: the history cannot tell. After a
 * lost tail it can. */
static void test_epochs_forget_the_history_of_expunges(void **context)
{
    static const struct {
        uint32_t reasons;
        bool forgets;
    } cases[] = {
        { EPOCH_TAIL_LOST, false },
        { EPOCH_SYNC_FAILED, false },
        { EPOCH_COPIED, true },
        { EPOCH_DAMAGED | EPOCH_TAIL_LOST, true },
    };

    (void)context;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct scene scene;
        struct mailbox *inbox;

        begin(&scene);
        fill(&scene);
        scene.number = 999;
        start_change(&scene);
        add(&scene, (struct op){ OP_EPOCH, { .epoch = { cases[i].reasons, 0, 0, 0, 0 } } });
        assert_true(commit(&scene));
        inbox = state_find(&scene.state, BYTES("INBOX"));
        assert_true(vanished_reaches(&inbox->vanished, 1000));
        assert_int_equal(vanished_reaches(&inbox->vanished, 999), !cases[i].forgets);
        done(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_does_not_fit_is_skipped),
        cmocka_unit_test(test_mail_of_lost_mailboxes),
        cmocka_unit_test(test_rows_without_their_mailbox),
        cmocka_unit_test(test_copies_of_what_is_missing),
        cmocka_unit_test(test_all_or_nothing),
        cmocka_unit_test(test_old_numbers_are_no_news),
        cmocka_unit_test(test_bodies_of_a_base),
        cmocka_unit_test(test_epoch),
        cmocka_unit_test(test_epochs_forget_the_history_of_expunges),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
