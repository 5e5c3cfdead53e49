/* What is used up, full or taken: answered as a value, and nothing else of the account suffers. */
#include "store/account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/assert_bytes.h"
#include "kit/crash_vfs.h"
#include "kit/desk.h"
#include "kit/mem_vfs.h"
#include "store/state.h"

static const char mail[] = "Subject: x\r\n\r\nbody\r\n";
static const struct uid_range all = { 1, UINT32_MAX };

static void open_new(struct desk *desk)
{
    desk_init(desk, mem_vfs_new(1));
    assert_int_equal(desk_open(desk), ERR_OK);
}

static void reopen(struct desk *desk)
{
    desk_close(desk);
    assert_int_equal(desk_open(desk), ERR_OK);
}

static void done(struct desk *desk)
{
    desk_close(desk);
    assert_int_equal(mem_vfs_open_files(desk->vfs), 0);
    mem_vfs_free(desk->vfs);
}

static enum err append(struct desk *desk, const char *mailbox, struct uid *out_uid)
{
    return desk_append(desk, desk_mailbox(desk, mailbox), bytes_from_string(mail), 0, out_uid);
}

static enum err create(struct desk *desk, const char *name)
{
    struct origin origin = desk_origin(desk);

    return act_mailbox_create(desk->account, &origin, bytes_from_string(name), 0, NULL);
}

static enum err copy(struct desk *desk, const char *from, const char *to, bool move)
{
    struct origin origin = desk_origin(desk);
    struct arena arena = arena_make(1 << 20);
    struct copy_act act = { .to = desk_mailbox(desk, to), .uids = { &all, 1 }, .move = move };
    struct copy_result result;
    enum err err = act_copy(desk_mailbox(desk, from), &origin, &act, &arena, &result);

    arena_done(&arena);
    return err;
}

static uint32_t messages_in(struct desk *desk, const char *name)
{
    struct mailbox_counts counts;

    mailbox_counts(desk_mailbox(desk, name), &counts);
    return counts.messages;
}

static void test_the_last_uid(void **context)
{
    struct desk desk;
    struct uid uid;

    (void)context;
    open_new(&desk);
    assert_int_equal(append(&desk, "Sent", &uid), ERR_OK);
    desk_mailbox(&desk, "INBOX")->uidnext = UINT32_MAX - 1;
    assert_int_equal(append(&desk, "INBOX", &uid), ERR_OK);
    assert_int_equal(uid.value, UINT32_MAX - 1);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(mailbox_uidnext(desk_mailbox(&desk, "INBOX")), UINT32_MAX);
        assert_int_equal(append(&desk, "INBOX", &uid), ERR_LIMIT);
        assert_int_equal(copy(&desk, "Sent", "INBOX", false), ERR_LIMIT);
        assert_int_equal(copy(&desk, "Sent", "INBOX", true), ERR_LIMIT);
        assert_int_equal(messages_in(&desk, "INBOX"), 1);
        reopen(&desk);
    }
    assert_int_equal(copy(&desk, "INBOX", "Sent", true), ERR_OK);
    assert_int_equal(messages_in(&desk, "Sent"), 2);
    assert_int_equal(append(&desk, "INBOX", &uid), ERR_LIMIT); /* never given out twice */
    done(&desk);
}

static void test_the_last_uidvalidity_and_mailbox_id(void **context)
{
    struct desk desk;
    struct state *state;

    (void)context;
    open_new(&desk);
    state = desk_mailbox(&desk, "INBOX")->state;
    state->uidvalidity_last = UINT32_MAX - 2;
    assert_int_equal(create(&desk, "a/b"), ERR_OK); /* two of them */
    assert_int_equal(create(&desk, "c"), ERR_LIMIT);
    assert_int_equal(append(&desk, "INBOX", NULL), ERR_OK);
    assert_int_equal(act_mailbox_rename(desk.account, &(struct origin){ .now = desk.now },
                                        desk_mailbox(&desk, "INBOX"), BYTES("old")),
                     ERR_LIMIT);
    reopen(&desk);
    assert_int_equal(mailbox_uidvalidity(desk_mailbox(&desk, "a/b")), UINT32_MAX);
    assert_int_equal(create(&desk, "c"), ERR_LIMIT);
    state = desk_mailbox(&desk, "INBOX")->state;
    state->uidvalidity_last = 100;
    state->mailbox_next = UINT32_MAX - 1;
    assert_int_equal(create(&desk, "c"), ERR_OK);
    assert_int_equal(create(&desk, "d"), ERR_LIMIT);
    reopen(&desk);
    assert_int_equal(create(&desk, "d"), ERR_LIMIT);
    assert_int_equal(append(&desk, "c", NULL), ERR_OK);
    done(&desk);
}

/* A lower limit than there are mailboxes: those stay, and no other comes. */
static void test_too_many_mailboxes(void **context)
{
    struct desk desk;
    struct origin origin;

    (void)context;
    desk_init(&desk, mem_vfs_new(1));
    desk.options.mailboxes_max = 8;
    assert_int_equal(desk_open(&desk), ERR_OK);
    assert_int_equal(create(&desk, "a/b"), ERR_OK);
    assert_int_equal(create(&desk, "c"), ERR_LIMIT);
    desk.options.mailboxes_max = 3;
    reopen(&desk);
    assert_int_equal(mailbox_count(desk.account), 8);
    assert_int_equal(create(&desk, "c"), ERR_LIMIT);
    origin = desk_origin(&desk);
    assert_int_equal(
        act_mailbox_rename(desk.account, &origin, desk_mailbox(&desk, "a"), BYTES("z")), ERR_OK);
    assert_int_equal(append(&desk, "z/b", NULL), ERR_OK);
    done(&desk);
}

static void test_many_mailboxes(void **context)
{
    enum { MANY = ACCOUNT_MAILBOXES_MAX };
    struct bytes name = BYTES("");
    uint32_t count = 0;
    struct desk desk;

    (void)context;
    open_new(&desk);
    for (int i = 6; i < MANY; i++) {
        char text[32];

        (void)snprintf(text, sizeof(text), "box-%05d", i * 7919 % MANY);
        assert_int_equal(create(&desk, text), ERR_OK);
    }
    assert_int_equal(create(&desk, "one too many"), ERR_LIMIT);
    reopen(&desk);
    for (struct mailbox *mailbox; (mailbox = mailbox_next(desk.account, name)) != NULL; count++) {
        assert_true(count == 0 || bytes_compare(name, mailbox_name(mailbox)) < 0);
        name = mailbox_name(mailbox);
        assert_false(mailbox_has_children(mailbox));
    }
    assert_int_equal(count, MANY);
    done(&desk);
}

static enum err flag(struct desk *desk, const char *mailbox, unsigned keyword)
{
    struct desk_store store = { .uids = all, .mode = FLAGS_ADD };
    char text[32];

    (void)snprintf(text, sizeof(text), "keyword-%u", keyword);
    store.keyword = bytes_from_string(text);
    return desk_flags(desk, desk_mailbox(desk, mailbox), store, NULL);
}

/* A message that is copied to a mailbox whose table is full comes there without what it lacks. */
static void test_keywords(void **context)
{
    struct row row;
    struct view *view;
    struct desk desk;

    (void)context;
    open_new(&desk);
    assert_int_equal(append(&desk, "INBOX", NULL), ERR_OK);
    assert_int_equal(append(&desk, "Sent", NULL), ERR_OK);
    for (unsigned i = 0; i < KEYWORDS_PER_MAILBOX_MAX; i++)
        assert_int_equal(flag(&desk, "INBOX", i), ERR_OK);
    assert_int_equal(flag(&desk, "INBOX", KEYWORDS_PER_MAILBOX_MAX), ERR_LIMIT);
    assert_int_equal(flag(&desk, "INBOX", 0), ERR_OK);
    assert_int_equal(flag(&desk, "Sent", 5), ERR_OK);
    assert_int_equal(flag(&desk, "Sent", KEYWORDS_PER_MAILBOX_MAX), ERR_OK);
    assert_int_equal(copy(&desk, "Sent", "INBOX", false), ERR_OK);
    for (int round = 0; round < 2; round++) {
        view = view_open(desk_mailbox(&desk, "INBOX"));
        view_row(view, (struct seqno){ 2 }, &row);
        assert_true(row.keywords.word[0] == UINT64_C(1) << 5 && row.keywords.word[1] == 0);
        view_close(view);
        reopen(&desk);
    }
    done(&desk);
}

/* Ten thousand messages in one change, more than one batch of the log. */
static void test_a_large_multiappend(void **context)
{
    enum { COUNT = 10000, BYTES_EACH = 8000 };
    static struct append_item items[COUNT];
    static uint8_t text[BYTES_EACH];
    struct origin origin;
    struct desk desk;
    struct uid first;
    struct buf body;
    struct row row;

    (void)context;
    memset(text, 'x', sizeof(text));
    open_new(&desk);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(desk_body(&desk, bytes_make(text, sizeof(text)), &items[i].body), ERR_OK);
    origin = desk_origin(&desk);
    assert_int_equal(
        desk_finish(&desk, act_append(desk_mailbox(&desk, "INBOX"), &origin, items, COUNT, &first)),
        ERR_OK);
    reopen(&desk);
    assert_int_equal(messages_in(&desk, "INBOX"), COUNT);
    assert_int_equal(mailbox_highest_modseq(desk_mailbox(&desk, "INBOX")).value,
                     account_change_number(desk.account).value);
    body = buf_make(1 << 20);
    for (uint32_t uid = 1; uid <= COUNT; uid += COUNT - 1) {
        assert_true(rows_get(&desk_mailbox(&desk, "INBOX")->rows, uid, &row));
        assert_int_equal(desk_read(&desk, row.body, &body), ERR_OK);
        ASSERT_BYTES(buf_bytes(&body), bytes_make(text, sizeof(text)));
    }
    buf_done(&body);
    done(&desk);
}

static void test_quota_at_its_edges(void **context)
{
    static const uint64_t quotas[] = { 0, UINT64_MAX, INT64_MAX };
    struct body_writer *writer;
    struct desk desk;

    (void)context;
    open_new(&desk);
    for (size_t i = 0; i < ARRAY_COUNT(quotas); i++) {
        account_set_quota(desk.account, quotas[i]);
        assert_int_equal(append(&desk, "INBOX", NULL), ERR_OK);
        assert_int_equal(body_writer_open(desk.account, UINT64_MAX, &desk.waker, &writer),
                         ERR_LIMIT);
    }
    account_set_quota(desk.account, account_used_bytes(desk.account));
    assert_int_equal(append(&desk, "INBOX", NULL), ERR_OVER_QUOTA);
    assert_int_equal(copy(&desk, "INBOX", "Sent", false), ERR_OVER_QUOTA);
    assert_int_equal(copy(&desk, "INBOX", "Sent", true), ERR_OK); /* nothing more than before */
    account_set_quota(desk.account, 1); /* lowered below what is there */
    assert_int_equal(append(&desk, "INBOX", NULL), ERR_OVER_QUOTA);
    assert_int_equal(copy(&desk, "Sent", "INBOX", true), ERR_OK);
    assert_int_equal(body_writer_open(desk.account, 0, &desk.waker, &writer), ERR_OVER_QUOTA);
    done(&desk);
}

static void test_somebody_else_has_it(void **context)
{
    struct desk desk;
    struct desk other;

    (void)context;
    open_new(&desk);
    assert_int_equal(append(&desk, "INBOX", NULL), ERR_OK);
    desk_sync(&desk);
    desk_init(&other, desk.vfs);
    for (int i = 0; i < 3; i++)
        assert_int_equal(desk_open(&other), ERR_BUSY);
    assert_int_equal(append(&desk, "INBOX", NULL), ERR_OK);
    desk_close(&desk);
    assert_int_equal(desk_open(&other), ERR_OK);
    assert_false(other.report.unclean);
    assert_int_equal(messages_in(&other, "INBOX"), 2);
    done(&other);
}

/* As `cp -a` of a live account: all that was durable is there, and nothing is given out twice. */
static void test_a_copy_of_an_open_account(void **context)
{
    struct desk desk;
    struct desk twin;
    struct uid uid;
    struct uid other;

    (void)context;
    open_new(&desk);
    assert_int_equal(append(&desk, "INBOX", NULL), ERR_OK);
    desk_sync(&desk);
    desk_init(&twin, mem_vfs_copy(desk.vfs, 2));
    mem_vfs_change_identity(twin.vfs, MEM_DIRECTORY);
    assert_int_equal(append(&desk, "INBOX", &uid), ERR_OK);
    assert_int_equal(desk_open(&twin), ERR_OK);
    assert_true(twin.report.epoch);
    assert_int_equal(messages_in(&twin, "INBOX"), 1);
    assert_int_equal(append(&twin, "INBOX", &other), ERR_OK);
    assert_true(other.value > uid.value);
    assert_true(account_change_number(twin.account).value >
                account_change_number(desk.account).value);
    done(&twin);
    assert_int_equal(append(&desk, "INBOX", &uid), ERR_OK);
    reopen(&desk);
    assert_false(desk.report.epoch); /* the original knows nothing of its copy */
    assert_int_equal(messages_in(&desk, "INBOX"), 3);
    done(&desk);
}

struct failing {
    struct account_listener listener;
    unsigned failures;
};

static void on_durable(struct account_listener *listener)
{
    (void)listener;
}

static void on_changed(struct account_listener *listener, struct mailbox *mailbox)
{
    (void)listener;
    (void)mailbox;
}

static void on_failed(struct account_listener *listener, const struct note *why)
{
    assert_true(why->text[0] != '\0');
    CONTAINER_OF(listener, struct failing, listener)->failures++;
}

static void test_somebody_wrote_to_a_log_at_rest(void **context)
{
    struct failing failing = { .listener = { on_durable, on_changed, on_failed } };
    struct buf longer = buf_make(1 << 20);
    const char *path = "log/0000000000000004.log";
    struct desk desk;

    (void)context;
    open_new(&desk);
    account_set_listener(desk.account, &failing.listener);
    assert_int_equal(append(&desk, "INBOX", NULL), ERR_OK);
    desk_sync(&desk);
    account_trim(desk.account);
    buf_add(&longer, mem_vfs_file(desk.vfs, path));
    buf_add(&longer, BYTES("more"));
    mem_vfs_put(desk.vfs, path, buf_bytes(&longer));
    assert_int_equal(append(&desk, "INBOX", NULL), ERR_CLOSED);
    assert_int_equal(failing.failures, 1);
    reopen(&desk);
    assert_int_equal(messages_in(&desk, "INBOX"), 1);
    assert_int_equal(append(&desk, "INBOX", NULL), ERR_OK);
    buf_done(&longer);
    done(&desk);
}

/* A write that failed and cannot be cut off again: whoever has the account must hear of it, since
 * no sync will ever tell. */
static void test_a_write_that_cannot_be_undone(void **context)
{
    struct failing failing = { .listener = { on_durable, on_changed, on_failed } };
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
    struct desk desk;

    (void)context;
    desk_init(&desk, crash_vfs_get(crash));
    assert_int_equal(desk_open(&desk), ERR_OK);
    account_set_listener(desk.account, &failing.listener);
    assert_int_equal(append(&desk, "INBOX", NULL), ERR_OK);
    desk_sync(&desk);
    crash_vfs_fail(crash, CRASH_FAIL_APPEND, 0, 70);
    crash_vfs_fail(crash, CRASH_FAIL_TRUNCATE, 0, 0);
    assert_int_equal(append(&desk, "INBOX", NULL), ERR_NO_SPACE);
    assert_true(account_has_failed(desk.account));
    assert_int_equal(failing.failures, 1);
    assert_int_equal(append(&desk, "INBOX", NULL), ERR_CLOSED);
    reopen(&desk);
    assert_int_equal(messages_in(&desk, "INBOX"), 1);
    assert_int_equal(append(&desk, "INBOX", NULL), ERR_OK);
    desk_close(&desk);
    crash_vfs_free(crash);
}

/* At rest an account has its lock open, and nothing else; whatever comes next wakes it. */
static void test_at_rest(void **context)
{
    struct uid_range first = { 1, 1 };
    struct buf body = buf_make(1 << 16);
    struct desk desk;
    struct row row;

    (void)context;
    open_new(&desk);
    assert_int_equal(append(&desk, "INBOX", NULL), ERR_OK);
    account_trim(desk.account); /* with a sync to be made: the segment stays */
    assert_int_equal(mem_vfs_open_files(desk.vfs), 2);
    for (uint32_t uid = 1; uid <= 3; uid++) {
        desk_sync(&desk);
        account_trim(desk.account);
        assert_int_equal(mem_vfs_open_files(desk.vfs), 1);
        assert_true(rows_get(&desk_mailbox(&desk, "INBOX")->rows, uid, &row));
        assert_int_equal(desk_read(&desk, row.body, &body), ERR_OK);
        ASSERT_BYTES(buf_bytes(&body), bytes_from_string(mail));
        account_trim(desk.account);
        assert_int_equal(append(&desk, "INBOX", NULL), ERR_OK);
    }
    desk_sync(&desk);
    account_trim(desk.account);
    assert_int_equal(desk_flags(&desk, desk_mailbox(&desk, "INBOX"),
                                (struct desk_store){ first, FLAGS_ADD, FLAG_SEEN, BYTES("") },
                                NULL),
                     ERR_OK);
    account_trim(desk.account);
    reopen(&desk);
    assert_false(desk.report.unclean);
    assert_int_equal(messages_in(&desk, "INBOX"), 4);
    account_trim(desk.account); /* the clean mark stands: withdrawn by a job, then written */
    assert_int_equal(append(&desk, "INBOX", NULL), ERR_OK);
    account_trim(desk.account);
    desk_sync(&desk);
    account_trim(desk.account);
    assert_int_equal(mem_vfs_open_files(desk.vfs), 1);
    reopen(&desk);
    assert_int_equal(messages_in(&desk, "INBOX"), 5);
    buf_done(&body);
    done(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_last_uid),
        cmocka_unit_test(test_the_last_uidvalidity_and_mailbox_id),
        cmocka_unit_test(test_too_many_mailboxes),
        cmocka_unit_test(test_many_mailboxes),
        cmocka_unit_test(test_keywords),
        cmocka_unit_test(test_a_large_multiappend),
        cmocka_unit_test(test_quota_at_its_edges),
        cmocka_unit_test(test_somebody_else_has_it),
        cmocka_unit_test(test_a_copy_of_an_open_account),
        cmocka_unit_test(test_a_write_that_cannot_be_undone),
        cmocka_unit_test(test_somebody_wrote_to_a_log_at_rest),
        cmocka_unit_test(test_at_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
