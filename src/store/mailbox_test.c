/* What mailboxes say of themselves. */
#include "store/mailbox.h"

#include "kit/assert_bytes.h"
#include "kit/desk.h"
#include "kit/mem_vfs.h"
#include "store/state.h"

static const char mail[] = "Subject: x\r\n\r\nbody\r\n";

static void open_with(struct desk *desk, uint32_t messages)
{
    desk_init(desk, mem_vfs_new(1));
    assert_int_equal(desk_open(desk), ERR_OK);
    for (uint32_t i = 0; i < messages; i++)
        assert_int_equal(
            desk_append(desk, desk_mailbox(desk, "INBOX"), bytes_from_string(mail), 0, NULL),
            ERR_OK);
}

static void done(struct desk *desk)
{
    desk_close(desk);
    mem_vfs_free(desk->vfs);
}

static void test_counts(void **context)
{
    struct mailbox_counts counts;
    struct mailbox *inbox;
    struct desk desk;

    (void)context;
    open_with(&desk, 4);
    inbox = desk_mailbox(&desk, "INBOX");
    assert_int_equal(desk_flags(&desk, inbox,
                                (struct desk_store){ { 2, 3 }, FLAGS_ADD, FLAG_SEEN, BYTES("k") },
                                NULL),
                     ERR_OK);
    assert_int_equal(desk_flags(&desk, inbox,
                                (struct desk_store){ { 3, 4 }, FLAGS_ADD, FLAG_DELETED, BYTES("") },
                                NULL),
                     ERR_OK);
    mailbox_counts(inbox, &counts);
    assert_int_equal(counts.messages, 4);
    assert_int_equal(counts.unseen, 2);
    assert_int_equal(counts.deleted, 2);
    assert_int_equal(counts.recent, 4);
    assert_int_equal(counts.size, 4 * (sizeof(mail) - 1));
    assert_int_equal(mailbox_keyword_count(inbox), 1);
    assert_int_equal(mailbox_keyword_find(inbox, BYTES("K")), 0);
    assert_int_equal(mailbox_keyword_find(inbox, BYTES("other")), -1);
    assert_ptr_equal(mailbox_account(inbox), desk.account);
    assert_ptr_equal(mailbox_find_id(desk.account, mailbox_id(inbox)), inbox);
    assert_null(mailbox_find_id(desk.account, (struct mailbox_id){ 0 }));
    done(&desk);
}

/* A client that was away longer than the history goes hears of every UID that is not there (RFC
 * 7162 section 3.2.6). */
static void test_vanished_beyond_the_history(void **context)
{
    static const struct uid_range asked[] = { { 1, 3 }, { 5, 5 }, { 7, UINT32_MAX } };
    struct arena arena = arena_make(1 << 16);
    const struct uid_range gone = { 2, 5 };
    struct origin origin;
    struct mailbox *inbox;
    struct uid_set set;
    struct desk desk;
    uint32_t count;

    (void)context;
    open_with(&desk, 9);
    inbox = desk_mailbox(&desk, "INBOX");
    origin = desk_origin(&desk);
    assert_int_equal(act_expunge(inbox, &origin, (struct uid_set){ &gone, 1 }, false, &count),
                     ERR_OK);
    assert_int_equal(count, 4);
    inbox->vanished.complete_since = 1000000;
    assert_int_equal(mailbox_vanished(inbox, (struct modseq){ 999999 },
                                      (struct uid_set){ asked, 3 }, &arena, &set),
                     ERR_OK);
    assert_int_equal(set.count, 2);
    assert_int_equal(set.ranges[0].first, 2);
    assert_int_equal(set.ranges[0].last, 3);
    assert_int_equal(set.ranges[1].first, 5);
    assert_int_equal(set.ranges[1].last, 5);
    arena_done(&arena);
    arena = arena_make(8);
    assert_int_equal(
        mailbox_vanished(inbox, (struct modseq){ 1 }, (struct uid_set){ asked, 3 }, &arena, &set),
        ERR_LIMIT);
    done(&desk);
}

/* A walk goes on from names that are gone by now. */
static void test_walk_while_names_change(void **context)
{
    struct mailbox *mailbox;
    struct origin origin;
    struct desk desk;

    (void)context;
    open_with(&desk, 0);
    mailbox = mailbox_next(desk.account, BYTES(""));
    ASSERT_BYTES(mailbox_name(mailbox), BYTES("Archive"));
    origin = desk_origin(&desk);
    assert_int_equal(act_mailbox_delete(desk.account, &origin, mailbox), ERR_OK);
    mailbox = mailbox_next(desk.account, BYTES("Archive"));
    ASSERT_BYTES(mailbox_name(mailbox), BYTES("Drafts"));
    assert_null(mailbox_next(desk.account, BYTES("Trash")));
    assert_int_equal(mailbox_count(desk.account), 5);
    assert_true(subscription_has(desk.account, BYTES("Archive")));
    ASSERT_BYTES(subscription_next(desk.account, BYTES("Arch")), BYTES("Archive"));
    assert_int_equal(subscription_next(desk.account, BYTES("Trash")).len, 0);
    done(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_vanished_beyond_the_history),
        cmocka_unit_test(test_walk_while_names_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
