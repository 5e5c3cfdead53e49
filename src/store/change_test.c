/* Changes: their numbers, the values they give out, their limits. */
#include "store/change.h"

#include "kit/assert_bytes.h"
#include "kit/desk.h"
#include "kit/mem_vfs.h"

static void test_uidvalidity_never_repeats(void **context)
{
    struct desk desk;
    uint32_t last = 0;

    (void)context;
    desk_init(&desk, mem_vfs_new(1));
    assert_int_equal(desk_open(&desk), ERR_OK);
    for (int i = 0; i < 6; i++) {
        struct origin origin = desk_origin(&desk);
        struct mailbox *made;

        origin.now.us -= i * INT64_C(100000000000); /* the clock goes back */
        if (i == 5)
            origin.now.us = INT64_MAX;
        assert_int_equal(act_mailbox_create(desk.account, &origin, BYTES("x"), 0, &made), ERR_OK);
        assert_true(mailbox_uidvalidity(made) > last);
        last = mailbox_uidvalidity(made);
        assert_int_equal(act_mailbox_delete(desk.account, &origin, made), ERR_OK);
    }
    desk_close(&desk);
    mem_vfs_free(desk.vfs);
}

static void test_one_that_is_given_up(void **context)
{
    struct op op = { .code = OP_SUBSCRIBE, .as.setting = { .on = true, .name = BYTES("x") } };
    struct origin origin;
    struct change change;
    struct desk desk;
    uint64_t number;

    (void)context;
    desk_init(&desk, mem_vfs_new(1));
    assert_int_equal(desk_open(&desk), ERR_OK);
    number = account_change_number(desk.account).value;
    origin = desk_origin(&desk);
    assert_int_equal(change_begin(desk.account, &origin, &change), ERR_OK);
    change_add(&change, &op);
    assert_int_equal(change_begin(desk.account, &origin, &change), ERR_OK);
    op.as.setting.name = BYTES("y");
    change_add(&change, &op);
    assert_int_equal(change_commit(&change, true), ERR_OK);
    assert_false(subscription_has(desk.account, BYTES("x")));
    assert_true(subscription_has(desk.account, BYTES("y")));
    assert_int_equal(account_change_number(desk.account).value, number + 1);
    desk_close(&desk);
    mem_vfs_free(desk.vfs);
}

static void test_too_large(void **context)
{
    struct op op = { .code = OP_SUBSCRIBE, .as.setting = { .on = true } };
    uint8_t name[MAILBOX_NAME_BYTES_MAX] = "n";
    struct origin origin;
    struct change change;
    struct desk desk;

    (void)context;
    desk_init(&desk, mem_vfs_new(1));
    assert_int_equal(desk_open(&desk), ERR_OK);
    origin = desk_origin(&desk);
    op.as.setting.name = bytes_make(name, sizeof(name));
    assert_int_equal(change_begin(desk.account, &origin, &change), ERR_OK);
    for (int i = 0; i < RECORD_CHANGE_BYTES_MAX / MAILBOX_NAME_BYTES_MAX + 1; i++)
        change_add(&change, &op);
    assert_int_equal(change_commit(&change, true), ERR_LIMIT);
    assert_int_equal(act_subscribe(desk.account, &origin, BYTES("small"), true), ERR_OK);
    desk_close(&desk);
    mem_vfs_free(desk.vfs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uidvalidity_never_repeats),
        cmocka_unit_test(test_one_that_is_given_up),
        cmocka_unit_test(test_too_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
