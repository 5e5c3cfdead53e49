/* An account as a whole: what was done is there after closing, killing, cutting the power. */
#include "store/account.h"

#include <stdlib.h>
#include <string.h>

#include "kit/assert_bytes.h"
#include "kit/desk.h"
#include "kit/mem_vfs.h"
#include "message/summary.h"

static const char hello[] = "From: a@example.org\r\n"
                            "Subject: hello\r\n"
                            "Message-ID: <1@example.org>\r\n"
                            "\r\n"
                            "Hello.\r\n";

static const char reply[] = "From: b@example.org\r\n"
                            "Subject: Re: hello\r\n"
                            "Message-ID: <2@example.org>\r\n"
                            "In-Reply-To: <1@example.org>\r\n"
                            "\r\n"
                            "Hello yourself.\r\n";

static void open_new(struct desk *desk)
{
    desk_init(desk, mem_vfs_new(1));
    assert_int_equal(desk_open(desk), ERR_OK);
}

static void done(struct desk *desk)
{
    if (desk->account != NULL)
        desk_close(desk);
    assert_int_equal(mem_vfs_open_files(desk->vfs), 0);
    mem_vfs_free(desk->vfs);
}

static void reopen(struct desk *desk)
{
    desk_close(desk);
    assert_int_equal(desk_open(desk), ERR_OK);
}

static void test_a_new_account(void **context)
{
    static const struct {
        const char *name;
        unsigned uses;
    } usual[] = { { "Archive", USE_ARCHIVE }, { "Drafts", USE_DRAFTS }, { "INBOX", 0 },
                  { "Junk", USE_JUNK },       { "Sent", USE_SENT },     { "Trash", USE_TRASH } };
    struct bytes name = BYTES("");
    struct desk desk;

    (void)context;
    open_new(&desk);
    for (int round = 0; round < 2; round++, name = BYTES("")) {
        for (size_t i = 0; i < ARRAY_COUNT(usual); i++) {
            struct mailbox *mailbox = mailbox_next(desk.account, name);

            assert_non_null(mailbox);
            name = mailbox_name(mailbox);
            ASSERT_BYTES(name, bytes_from_string(usual[i].name));
            assert_int_equal(mailbox_uses(mailbox), usual[i].uses);
            assert_int_equal(mailbox_uidnext(mailbox), 1);
            assert_true(subscription_has(desk.account, name));
        }
        assert_null(mailbox_next(desk.account, name));
        if (round == 0)
            reopen(&desk);
    }
    assert_memory_equal(account_id(desk.account).raw, desk.options.id.raw, 16);
    done(&desk);
}

static void test_refusals_to_open(void **context)
{
    struct desk desk;
    struct desk other;

    (void)context;
    desk_init(&desk, mem_vfs_new(1));
    desk.options.create = false;
    assert_int_equal(desk_open(&desk), ERR_NOT_FOUND);
    desk.options.create = true;
    assert_int_equal(desk_open(&desk), ERR_OK);
    desk_init(&other, desk.vfs);
    assert_int_equal(desk_open(&other), ERR_BUSY);
    desk_close(&desk);
    other.options.id.raw[0] ^= 1;
    assert_int_equal(desk_open(&other), ERR_INVALID);
    assert_true(other.why.text[0] != '\0');
    done(&desk);
}

static void assert_message(struct desk *desk, const char *mailbox, uint32_t uid, const char *text)
{
    struct view *view = view_open(desk_mailbox(desk, mailbox));
    struct seqno seqno = view_seqno(view, (struct uid){ uid });
    struct buf body = buf_make(1 << 20);
    struct row row;

    assert_int_not_equal(seqno.value, 0);
    view_row(view, seqno, &row);
    assert_int_equal(desk_read(desk, row.body, &body), ERR_OK);
    ASSERT_BYTES(buf_bytes(&body), bytes_from_string(text));
    buf_done(&body);
    view_close(view);
}

static void test_append_select_fetch_reopen(void **context)
{
    struct desk desk;
    struct uid uid;

    (void)context;
    open_new(&desk);
    assert_int_equal(
        desk_append(&desk, desk_mailbox(&desk, "INBOX"), bytes_from_string(hello), FLAG_SEEN, &uid),
        ERR_OK);
    assert_int_equal(uid.value, 1);
    assert_true(account_gate(desk.account) > account_durable(desk.account));
    desk_sync(&desk);
    assert_int_equal(account_gate(desk.account), account_durable(desk.account));
    assert_message(&desk, "INBOX", 1, hello);
    reopen(&desk);
    assert_message(&desk, "INBOX", 1, hello);
    assert_int_equal(desk.report.unclean, false);
    assert_int_equal(account_used_bytes(desk.account), strlen(hello));
    done(&desk);
}

static void test_threads(void **context)
{
    struct desk desk;
    struct view *view;
    struct row first;
    struct row second;
    struct row third;

    (void)context;
    open_new(&desk);
    assert_int_equal(
        desk_append(&desk, desk_mailbox(&desk, "Sent"), bytes_from_string(reply), 0, NULL), ERR_OK);
    assert_int_equal(
        desk_append(&desk, desk_mailbox(&desk, "INBOX"), bytes_from_string(hello), 0, NULL),
        ERR_OK);
    reopen(&desk);
    assert_int_equal(
        desk_append(&desk, desk_mailbox(&desk, "INBOX"), bytes_from_string(reply), 0, NULL),
        ERR_OK);
    assert_int_equal(
        desk_append(&desk, desk_mailbox(&desk, "INBOX"), BYTES("x: y\r\n\r\n"), 0, NULL), ERR_OK);
    view = view_open(desk_mailbox(&desk, "INBOX"));
    view_row(view, (struct seqno){ 1 }, &first);
    view_row(view, (struct seqno){ 2 }, &second);
    view_row(view, (struct seqno){ 3 }, &third);
    assert_int_equal(first.thread.value, 1);
    assert_int_equal(first.body.value, 2);
    assert_int_equal(second.thread.value, 1);
    assert_int_equal(third.thread.value, third.body.value);
    view_close(view);
    done(&desk);
}

static void test_large_body(void **context)
{
    enum { LARGE = 3 * 1024 * 1024 + 17 };
    char *text = malloc(LARGE + 1);
    struct desk desk;
    struct body_writer *writer;
    size_t taken;

    (void)context;
    open_new(&desk);
    for (size_t i = 0; i < LARGE; i++)
        text[i] = i % 70 == 69 ? '\n' : (char)('a' + i % 23);
    memcpy(text, "Subject: large\r\n\r\n", 18);
    text[LARGE] = '\0';
    assert_int_equal(
        desk_append(&desk, desk_mailbox(&desk, "INBOX"), bytes_make(text, LARGE), 0, NULL), ERR_OK);
    mem_vfs_chill(desk.vfs);
    for (int round = 0; round < 2; round++) {
        struct buf body = buf_make(LARGE);

        assert_int_equal(desk_read(&desk, (struct body_id){ 1 }, &body), ERR_OK);
        assert_memory_equal(buf_bytes(&body).at, text, LARGE);
        buf_done(&body);
        reopen(&desk);
    }
    /* One that is given up on the way leaves nothing behind. */
    assert_int_equal(body_writer_open(desk.account, LARGE, &desk.waker, &writer), ERR_OK);
    assert_int_equal(body_writer_add(writer, bytes_make(text, 100000), &taken), ERR_OK);
    assert_int_equal(body_writer_add(writer, bytes_make(text, LARGE), &taken), ERR_LIMIT);
    body_writer_free(writer);
    desk_settle(&desk);
    free(text);
    done(&desk);
}

static unsigned count_body_segments(struct vfs *vfs)
{
    unsigned count = 0;

    for (unsigned i = 0; mem_vfs_path(vfs, i) != NULL; i++)
        count += bytes_ends_with(bytes_from_string(mem_vfs_path(vfs, i)), BYTES(".body"));
    return count;
}

/* What an interrupted upload left goes; a body that a change named stays, even without a message.
 */
static void test_interrupted_uploads(void **context)
{
    enum { LARGE = 200 * 1024 };
    char *text = calloc(1, LARGE);
    const struct uid_range all = { 1, UINT32_MAX };
    struct body_writer *writer;
    struct origin origin;
    struct vfs *copy;
    struct desk desk;
    struct desk killed;
    uint32_t count;
    size_t taken;

    (void)context;
    open_new(&desk);
    assert_int_equal(
        desk_append(&desk, desk_mailbox(&desk, "INBOX"), bytes_make(text, LARGE), 0, NULL), ERR_OK);
    origin = desk_origin(&desk);
    assert_int_equal(act_expunge(desk_mailbox(&desk, "INBOX"), &origin, (struct uid_set){ &all, 1 },
                                 false, &count),
                     ERR_OK);
    reopen(&desk);
    assert_int_equal(
        desk_append(&desk, desk_mailbox(&desk, "INBOX"), bytes_make(text, LARGE), 0, NULL), ERR_OK);
    assert_int_equal(body_writer_open(desk.account, LARGE, &desk.waker, &writer), ERR_OK);
    assert_int_equal(body_writer_add(writer, bytes_make(text, LARGE), &taken), ERR_OK);
    desk_settle(&desk);
    desk_sync(&desk);
    assert_int_equal(count_body_segments(desk.vfs), 3);
    copy = mem_vfs_copy(desk.vfs, 1);
    desk_init(&killed, copy);
    assert_int_equal(desk_open(&killed), ERR_OK);
    assert_true(killed.report.unclean);
    assert_int_equal(count_body_segments(copy), 2);
    done(&killed);
    body_writer_free(writer);
    assert_int_equal(count_body_segments(desk.vfs), 2);
    free(text);
    done(&desk);
}

static void test_quota(void **context)
{
    struct body_writer *writer;
    struct desk desk;
    struct uid uid;

    (void)context;
    desk_init(&desk, mem_vfs_new(1));
    desk.options.quota_bytes = sizeof(hello) * 2;
    assert_int_equal(desk_open(&desk), ERR_OK);
    assert_int_equal(
        desk_append(&desk, desk_mailbox(&desk, "INBOX"), bytes_from_string(hello), 0, &uid),
        ERR_OK);
    assert_int_equal(body_writer_open(desk.account, sizeof(hello) * 2, &desk.waker, &writer),
                     ERR_OVER_QUOTA);
    assert_int_equal(
        desk_append(&desk, desk_mailbox(&desk, "Sent"), bytes_from_string(hello), 0, &uid), ERR_OK);
    assert_int_equal(
        desk_append(&desk, desk_mailbox(&desk, "Sent"), bytes_from_string(hello), 0, &uid),
        ERR_OVER_QUOTA);
    account_set_quota(desk.account, 0);
    assert_int_equal(
        desk_append(&desk, desk_mailbox(&desk, "Sent"), bytes_from_string(hello), 0, &uid), ERR_OK);
    assert_int_equal(account_used_messages(desk.account), 3);
    done(&desk);
}

/* Whoever is written to has some; three seconds later he has none, and is left in peace. */
static void test_space_ahead_goes_with_rest(void **context)
{
    struct desk desk;
    struct bytes file = { NULL, 0 };
    unsigned ticks = 0;

    (void)context;
    open_new(&desk);
    for (unsigned turn = 0; turn < 3; turn++) {
        for (unsigned i = 0; i < 8; i++) {
            (void)desk_tick(&desk);
            assert_int_equal(
                desk_append(&desk, desk_mailbox(&desk, "INBOX"), bytes_from_string(hello), 0, NULL),
                ERR_OK);
            desk_sync(&desk);
        }
        file = mem_vfs_file(desk.vfs, "log/0000000000000004.log");
        assert_true(file.len > account_durable(desk.account) + 200000);
        for (ticks = 0; file.len > account_durable(desk.account); ticks++) {
            struct mono next = desk_tick(&desk);

            file = mem_vfs_file(desk.vfs, "log/0000000000000004.log");
            if (file.len > account_durable(desk.account))
                assert_true(next.ms <= desk.mono.ms + 3000);
        }
        assert_in_range(ticks, 30, 31);
        assert_int_equal(file.len, account_durable(desk.account));
    }
    assert_true(desk_tick(&desk).ms > desk.mono.ms + 3000);
    for (unsigned i = 0; i < 8; i++) { /* one now and then is no haste */
        assert_int_equal(
            desk_append(&desk, desk_mailbox(&desk, "INBOX"), bytes_from_string(hello), 0, NULL),
            ERR_OK);
        desk_sync(&desk);
        file = mem_vfs_file(desk.vfs, "log/0000000000000004.log");
        assert_int_equal(file.len, account_durable(desk.account));
        for (ticks = 0; ticks < 32; ticks++)
            (void)desk_tick(&desk);
    }
    done(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_space_ahead_goes_with_rest),
        cmocka_unit_test(test_a_new_account),
        cmocka_unit_test(test_refusals_to_open),
        cmocka_unit_test(test_append_select_fetch_reopen),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_large_body),
        cmocka_unit_test(test_interrupted_uploads),
        cmocka_unit_test(test_quota),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
