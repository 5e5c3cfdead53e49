/* What damage costs: the messages that it hits and no others; bodies that are not in their places.
 */
#include "store/verify_messages.h"

#include "store/verify_test.h"

enum { COST_FLIPS = 1500 };

/* The message whose body or last change is in the record at `at`; 0: none. */
static uint32_t cost_in_log(struct bytes file, uint64_t at)
{
    uint64_t offset = SEGMENT_RECORDS_AT;
    uint32_t uid = 0;
    uint32_t changes = 0; /* since the last body */
    struct record_header header;
    struct segment segment;
    struct record_key key;

    assert_int_equal(segment_header_decode(bytes_slice(file, 0, SEGMENT_HEADER_BYTES), &segment),
                     ERR_OK);
    key = record_key_make(segment.id);
    while (at >= offset && record_header_decode(bytes_slice(file, offset, RECORD_HEADER_BYTES), key,
                                                offset, &header)) {
        if (header.type == RECORD_BODY) {
            uid++;
            changes = 0;
        } else if (uid > 0 && ++changes > 2) {
            uid++; /* its body is elsewhere */
        }
        if (at < offset + record_bytes(header.length))
            return uid;
        offset += record_bytes(header.length);
    }
    return 0;
}

static uint32_t cost_of(const struct verify_files *files, size_t which, struct bytes file,
                        uint64_t at)
{
    uint32_t uid = SMALL;

    if (segment_kind(files->number[which]) == SEGMENT_LOG)
        return cost_in_log(file, at);
    for (size_t i = 0; i <= which; i++)
        uid += segment_kind(files->number[i]) == SEGMENT_BODY ? 1 : 0;
    return uid;
}

/* All messages of the account, in pieces; what is gone and was not moved is lost. */
static void look_at_messages(struct verify *verify, const struct account *account)
{
    struct verify_message messages[VERIFY_MESSAGES_MAX];
    struct verify_cursor cursor = { .uid = 0 };

    while (!cursor.done) {
        size_t count = verify_take(account, &cursor, messages, 7);

        assert_int_equal(verify_messages(verify, messages, count, NULL), ERR_OK);
        for (size_t i = 0; i < count; i++)
            if (messages[i].is_gone && verify_take_again(account, &messages[i]) == VERIFY_THE_SAME)
                verify_lose(verify, &messages[i]);
    }
}

static void cost_one(struct desk *desk, const struct verify_files *files,
                     struct test_random *random)
{
    size_t which = test_random_below(random, files->count);
    const char *path = files->path[which];
    struct bytes before = copy_of(mem_vfs_file(desk->vfs, path));
    uint64_t at = test_random_below(random, before.len);
    struct verify_finding finding;
    uint32_t uid = 0;
    struct verify *verify;
    const struct verify_loss *losses;
    size_t count;

    if (verify_model_expect(before, files->number[which], at, &finding) &&
        finding.kind != VERIFY_COPY)
        uid = cost_of(files, which, before, at);
    mem_vfs_damage(desk->vfs, path, at, 1);
    verify = verify_all(desk->vfs, account_durable(desk->account));
    look_at_messages(verify, desk->account);
    losses = verify_losses(verify, &count);
    if (count != (uid == 0 ? 0 : 1) || (count == 1 && losses[0].uid.value != uid))
        fail_msg("%s, byte %llu: costs %zu messages, the first %u, not %u", path,
                 (unsigned long long)at, count, count > 0 ? losses[0].uid.value : 0, uid);
    assert_int_equal(verify_counts(verify).messages, ALL);
    assert_in_range(verify_counts(verify).findings, 0, 1);
    verify_free(verify);
    mem_vfs_damage(desk->vfs, path, at, 1);
    free((void *)(uintptr_t)before.at);
}

static void test_what_each_flip_costs(void **state)
{
    struct test_random random = seed();
    struct vfs *vfs = mem_vfs_new(11);
    struct verify_files files;
    struct desk desk;

    (void)state;
    fill_account(&desk, vfs);
    verify_model_list(vfs, &files);
    for (int flip = 0; flip < COST_FLIPS; flip++)
        cost_one(&desk, &files, &random);
    desk_close(&desk);
    mem_vfs_free(vfs);
}

static void test_a_body_that_is_not_there(void **state)
{
    struct vfs *vfs = mem_vfs_new(11);
    const struct verify_finding *findings;
    const struct verify_loss *losses;
    struct verify_message moved;
    struct verify_cursor cursor = { .uid = 0 };
    struct verify *verify;
    struct verify_files files;
    struct desk desk;
    size_t count;

    (void)state;
    fill_account(&desk, vfs);
    verify_model_list(vfs, &files);
    mem_vfs_remove(vfs, files.path[files.count - 1]);
    verify = verify_all(vfs, account_durable(desk.account));
    look_at_messages(verify, desk.account);
    findings = verify_findings(verify, &count);
    assert_int_equal(count, 1);
    assert_int_equal(findings[0].kind, VERIFY_LOST);
    assert_int_equal(findings[0].messages, 1);
    losses = verify_losses(verify, &count);
    assert_int_equal(count, 1);
    assert_int_equal(losses[0].uid.value, ALL);

    /* One that was moved since it was taken is looked for at its new place. */
    assert_int_equal(verify_take(desk.account, &cursor, &moved, 1), 1);
    moved.place.segment = 0x7d;
    assert_int_equal(verify_messages(verify, &moved, 1, NULL), ERR_OK);
    assert_true(moved.is_gone);
    assert_int_equal(verify_take_again(desk.account, &moved), VERIFY_MOVED);
    assert_int_equal(verify_messages(verify, &moved, 1, NULL), ERR_OK);
    assert_false(moved.is_gone);
    assert_int_equal(verify_counts(verify).losses, 1);

    /* Another body at the place, and a size that is not its own. */
    moved.body.value++;
    assert_int_equal(verify_messages(verify, &moved, 1, NULL), ERR_OK);
    assert_int_equal(verify_counts(verify).losses, 2);
    moved.body.value--;
    moved.size++;
    assert_int_equal(verify_messages(verify, &moved, 1, NULL), ERR_OK);
    assert_int_equal(verify_counts(verify).losses, 3);

    moved.uid.value = 9999;
    assert_int_equal(verify_take_again(desk.account, &moved), VERIFY_NO_MORE);
    verify_free(verify);
    desk_close(&desk);
    mem_vfs_free(vfs);
}

/* Messages that come while it reads are passed over: their bodies were not read. */
static void test_new_messages_are_no_damage(void **state)
{
    struct vfs *vfs = mem_vfs_new(11);
    struct verify_cursor cursor = { .uid = 0 };
    struct verify_message waiting;
    struct verify *verify;
    struct desk desk;

    (void)state;
    fill_account(&desk, vfs);
    verify = verify_all(vfs, account_durable(desk.account));
    assert_int_equal(verify_take(desk.account, &cursor, &waiting, 1), 1);
    waiting.place.offset = 1 << 30; /* not even on the disk yet */
    assert_int_equal(verify_messages(verify, &waiting, 1, NULL), ERR_OK);
    waiting.place.segment = 0xffc;
    assert_int_equal(verify_messages(verify, &waiting, 1, NULL), ERR_OK);
    assert_false(waiting.is_gone);
    assert_int_equal(desk_append(&desk, desk_mailbox(&desk, "INBOX"), BYTES("new"), 0, NULL),
                     ERR_OK);
    look_at_messages(verify, desk.account);
    assert_int_equal(verify_counts(verify).messages, ALL + 3);
    assert_int_equal(verify_counts(verify).findings, 0);
    verify_free(verify);
    desk_close(&desk);
    mem_vfs_free(vfs);
}

static struct verify_derived look_at_derived(struct vfs *vfs, const struct desk *desk)
{
    struct verify_derived derived = { .done = false };

    while (!derived.done)
        verify_look_at_derived(vfs, desk->options.id, &derived);
    return derived;
}

static void test_derived_files(void **state)
{
    static const char *const paths[] = { "checkpoint", "summary", "summary.index" };
    struct vfs *vfs = mem_vfs_new(11);
    struct verify_derived now;
    struct desk desk;

    (void)state;
    fill_account(&desk, vfs);
    assert_false(look_at_derived(vfs, &desk).has_checkpoint);
    desk_close(&desk);
    now = look_at_derived(vfs, &desk);
    assert_true(now.has_checkpoint && now.checkpoint_holds);
    assert_true(now.summaries.is_there && now.summaries.holds);
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        struct bytes file = mem_vfs_file(vfs, paths[i]);
        size_t at = i == 0 ? 60 : file.len - 1; /* the last entry */

        mem_vfs_damage(vfs, paths[i], at, 1);
        now = look_at_derived(vfs, &desk);
        assert_int_equal(now.checkpoint_holds, i != 0);
        assert_int_equal(now.summaries.holds, i == 0);
        mem_vfs_damage(vfs, paths[i], at, 1);
    }
    mem_vfs_remove(vfs, "summary.index");
    now = look_at_derived(vfs, &desk);
    assert_true(now.summaries.is_there && !now.summaries.holds);
    mem_vfs_free(vfs);
}

/* Two bodies in one change: what hits one costs one. */
static void test_a_batch_of_two(void **state)
{
    struct vfs *vfs = mem_vfs_new(11);
    struct append_item items[2] = { { .internal_date = { .seconds = 1 } },
                                    { .internal_date = { .seconds = 1 } } };
    const struct verify_loss *losses;
    struct verify *verify;
    struct origin origin;
    struct uid uids[2];
    struct desk desk;
    size_t count;
    size_t at;

    (void)state;
    desk_init(&desk, vfs);
    assert_int_equal(desk_open(&desk), ERR_OK);
    assert_int_equal(desk_body(&desk, BYTES("the first one"), &items[0].body), ERR_OK);
    assert_int_equal(desk_body(&desk, BYTES("the second one"), &items[1].body), ERR_OK);
    origin = desk_origin(&desk);
    assert_int_equal(
        desk_finish(&desk, act_append(desk_mailbox(&desk, "INBOX"), &origin, items, 2, uids)),
        ERR_OK);
    desk_sync(&desk);
    at = bytes_find(mem_vfs_file(vfs, log_1), 0, BYTES("the second one"));
    mem_vfs_damage(vfs, log_1, at - RECORD_HEADER_BYTES, 1);
    verify = verify_all(vfs, account_durable(desk.account));
    look_at_messages(verify, desk.account);
    losses = verify_losses(verify, &count);
    assert_int_equal(count, 1);
    assert_int_equal(losses[0].uid.value, 2);
    verify_free(verify);
    desk_close(&desk);
    mem_vfs_free(vfs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_each_flip_costs),
        cmocka_unit_test(test_a_body_that_is_not_there),
        cmocka_unit_test(test_a_batch_of_two),
        cmocka_unit_test(test_new_messages_are_no_damage),
        cmocka_unit_test(test_derived_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
