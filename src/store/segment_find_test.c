/* Segments that were put in from another account's directory: every checksum in them holds. */
#include "store/segment_find.h"

#include <string.h>

#include "kit/assert_bytes.h"
#include "kit/desk.h"
#include "kit/mem_vfs.h"
#include "store/verify.h"

enum { LARGE_BYTES = 100000 };

/* Alike but for the id, which is `name` over and over. Closed. */
static struct vfs *make(uint8_t name)
{
    static uint8_t text[LARGE_BYTES];
    struct vfs *disk = mem_vfs_new(name);
    struct desk desk;

    memset(text, name, sizeof(text));
    desk_init(&desk, disk);
    memset(desk.options.id.raw, name, sizeof(desk.options.id.raw));
    assert_int_equal(desk_open(&desk), ERR_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(
            desk_append(&desk, desk_mailbox(&desk, "INBOX"), bytes_make(text, 1000), 0, NULL),
            ERR_OK);
    assert_int_equal(
        desk_append(&desk, desk_mailbox(&desk, "INBOX"), bytes_make(text, sizeof(text)), 0, NULL),
        ERR_OK);
    desk_sync(&desk);
    desk_close(&desk);
    return disk;
}

static void sit_down(struct desk *desk, struct vfs *disk, uint8_t name)
{
    desk_init(desk, disk);
    memset(desk->options.id.raw, name, sizeof(desk->options.id.raw));
    desk->options.create = false;
}

static const char *path_of(struct vfs *disk, const char *suffix)
{
    const char *path;

    for (unsigned i = 0; (path = mem_vfs_path(disk, i)) != NULL; i++)
        if (strstr(path, suffix) != NULL)
            return path;
    fail_msg("no %s", suffix);
    return NULL;
}

static void swap_in(struct vfs *disk, struct vfs *other, const char *suffix)
{
    const char *path = path_of(disk, suffix);

    assert_string_equal(path, path_of(other, suffix));
    mem_vfs_put(disk, path, mem_vfs_file(other, path));
}

static void a_log_segment_is_refused(void **state)
{
    struct vfs *mine = make('m');
    struct vfs *other = make('o');
    struct vfs *whole = mem_vfs_copy(mine, 1);
    struct desk desk;

    swap_in(mine, other, ".log");
    sit_down(&desk, mine, 'm');
    for (int i = 0; i < 2; i++) { /* with its checkpoint, and without */
        assert_int_equal(desk_open(&desk), ERR_INVALID);
        assert_non_null(strstr(desk.why.text, "log/0000000000000004.log belongs to another"));
        mem_vfs_remove(mine, "checkpoint");
    }
    swap_in(mine, whole, ".log"); /* put back: nothing has happened */
    assert_int_equal(desk_open(&desk), ERR_OK);
    assert_false(desk.report.epoch);
    desk_close(&desk);
    mem_vfs_free(mine);
    mem_vfs_free(other);
    mem_vfs_free(whole);
}

static struct verify_finding only_finding(struct desk *desk)
{
    struct verify *verify = verify_new(desk->vfs, verify_extent_of(desk->account));
    const struct verify_finding *findings;
    struct verify_finding found;
    size_t count;

    while (!verify_is_done(verify))
        assert_int_equal(verify_read(verify, UINT64_MAX, NULL), ERR_OK);
    findings = verify_findings(verify, &count);
    assert_int_equal(count, 1);
    found = findings[0];
    verify_free(verify);
    return found;
}

/* Opening does not look at it: its reader gets nothing, and verification says why. */
static void a_body_is_not_served(void **state)
{
    struct vfs *mine = make('m');
    struct vfs *other = make('o');
    struct verify_finding found;
    struct buf text = buf_make(1 << 20);
    struct desk desk;

    swap_in(mine, other, ".body");
    sit_down(&desk, mine, 'm');
    assert_int_equal(desk_open(&desk), ERR_OK);
    mem_vfs_chill(mine);
    assert_int_equal(desk_read(&desk, (struct body_id){ 4 }, &text), ERR_CORRUPT);
    assert_int_equal(desk_read(&desk, (struct body_id){ 4 }, &text), ERR_CORRUPT);
    assert_int_equal(text.len, 0);
    found = only_finding(&desk);
    assert_int_equal(found.kind, VERIFY_FOREIGN);
    assert_int_equal(segment_kind(found.segment), SEGMENT_BODY);
    desk_close(&desk);
    buf_done(&text);
    mem_vfs_free(mine);
    mem_vfs_free(other);
}

/* Under its owner, who has read it already. */
static void verification_names_a_log_segment(void **state)
{
    struct vfs *mine = make('m');
    struct vfs *other = make('o');
    struct verify_finding found;
    struct desk desk;

    sit_down(&desk, mine, 'm');
    assert_int_equal(desk_open(&desk), ERR_OK);
    swap_in(mine, other, ".log");
    found = only_finding(&desk);
    assert_int_equal(found.kind, VERIFY_FOREIGN);
    assert_int_equal(found.segment, 4);
    desk_close(&desk);
    mem_vfs_free(mine);
    mem_vfs_free(other);
}

/* As every Roost before wrote them. */
static void segments_that_do_not_tell_are_taken(void **state)
{
    const struct account_id none = { 0 };
    const struct account_id mine = { "mine" };
    const struct account_id other = { "other" };
    struct segment segment = { .number = 4 };

    assert_true(segment_is_of(&segment, mine));
    segment.account = mine;
    assert_true(segment_is_of(&segment, mine));
    assert_true(segment_is_of(&segment, none));
    assert_false(segment_is_of(&segment, other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_segment_is_refused),
        cmocka_unit_test(a_body_is_not_served),
        cmocka_unit_test(verification_names_a_log_segment),
        cmocka_unit_test(segments_that_do_not_tell_are_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
