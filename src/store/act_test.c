/* Acts one by one: what they refuse, what they write, what they leave alone. RFC 7162 s3.2.7,
 * s5.3; RFC 8514 s3. */
#include "store/act.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/assert_bytes.h"
#include "kit/crash_vfs.h"
#include "kit/desk.h"
#include "kit/mem_vfs.h"

static const char mail[] = "Subject: x\r\n\r\nbody\r\n";

static void open_new(struct desk *desk)
{
    desk_init(desk, mem_vfs_new(1));
    desk->options.step_cost = 1;
    assert_int_equal(desk_open(desk), ERR_OK);
}

static void done(struct desk *desk)
{
    desk_close(desk);
    mem_vfs_free(desk->vfs);
}

static struct mailbox *inbox_with(struct desk *desk, uint32_t count)
{
    struct mailbox *inbox = desk_mailbox(desk, "INBOX");

    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(desk_append(desk, inbox, bytes_from_string(mail), 0, NULL), ERR_OK);
    return inbox;
}

static enum err create(struct desk *desk, const char *name)
{
    struct origin origin = desk_origin(desk);
    struct mailbox *made;

    return act_mailbox_create(desk->account, &origin, bytes_from_string(name), 0, &made);
}

static enum err rename_to(struct desk *desk, const char *old, const char *name)
{
    struct origin origin = desk_origin(desk);

    return desk_finish(desk, act_mailbox_rename(desk->account, &origin, desk_mailbox(desk, old),
                                                bytes_from_string(name)));
}

static void test_names(void **context)
{
    static const struct {
        const char *name;
        enum err err;
    } cases[] = {
        { "", ERR_INVALID },     { "/", ERR_INVALID },     { "a/", ERR_INVALID },
        { "/a", ERR_INVALID },   { "a//b", ERR_INVALID },  { "a\tb", ERR_INVALID },
        { "\xff", ERR_INVALID }, { "inbox", ERR_INVALID }, { "Inbox/x", ERR_INVALID },
        { "INBOX", ERR_EXISTS }, { "INBOX/x", ERR_OK },    { "a/b/c", ERR_OK },
        { "a/b", ERR_EXISTS },   { "a/inbox", ERR_OK },    { "a b%*\"\\", ERR_OK },
        { "\xc3\xa9", ERR_OK },
    };
    char deep[2 * (MAILBOX_LEVELS_MAX + 1)];
    char wide[MAILBOX_NAME_BYTES_MAX + 2];
    struct desk desk;

    (void)context;
    open_new(&desk);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        if (create(&desk, cases[i].name) != cases[i].err)
            fail_msg("\"%s\"", cases[i].name);
    assert_non_null(desk_mailbox(&desk, "a"));
    memset(wide, 'w', sizeof(wide));
    wide[MAILBOX_NAME_BYTES_MAX + 1] = '\0';
    assert_int_equal(create(&desk, wide), ERR_INVALID);
    assert_int_equal(create(&desk, wide + 1), ERR_OK);
    for (size_t i = 0; i < sizeof(deep); i++)
        deep[i] = i % 2 == 0 ? 'd' : '/';
    deep[2 * MAILBOX_LEVELS_MAX + 1] = '\0';
    assert_int_equal(create(&desk, deep), ERR_INVALID);
    deep[2 * MAILBOX_LEVELS_MAX - 1] = '\0';
    assert_int_equal(create(&desk, deep), ERR_OK);
    done(&desk);
}

static void test_create_limits_and_uses(void **context)
{
    struct mailbox *made;
    struct origin origin;
    struct desk desk;

    (void)context;
    desk_init(&desk, mem_vfs_new(1));
    desk.options.mailboxes_max = 8;
    assert_int_equal(desk_open(&desk), ERR_OK);
    origin = desk_origin(&desk);
    assert_int_equal(act_mailbox_create(desk.account, &origin, BYTES("x"), USE_SENT, &made),
                     ERR_CONFLICT);
    assert_int_equal(act_mailbox_create(desk.account, &origin, BYTES("x"), USE_ALL, &made), ERR_OK);
    assert_int_equal(mailbox_uses(made), USE_ALL);
    assert_true(mailbox_uidvalidity(made) >= (uint32_t)wall_seconds(origin.now));
    assert_int_equal(create(&desk, "y/z"), ERR_LIMIT);
    assert_null(desk_mailbox(&desk, "y"));
    assert_int_equal(create(&desk, "y"), ERR_OK);
    assert_true(mailbox_uidvalidity(desk_mailbox(&desk, "y")) >
                mailbox_uidvalidity(desk_mailbox(&desk, "x")));
    assert_int_equal(create(&desk, "z"), ERR_LIMIT);
    done(&desk);
}

static void test_delete(void **context)
{
    struct mailbox *mailbox;
    struct body_id body = { 1 };
    struct origin origin;
    struct buf text = buf_make(1000);
    struct uid_range all = { 1, UINT32_MAX };
    uint32_t uidvalidity;
    struct desk desk;
    struct view *view;
    uint32_t count;

    (void)context;
    open_new(&desk);
    assert_int_equal(create(&desk, "a/b"), ERR_OK);
    mailbox = desk_mailbox(&desk, "a");
    uidvalidity = mailbox_uidvalidity(mailbox);
    assert_int_equal(desk_append(&desk, mailbox, bytes_from_string(mail), 0, NULL), ERR_OK);
    view = view_open(mailbox);
    origin = desk_origin(&desk);
    assert_int_equal(
        desk_finish(&desk, act_mailbox_delete(desk.account, &origin, desk_mailbox(&desk, "INBOX"))),
        ERR_DENIED);
    view_watch(view, &desk.waker);
    desk.wakes = 0;
    assert_int_equal(desk_finish(&desk, act_mailbox_delete(desk.account, &origin, mailbox)),
                     ERR_OK);
    assert_int_equal(desk.wakes, 1);
    assert_null(desk_mailbox(&desk, "a"));
    assert_non_null(desk_mailbox(&desk, "a/b"));
    assert_int_equal(account_used_bytes(desk.account), 0);
    assert_true(mailbox_is_deleted(mailbox));
    assert_int_equal(desk_finish(&desk, act_mailbox_delete(desk.account, &origin, mailbox)),
                     ERR_NOT_FOUND);
    assert_int_equal(desk_finish(&desk, act_expunge(mailbox, &origin, (struct uid_set){ &all, 1 },
                                                    false, &count)),
                     ERR_NOT_FOUND);
    assert_int_equal(
        desk_flags(&desk, mailbox, (struct desk_store){ all, FLAGS_ADD, 1, BYTES("") }, NULL),
        ERR_NOT_FOUND);
    assert_int_equal(desk_append(&desk, mailbox, bytes_from_string(mail), 0, NULL), ERR_NOT_FOUND);
    for (int i = 0; i < 200; i++)
        (void)desk_tick(&desk);
    assert_int_equal(desk_read(&desk, body, &text), ERR_OK);
    view_close(view);
    assert_int_equal(create(&desk, "a"), ERR_OK);
    assert_true(mailbox_uidvalidity(desk_mailbox(&desk, "a")) > uidvalidity);
    buf_done(&text);
    done(&desk);
}

static void test_rename_refusals(void **context)
{
    struct desk desk;

    (void)context;
    open_new(&desk);
    assert_int_equal(create(&desk, "a/b"), ERR_OK);
    assert_int_equal(create(&desk, "c/b"), ERR_OK);
    assert_int_equal(rename_to(&desk, "a", "Sent"), ERR_EXISTS);
    assert_int_equal(rename_to(&desk, "a", "a"), ERR_EXISTS);
    assert_int_equal(rename_to(&desk, "a", "a/x"), ERR_INVALID);
    assert_int_equal(rename_to(&desk, "a", "a/x/y"), ERR_INVALID);
    assert_int_equal(rename_to(&desk, "a", "x//y"), ERR_INVALID);
    assert_int_equal(rename_to(&desk, "Sent", "INBOX"), ERR_EXISTS);
    /* c goes, c/b stays: a cannot take its place. */
    {
        struct origin origin = desk_origin(&desk);

        assert_int_equal(
            desk_finish(&desk, act_mailbox_delete(desk.account, &origin, desk_mailbox(&desk, "c"))),
            ERR_OK);
    }
    assert_int_equal(rename_to(&desk, "a", "c"), ERR_EXISTS);
    assert_non_null(desk_mailbox(&desk, "a/b"));
    done(&desk);
}

static void test_rename_tree_and_inbox(void **context)
{
    struct mailbox_id id;
    struct mailbox *inbox;
    struct desk desk;

    (void)context;
    open_new(&desk);
    assert_int_equal(create(&desk, "a/b/c"), ERR_OK);
    assert_int_equal(create(&desk, "a-b"), ERR_OK);
    assert_int_equal(create(&desk, "ab"), ERR_OK);
    id = mailbox_id(desk_mailbox(&desk, "a/b/c"));
    assert_int_equal(rename_to(&desk, "a", "n/m"), ERR_OK);
    assert_int_equal(mailbox_id(desk_mailbox(&desk, "n/m/b/c")).value, id.value);
    assert_non_null(desk_mailbox(&desk, "n"));
    assert_non_null(desk_mailbox(&desk, "a-b"));
    assert_non_null(desk_mailbox(&desk, "ab"));
    assert_null(desk_mailbox(&desk, "a"));
    inbox = inbox_with(&desk, 3);
    id = mailbox_id(inbox);
    assert_int_equal(create(&desk, "INBOX/child"), ERR_OK);
    assert_int_equal(rename_to(&desk, "INBOX", "old/mail"), ERR_OK);
    assert_int_equal(mailbox_id(desk_mailbox(&desk, "INBOX")).value, id.value);
    assert_int_equal(mailbox_uidnext(desk_mailbox(&desk, "INBOX")), 4);
    assert_int_equal(mailbox_uidnext(desk_mailbox(&desk, "old/mail")), 4);
    assert_non_null(desk_mailbox(&desk, "INBOX/child"));
    {
        struct mailbox_counts counts;

        mailbox_counts(desk_mailbox(&desk, "INBOX"), &counts);
        assert_int_equal(counts.messages, 0);
        mailbox_counts(desk_mailbox(&desk, "old/mail"), &counts);
        assert_int_equal(counts.messages, 3);
    }
    done(&desk);
}

static void test_flags_write_what_they_change(void **context)
{
    struct uid_range all = { 1, UINT32_MAX };
    struct uid_range one = { 2, 2 };
    struct mailbox *inbox;
    struct modseq modseq;
    struct modseq before;
    struct desk desk;

    (void)context;
    open_new(&desk);
    inbox = inbox_with(&desk, 3);
    assert_int_equal(desk_flags(&desk, inbox,
                                (struct desk_store){ one, FLAGS_ADD, FLAG_SEEN, BYTES("k") },
                                &modseq),
                     ERR_OK);
    assert_int_equal(modseq.value, account_change_number(desk.account).value);
    assert_int_equal(mailbox_highest_modseq(inbox).value, modseq.value);
    before = modseq;
    assert_int_equal(desk_flags(&desk, inbox,
                                (struct desk_store){ one, FLAGS_ADD, FLAG_SEEN, BYTES("K") },
                                &modseq),
                     ERR_OK);
    assert_int_equal(modseq.value, 0);
    assert_int_equal(desk_flags(&desk, inbox,
                                (struct desk_store){ one, FLAGS_REMOVE, 0, BYTES("never") },
                                &modseq),
                     ERR_OK);
    assert_int_equal(modseq.value, 0);
    assert_int_equal(mailbox_keyword_count(inbox), 1);
    assert_int_equal(account_change_number(desk.account).value, before.value);
    assert_int_equal(desk_flags(&desk, inbox,
                                (struct desk_store){ all, FLAGS_REPLACE, FLAG_SEEN, BYTES("k") },
                                &modseq),
                     ERR_OK);
    {
        struct view *view = view_open(inbox);
        struct row row;

        view_row(view, (struct seqno){ 2 }, &row);
        assert_int_equal(row.modseq.value, before.value);
        view_row(view, (struct seqno){ 3 }, &row);
        assert_int_equal(row.modseq.value, modseq.value);
        view_close(view);
    }
    ASSERT_BYTES(mailbox_keyword(inbox, 0), BYTES("k"));
    done(&desk);
}

static void test_flags_unchanged_since(void **context)
{
    struct arena arena = arena_make(1 << 16);
    struct uid_range all = { 1, UINT32_MAX };
    struct uid_range second = { 2, 2 };
    struct flag_act act = { .uids = { &all, 1 }, .mode = FLAGS_ADD, .flags = { FLAG_DELETED } };
    struct flag_result result;
    struct origin origin;
    struct mailbox *inbox;
    struct desk desk;

    (void)context;
    open_new(&desk);
    inbox = inbox_with(&desk, 3);
    act.unchanged_since = mailbox_highest_modseq(inbox).value;
    assert_int_equal(desk_flags(&desk, inbox,
                                (struct desk_store){ second, FLAGS_ADD, FLAG_SEEN, BYTES("") },
                                NULL),
                     ERR_OK);
    origin = desk_origin(&desk);
    assert_int_equal(desk_finish(&desk, act_flags(inbox, &origin, &act, &arena, &result)), ERR_OK);
    assert_int_equal(result.modified.count, 1);
    assert_int_equal(result.modified.ranges[0].first, 2);
    assert_int_equal(result.modified.ranges[0].last, 2);
    {
        struct mailbox_counts counts;

        mailbox_counts(inbox, &counts);
        assert_int_equal(counts.deleted, 2);
        assert_int_equal(counts.unseen, 2);
    }
    arena_done(&arena);
    done(&desk);
}

static void test_keyword_limit(void **context)
{
    struct uid_range one = { 1, 1 };
    struct mailbox *inbox;
    struct desk desk;
    char name[8];

    (void)context;
    desk_init(&desk, mem_vfs_new(1));
    desk.options.keywords_max = 3;
    assert_int_equal(desk_open(&desk), ERR_OK);
    inbox = inbox_with(&desk, 1);
    for (int i = 0; i < 4; i++) {
        (void)snprintf(name, sizeof(name), "k%d", i);
        assert_int_equal(
            desk_flags(&desk, inbox,
                       (struct desk_store){ one, FLAGS_ADD, 0, bytes_from_string(name) }, NULL),
            i < 3 ? ERR_OK : ERR_LIMIT);
    }
    assert_int_equal(
        desk_flags(&desk, inbox, (struct desk_store){ one, FLAGS_ADD, 0, BYTES("K1") }, NULL),
        ERR_OK);
    done(&desk);
}

static void test_copy_is_one_small_record(void **context)
{
    enum { MANY = 10000 };
    struct arena arena = arena_make(1 << 20);
    struct append_item *items = calloc(MANY, sizeof(*items));
    struct uid_range all = { 1, UINT32_MAX };
    struct origin origin;
    struct mailbox *inbox;
    struct mailbox *sent;
    struct copy_result result;
    struct uid first;
    struct desk desk;
    uint64_t before;

    (void)context;
    open_new(&desk);
    inbox = desk_mailbox(&desk, "INBOX");
    sent = desk_mailbox(&desk, "Sent");
    for (uint32_t i = 0; i < MANY; i++)
        assert_int_equal(desk_body(&desk, bytes_from_string(mail), &items[i].body), ERR_OK);
    origin = desk_origin(&desk);
    assert_int_equal(desk_finish(&desk, act_append(inbox, &origin, items, MANY, &first)), ERR_OK);
    assert_int_equal(first.value, 1);
    desk_sync(&desk);
    before = account_durable(desk.account);
    origin = desk_origin(&desk);
    assert_int_equal(
        desk_finish(&desk, act_copy(inbox, &origin,
                                    &(struct copy_act){ sent, (struct uid_set){ &all, 1 }, false },
                                    &arena, &result)),
        ERR_OK);
    assert_int_equal(result.copied.count, 1);
    assert_int_equal(result.copied.ranges[0].last, MANY);
    assert_true(account_gate(desk.account) - before < 256);
    assert_int_equal(account_used_messages(desk.account), 2 * MANY);
    {
        struct view *view = view_open(sent);
        struct row row;

        assert_int_equal(view_count(view), MANY);
        view_row(view, (struct seqno){ MANY }, &row);
        assert_int_equal(row.body.value, MANY);
        assert_int_equal(row.save_date, wall_seconds(origin.now));
        view_close(view);
    }
    desk_close(&desk);
    assert_int_equal(desk_open(&desk), ERR_OK);
    assert_int_equal(account_used_messages(desk.account), 2 * MANY);
    free(items);
    arena_done(&arena);
    done(&desk);
}

/* More than one batch holds: all of it is there, in one change. */
static void test_multiappend_beyond_a_batch(void **context)
{
    enum { MANY = 1040 };
    struct append_item *items = calloc(MANY, sizeof(*items));
    uint8_t *text = calloc(1, BODY_INLINE_BYTES_MAX);
    struct buf body = buf_make(BODY_INLINE_BYTES_MAX);
    struct origin origin;
    struct uid first;
    struct desk desk;
    uint64_t change;

    (void)context;
    open_new(&desk);
    change = account_change_number(desk.account).value;
    for (uint32_t i = 0; i < MANY; i++) {
        text[BODY_INLINE_BYTES_MAX - 1] = (uint8_t)i;
        assert_int_equal(desk_body(&desk, bytes_make(text, BODY_INLINE_BYTES_MAX), &items[i].body),
                         ERR_OK);
    }
    origin = desk_origin(&desk);
    assert_int_equal(
        desk_finish(&desk, act_append(desk_mailbox(&desk, "INBOX"), &origin, items, MANY, &first)),
        ERR_OK);
    assert_int_equal(account_change_number(desk.account).value, change + 1);
    desk_close(&desk);
    assert_int_equal(desk_open(&desk), ERR_OK);
    assert_int_equal(account_used_messages(desk.account), MANY);
    for (uint64_t id = 1; id <= MANY; id += 13) {
        assert_int_equal(desk_read(&desk, (struct body_id){ id }, &body), ERR_OK);
        assert_int_equal(buf_bytes(&body).at[BODY_INLINE_BYTES_MAX - 1], (uint8_t)(id - 1));
    }
    buf_done(&body);
    free(text);
    free(items);
    done(&desk);
}

static void test_move_expunge_and_vanished(void **context)
{
    struct arena arena = arena_make(1 << 20);
    const struct uid_range some[] = { { 2, 3 }, { 9, 20 } };
    const struct uid_range all = { 1, UINT32_MAX };
    struct uid_set everything = { &all, 1 };
    struct modseq since;
    struct origin origin;
    struct mailbox *inbox;
    struct uid_set set;
    struct copy_result result;
    struct desk desk;
    uint32_t count;

    (void)context;
    open_new(&desk);
    inbox = inbox_with(&desk, 10);
    origin = desk_origin(&desk);
    assert_int_equal(
        desk_finish(&desk, act_copy(inbox, &origin,
                                    &(struct copy_act){ inbox, (struct uid_set){ some, 2 }, true },
                                    &arena, &result)),
        ERR_OK);
    assert_int_equal(result.first.value, 11);
    assert_int_equal(result.copied.count, 2);
    assert_int_equal(result.copied.ranges[1].last, 10);
    since = mailbox_highest_modseq(inbox);
    assert_int_equal(mailbox_vanished(inbox, (struct modseq){ 1 }, everything, &arena, &set),
                     ERR_OK);
    assert_int_equal(set.count, 2);
    assert_int_equal(set.ranges[0].first, 2);
    assert_int_equal(set.ranges[1].first, 9);
    assert_int_equal(set.ranges[1].last, 10);
    assert_int_equal(desk_finish(&desk, act_expunge(inbox, &origin, everything, true, &count)),
                     ERR_OK);
    assert_int_equal(count, 0);
    assert_int_equal(mailbox_highest_modseq(inbox).value, since.value);
    assert_int_equal(
        desk_finish(&desk, act_expunge(inbox, &origin, (struct uid_set){ some, 1 }, false, &count)),
        ERR_OK);
    assert_int_equal(count, 0);
    assert_int_equal(desk_finish(&desk, act_expunge(inbox, &origin, everything, false, &count)),
                     ERR_OK);
    assert_int_equal(count, 10);
    assert_int_equal(mailbox_vanished(inbox, since, everything, &arena, &set), ERR_OK);
    assert_int_equal(set.count, 3); /* 1, 4:8, 11:14 */
    assert_int_equal(set.ranges[2].first, 11);
    assert_int_equal(account_used_bytes(desk.account), 0);
    arena_done(&arena);
    done(&desk);
}

static void test_copy_over_quota(void **context)
{
    struct arena arena = arena_make(1 << 16);
    struct uid_range all = { 1, UINT32_MAX };
    struct origin origin;
    struct mailbox *inbox;
    struct copy_result result;
    struct desk desk;

    (void)context;
    open_new(&desk);
    inbox = inbox_with(&desk, 3);
    account_set_quota(desk.account, 5 * strlen(mail));
    origin = desk_origin(&desk);
    assert_int_equal(
        desk_finish(&desk, act_copy(inbox, &origin,
                                    &(struct copy_act){ desk_mailbox(&desk, "Sent"),
                                                        (struct uid_set){ &all, 1 }, false },
                                    &arena, &result)),
        ERR_OVER_QUOTA);
    assert_int_equal(
        desk_finish(&desk, act_copy(inbox, &origin,
                                    &(struct copy_act){ desk_mailbox(&desk, "Sent"),
                                                        (struct uid_set){ &all, 1 }, true },
                                    &arena, &result)),
        ERR_OK);
    arena_done(&arena);
    done(&desk);
}

static void test_recent(void **context)
{
    struct origin origin;
    struct mailbox *inbox;
    struct desk desk;
    uint32_t floor;

    (void)context;
    open_new(&desk);
    inbox = inbox_with(&desk, 2);
    origin = desk_origin(&desk);
    assert_int_equal(act_recent_claim(desk.account, &origin, inbox, &floor), ERR_OK);
    assert_int_equal(floor, 1);
    assert_int_equal(act_recent_claim(desk.account, &origin, inbox, &floor), ERR_OK);
    assert_int_equal(floor, 3);
    desk_close(&desk);
    assert_int_equal(desk_open(&desk), ERR_OK);
    assert_int_equal(mailbox_recent_floor(desk_mailbox(&desk, "INBOX")), 3);
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

static void test_a_failed_sync_ends_the_account(void **context)
{
    struct failing failing = { .listener = { on_durable, on_changed, on_failed } };
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
    struct mailbox_counts counts;
    struct desk desk;

    (void)context;
    desk_init(&desk, crash_vfs_get(crash));
    assert_int_equal(desk_open(&desk), ERR_OK);
    account_set_listener(desk.account, &failing.listener);
    (void)inbox_with(&desk, 1);
    desk_sync(&desk);
    (void)inbox_with(&desk, 1);
    crash_vfs_fail(crash, CRASH_FAIL_SYNC, 0, 0);
    desk_sync(&desk);
    assert_int_equal(failing.failures, 1);
    assert_true(account_has_failed(desk.account));
    assert_int_equal(create(&desk, "a"), ERR_CLOSED);
    assert_int_equal(
        desk_append(&desk, desk_mailbox(&desk, "INBOX"), bytes_from_string(mail), 0, NULL),
        ERR_CLOSED);
    assert_int_equal(desk_tick(&desk).ms, INT64_MAX);
    desk_close(&desk);
    assert_int_equal(desk_open(&desk), ERR_OK);
    assert_true(desk.report.epoch);
    mailbox_counts(desk_mailbox(&desk, "INBOX"), &counts);
    assert_int_equal(counts.messages, 1);
    desk_close(&desk);
    crash_vfs_free(crash);
}

static void test_a_full_disk_changes_nothing(void **context)
{
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
    struct mailbox_counts counts;
    struct desk desk;

    (void)context;
    desk_init(&desk, crash_vfs_get(crash));
    assert_int_equal(desk_open(&desk), ERR_OK);
    (void)inbox_with(&desk, 1);
    desk_sync(&desk);
    crash_vfs_fail(crash, CRASH_FAIL_APPEND, 0, 5);
    assert_int_equal(
        desk_append(&desk, desk_mailbox(&desk, "INBOX"), bytes_from_string(mail), 0, NULL),
        ERR_NO_SPACE);
    if (!account_has_failed(desk.account))
        (void)inbox_with(&desk, 1);
    mailbox_counts(desk_mailbox(&desk, "INBOX"), &counts);
    assert_int_equal(counts.messages, account_has_failed(desk.account) ? 1 : 2);
    desk_close(&desk);
    assert_int_equal(desk_open(&desk), ERR_OK);
    desk_close(&desk);
    crash_vfs_free(crash);
}

static void test_a_copied_account(void **context)
{
    struct uid_range all = { 1, UINT32_MAX };
    struct arena arena = arena_make(1 << 16);
    struct mailbox *inbox;
    struct modseq before;
    struct uid_set set;
    struct desk desk;
    struct uid uid;

    (void)context;
    open_new(&desk);
    inbox = inbox_with(&desk, 2);
    before = mailbox_highest_modseq(inbox);
    desk_close(&desk);
    mem_vfs_change_identity(desk.vfs, MEM_DIRECTORY);
    assert_int_equal(desk_open(&desk), ERR_OK);
    assert_true(desk.report.epoch);
    inbox = desk_mailbox(&desk, "INBOX");
    assert_true(mailbox_highest_modseq(inbox).value > before.value + 1000000);
    {
        struct view *view = view_open(inbox);
        struct row row;

        view_row(view, (struct seqno){ 1 }, &row);
        assert_int_equal(row.modseq.value, mailbox_highest_modseq(inbox).value);
        view_close(view);
    }
    assert_true(mailbox_uidnext(inbox) > 1000000);
    assert_int_equal(mailbox_vanished(inbox, before, (struct uid_set){ &all, 1 }, &arena, &set),
                     ERR_OK);
    assert_int_equal(set.count, 1);
    assert_int_equal(set.ranges[0].first, 3);
    assert_int_equal(set.ranges[0].last, mailbox_uidnext(inbox) - 1);
    assert_int_equal(desk_append(&desk, inbox, bytes_from_string(mail), 0, &uid), ERR_OK);
    assert_true(uid.value > 1000000);
    arena_done(&arena);
    done(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_create_limits_and_uses),
        cmocka_unit_test(test_delete),
        cmocka_unit_test(test_rename_refusals),
        cmocka_unit_test(test_rename_tree_and_inbox),
        cmocka_unit_test(test_flags_write_what_they_change),
        cmocka_unit_test(test_flags_unchanged_since),
        cmocka_unit_test(test_keyword_limit),
        cmocka_unit_test(test_copy_is_one_small_record),
        cmocka_unit_test(test_multiappend_beyond_a_batch),
        cmocka_unit_test(test_move_expunge_and_vanished),
        cmocka_unit_test(test_copy_over_quota),
        cmocka_unit_test(test_recent),
        cmocka_unit_test(test_a_failed_sync_ends_the_account),
        cmocka_unit_test(test_a_full_disk_changes_nothing),
        cmocka_unit_test(test_a_copied_account),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
