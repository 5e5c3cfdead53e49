/* Every act has its line. */
#include "store/journal.h"

#include <stdlib.h>
#include <string.h>

#include "kit/assert_bytes.h"
#include "kit/desk.h"
#include "kit/mem_vfs.h"
#include "store/account_state.h"

struct scene {
    struct desk desk;
    struct buf lines;
};

static struct mailbox *box(struct scene *scene, const char *name)
{
    return desk_mailbox(&scene->desk, name);
}

static void append(struct scene *scene, const char *name, enum protocol protocol, uint32_t count)
{
    struct origin origin = desk_origin(&scene->desk);
    struct append_item items[8] = { 0 };
    struct uid first;

    origin.protocol = protocol;
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(
            desk_body(&scene->desk, BYTES("Message-ID: <a@b>\r\n\r\nx"), &items[i].body), ERR_OK);
    assert_int_equal(
        desk_finish(&scene->desk, act_append(box(scene, name), &origin, items, count, &first)),
        ERR_OK);
}

static void copy(struct scene *scene, struct uid_range range, bool move)
{
    struct origin origin = desk_origin(&scene->desk);
    struct arena arena = arena_make(1 << 20);
    struct copy_act act = { box(scene, "Archive"), { &range, 1 }, move };
    struct copy_result result;

    assert_int_equal(act_copy(box(scene, "INBOX"), &origin, &act, &arena, &result), ERR_OK);
    arena_done(&arena);
}

static void expunge(struct scene *scene, const struct uid_range *ranges, uint32_t count)
{
    struct origin origin = desk_origin(&scene->desk);
    uint32_t expunged;

    assert_int_equal(act_expunge(box(scene, "INBOX"), &origin, (struct uid_set){ ranges, count },
                                 false, &expunged),
                     ERR_OK);
}

static void live(struct scene *scene)
{
    static const struct uid_range some[] = { { 2, 2 }, { 4, 6 } };
    struct account *account = scene->desk.account;
    struct origin origin = desk_origin(&scene->desk);

    append(scene, "INBOX", PROTOCOL_LMTP, 1);
    append(scene, "INBOX", PROTOCOL_IMAP, 6);
    assert_int_equal(desk_flags(&scene->desk, box(scene, "INBOX"),
                                (struct desk_store){ .uids = { 1, 3 },
                                                     .mode = FLAGS_ADD,
                                                     .flags = FLAG_SEEN | FLAG_FLAGGED,
                                                     .keyword = BYTES("red") },
                                NULL),
                     ERR_OK);
    copy(scene, (struct uid_range){ 1, 2 }, false);
    copy(scene, (struct uid_range){ 1, 1 }, true);
    expunge(scene, some, 2);
    assert_int_equal(act_mailbox_create(account, &origin, BYTES("a/b"), 0, NULL), ERR_OK);
    assert_int_equal(act_mailbox_rename(account, &origin, box(scene, "a"), BYTES("c")), ERR_OK);
    assert_int_equal(act_mailbox_delete(account, &origin, box(scene, "Archive")), ERR_OK);
    assert_int_equal(act_subscribe(account, &origin, BYTES("Junk"), false), ERR_OK);
    append(scene, "c/b", PROTOCOL_ADMIN, 2);
    assert_int_equal(act_mailbox_rename(account, &origin, box(scene, "INBOX"), BYTES("Old")),
                     ERR_OK);
    desk_sync(&scene->desk);
}

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));

    scene->lines = buf_make(1 << 20);
    desk_init(&scene->desk, mem_vfs_new(1));
    assert_int_equal(desk_open(&scene->desk), ERR_OK);
    live(scene);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    desk_close(&scene->desk);
    assert_int_equal(mem_vfs_open_files(scene->desk.vfs), 0);
    mem_vfs_free(scene->desk.vfs);
    buf_done(&scene->lines);
    free(scene);
    return 0;
}

static void add_lines(struct buf *lines, const struct journal *journal)
{
    size_t count;
    const struct journal_entry *entries = journal_entries(journal, &count);

    for (size_t i = 0; i < count; i++) {
        const struct journal_entry *entry = &entries[i];

        buf_add_format(lines, "%s %s %.*s", journal_protocol_text(entry->protocol),
                       journal_kind_text(entry->kind), BYTES_ARG(entry->mailbox));
        if (entry->to.len > 0)
            buf_add_format(lines, " to %.*s", BYTES_ARG(entry->to));
        if (entry->uids.len > 0)
            buf_add_format(lines, " %u %.*s", (unsigned)entry->messages, BYTES_ARG(entry->uids));
        else if (entry->messages > 0)
            buf_add_format(lines, " %u", (unsigned)entry->messages);
        if (entry->detail.len > 0)
            buf_add_format(lines, " %.*s", BYTES_ARG(entry->detail));
        buf_add_string(lines, "\n");
    }
}

/* All of it, read in pieces of a few records. */
static const char *read_all(struct scene *scene, const struct journal_options *ask)
{
    struct journal_options options = *ask;
    struct journal *journal;
    bool done = false;

    options.vfs = scene->desk.vfs;
    options.position = account_durable(scene->desk.account);
    journal = journal_new(&options);
    buf_clear(&scene->lines);
    while (!done) {
        assert_int_equal(journal_read(journal, 300, &done, NULL), ERR_OK);
        if (options.last_max > 0)
            continue;
        add_lines(&scene->lines, journal);
        journal_clear(journal);
    }
    add_lines(&scene->lines, journal);
    assert_int_equal(journal_since(journal).us, INT64_C(1700000000) * 1000000);
    assert_true(journal_position(journal) > 0);
    journal_free(journal);
    buf_add_byte(&scene->lines, '\0');
    return (const char *)buf_bytes(&scene->lines).at;
}

static const char beginning[] = "store began \n"
                                "store created INBOX\nstore subscribed INBOX\n"
                                "store created Drafts\nstore subscribed Drafts\n"
                                "store created Sent\nstore subscribed Sent\n"
                                "store created Junk\nstore subscribed Junk\n"
                                "store created Trash\nstore subscribed Trash\n"
                                "store created Archive\nstore subscribed Archive\n";
static const char middle[] = "lmtp added INBOX 1 1\n"
                             "imap added INBOX 6 2:7\n"
                             "imap flagged INBOX 3 1:3 +(\\Seen \\Flagged red)\n"
                             "imap copied INBOX to Archive 2 1:2\n"
                             "imap moved INBOX to Archive 1 1\n"
                             "imap expunged INBOX 4 2,4:6\n"
                             "imap created a\nimap created a/b\n"
                             "imap renamed a to c\nimap renamed a/b to c/b\n"
                             "imap deleted Archive 3\n"
                             "imap unsubscribed Junk\n"
                             "admin undeleted c/b 2 1:2\n";
static const char end[] = "imap created Old\nimap moved INBOX to Old 2 3,7\n";

static void test_everything(void **state)
{
    const struct journal_options all = { .position = 0 };
    struct buf want = buf_make(1 << 16);

    buf_add_string(&want, beginning);
    buf_add_string(&want, middle);
    buf_add_string(&want, end);
    buf_add_byte(&want, '\0');
    assert_string_equal(read_all(*state, &all), (const char *)buf_bytes(&want).at);
    buf_done(&want);
}

static void test_of_one_mailbox(void **state)
{
    struct scene *scene = *state;
    struct journal_options ask = { .name = BYTES("Archive") };

    assert_string_equal(read_all(scene, &ask), "store created Archive\nstore subscribed Archive\n"
                                               "imap copied INBOX to Archive 2 1:2\n"
                                               "imap moved INBOX to Archive 1 1\n"
                                               "imap deleted Archive 3\n");
    ask = (struct journal_options){ .name = BYTES("c/b"), .id = box(scene, "c/b")->id };
    assert_string_equal(read_all(scene, &ask), "imap created a/b\nimap renamed a/b to c/b\n"
                                               "admin undeleted c/b 2 1:2\n");
}

static void test_since_and_the_last(void **state)
{
    struct scene *scene = *state;
    struct journal_options ask = { .since = scene->desk.now };

    append(scene, "INBOX", PROTOCOL_IMAP, 1);
    desk_sync(&scene->desk);
    ask.since = scene->desk.now;
    assert_string_equal(read_all(scene, &ask), "imap added INBOX 1 8\n");
    ask = (struct journal_options){ .last_max = 3 };
    assert_string_equal(read_all(scene, &ask), "imap created Old\nimap moved INBOX to Old 2 3,7\n"
                                               "imap added INBOX 1 8\n");
}

static void test_an_epoch_says_why(void **state)
{
    struct scene *scene = *state;
    const struct journal_options last = { .last_max = 1 };

    desk_close(&scene->desk);
    mem_vfs_change_identity(scene->desk.vfs, MEM_DIRECTORY);
    assert_int_equal(desk_open(&scene->desk), ERR_OK);
    assert_string_equal(read_all(scene, &last),
                        "store epoch  the directory was copied, moved or restored\n");
}

static void test_many_uids_are_cut(void **state)
{
    struct scene *scene = *state;
    const struct journal_options last = { .last_max = 1 };
    struct uid_range ranges[40];
    const char *line;

    for (unsigned i = 0; i < 20; i++)
        append(scene, "INBOX", PROTOCOL_IMAP, 5);
    for (uint32_t i = 0; i < 40; i++)
        ranges[i] = (struct uid_range){ 10 + 2 * i, 10 + 2 * i };
    expunge(scene, ranges, 40);
    desk_sync(&scene->desk);
    line = read_all(scene, &last);
    assert_non_null(strstr(line, "imap expunged INBOX 40 10,12,14,"));
    assert_string_equal(line + strlen(line) - 4, "...\n");
    assert_true(strlen(line) < 160);
}

static void test_protocols_without_a_name(void **state)
{
    assert_string_equal(journal_protocol_text((enum protocol)99), "");
    assert_string_equal(journal_protocol_text(PROTOCOL_NONE), "");
    journal_free(NULL);
}

int main(void)
{
#define JOURNAL_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(test_everything),         JOURNAL_TEST(test_of_one_mailbox),
        JOURNAL_TEST(test_since_and_the_last), JOURNAL_TEST(test_an_epoch_says_why),
        JOURNAL_TEST(test_many_uids_are_cut),  JOURNAL_TEST(test_protocols_without_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
