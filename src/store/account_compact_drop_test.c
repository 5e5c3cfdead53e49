/* Purges on a disk that is full: they end, they say why, and the account is as it was. (When
 * removal comes, and what it spares: account_compact_test.c.) */
#include <stdlib.h>
#include <string.h>

#include "kit/assert_bytes.h"
#include "kit/desk.h"
#include "kit/mem_vfs.h"
#include "kit/shadow.h"
#include "store/account_compact.h"
#include "store/account_state.h"

enum { MESSAGES = 40, STEPS_MAX = 3000, DESCRIPTION_BYTES_MAX = 1 << 22 };

/* A disk on which files whose names begin with `full` do not grow. */
struct full_disk {
    struct vfs vfs;
    struct vfs *inner;
    const char *full; /* NULL: there is room */
};

struct full_file {
    struct vfs_file file;
    struct full_disk *disk;
    struct vfs_file *inner;
    char path[VFS_PATH_MAX + 1];
};

static struct full_file *file_of(struct vfs_file *file)
{
    return CONTAINER_OF(file, struct full_file, file);
}

static struct vfs *inner_of(struct vfs *vfs)
{
    return CONTAINER_OF(vfs, struct full_disk, vfs)->inner;
}

static bool is_full(const struct full_disk *disk, const char *path)
{
    return disk->full != NULL && strncmp(path, disk->full, strlen(disk->full)) == 0;
}

static enum err full_append(struct vfs_file *file, struct bytes data)
{
    if (is_full(file_of(file)->disk, file_of(file)->path))
        return ERR_NO_SPACE;
    return vfs_append(file_of(file)->inner, data);
}

static enum err full_read(struct vfs_file *file, uint64_t offset, void *into, size_t len,
                          unsigned flags)
{
    return vfs_read(file_of(file)->inner, offset, into, len, flags);
}

static enum err full_sync(struct vfs_file *file)
{
    return vfs_sync(file_of(file)->inner);
}

static enum err full_truncate(struct vfs_file *file, uint64_t size)
{
    return file_of(file)->inner->calls->truncate(file_of(file)->inner, size);
}

static enum err full_write(struct vfs_file *file, uint64_t offset, struct bytes data)
{
    return file_of(file)->inner->calls->write(file_of(file)->inner, offset, data);
}

static enum err full_size(struct vfs_file *file, uint64_t *out_size)
{
    return file_of(file)->inner->calls->size(file_of(file)->inner, out_size);
}

static void full_close(struct vfs_file *file)
{
    vfs_close(file_of(file)->inner);
    free(file_of(file));
}

static enum err full_open(struct vfs *vfs, const char *path, unsigned flags,
                          struct vfs_file **out_file)
{
    static const struct vfs_file_calls calls = {
        .append = full_append,
        .read = full_read,
        .sync = full_sync,
        .truncate = full_truncate,
        .write = full_write,
        .size = full_size,
        .close = full_close,
    };
    struct full_file *file = calloc(1, sizeof(*file));
    enum err err = inner_of(vfs)->open(inner_of(vfs), path, flags, &file->inner);

    if (err != ERR_OK) {
        free(file);
        return err;
    }
    file->file.calls = &calls;
    file->disk = CONTAINER_OF(vfs, struct full_disk, vfs);
    memcpy(file->path, path, strlen(path));
    *out_file = &file->file;
    return ERR_OK;
}

static enum err full_rename(struct vfs *vfs, const char *from, const char *to)
{
    return inner_of(vfs)->rename(inner_of(vfs), from, to);
}

static enum err full_unlink(struct vfs *vfs, const char *path)
{
    return inner_of(vfs)->unlink(inner_of(vfs), path);
}

static enum err full_mkdir(struct vfs *vfs, const char *path)
{
    return inner_of(vfs)->mkdir(inner_of(vfs), path);
}

static enum err full_sync_dir(struct vfs *vfs, const char *path)
{
    return inner_of(vfs)->sync_dir(inner_of(vfs), path);
}

static enum err full_list(struct vfs *vfs, const char *path, vfs_list_fn *each, void *context)
{
    return inner_of(vfs)->list(inner_of(vfs), path, each, context);
}

static enum err full_lock(struct vfs *vfs, struct vfs_file *file)
{
    return inner_of(vfs)->lock(inner_of(vfs), file_of(file)->inner);
}

static enum err full_identity(struct vfs *vfs, uint8_t out_identity[40])
{
    return inner_of(vfs)->identity(inner_of(vfs), out_identity);
}

static void full_random(struct vfs *vfs, void *into, size_t len)
{
    inner_of(vfs)->random(inner_of(vfs), into, len);
}

struct scene {
    struct full_disk disk;
    struct desk desk;
    struct buf before; /* the account, described */
    struct buf after;
};

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    struct desk *desk = &scene->desk;
    struct uid_range gone = { 1, MESSAGES / 2 };
    struct origin origin;
    char text[3000];
    uint32_t count;

    scene->disk.vfs =
        (struct vfs){ full_open, full_rename, full_unlink,   full_mkdir, full_sync_dir,
                      full_list, full_lock,   full_identity, full_random };
    scene->disk.inner = mem_vfs_new(3);
    scene->before = buf_make(DESCRIPTION_BYTES_MAX);
    scene->after = buf_make(DESCRIPTION_BYTES_MAX);
    desk_init(desk, &scene->disk.vfs);
    desk->options.log_segment_bytes = 30000;
    assert_int_equal(desk_open(desk), ERR_OK);
    memset(text, 'x', sizeof(text));
    for (int i = 0; i < MESSAGES; i++) {
        assert_int_equal(
            desk_append(desk, desk_mailbox(desk, "INBOX"), bytes_make(text, sizeof(text)), 0, NULL),
            ERR_OK);
        desk_sync(desk);
    }
    origin = desk_origin(desk);
    assert_int_equal(act_expunge(desk_mailbox(desk, "INBOX"), &origin, (struct uid_set){ &gone, 1 },
                                 false, &count),
                     ERR_OK);
    desk_sync(desk);
    shadow_describe(desk, true, &scene->before);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    desk_close(&scene->desk);
    assert_int_equal(mem_vfs_open_files(scene->disk.inner), 0);
    mem_vfs_free(scene->disk.inner);
    buf_done(&scene->before);
    buf_done(&scene->after);
    free(scene);
    return 0;
}

/* As it was, now and after it was opened again. */
static void assert_as_it_was(struct scene *scene)
{
    for (int opened = 0; opened < 2; opened++) {
        shadow_describe(&scene->desk, true, &scene->after);
        ASSERT_BYTES(buf_bytes(&scene->after), buf_bytes(&scene->before));
        desk_close(&scene->desk);
        assert_int_equal(desk_open(&scene->desk), ERR_OK);
        assert_int_equal(scene->desk.report.records_damaged, 0);
    }
}

/* The disk is full for files that begin with `full` after so many steps. ERR_BUSY: it did not end.
 */
static enum err purge(struct scene *scene, const char *full, int after, struct note *why)
{
    struct desk *desk = &scene->desk;
    struct account_purged purged = { 0 };
    enum err err = account_purge(desk->account, (struct wall){ INT64_MAX }, &desk->waker);

    assert_int_equal(err, ERR_OK);
    err = ERR_BUSY;
    for (int i = 0; i < STEPS_MAX && err == ERR_BUSY; i++) {
        if (i == after)
            scene->disk.full = full;
        (void)desk_tick(desk);
        desk_settle(desk);
        err = account_purge_result(desk->account, &purged, why);
    }
    scene->disk.full = NULL;
    return err;
}

/* The one that is there is of another base, and nobody believes it. */
static void a_purge_without_a_checkpoint_ends(void **state)
{
    struct scene *scene = *state;
    struct note why = { "" };
    struct desk copy;

    assert_int_equal(purge(scene, "checkpoint", 0, &why), ERR_OK);
    assert_int_equal(scene->desk.account->state.drops.count, 0);
    desk_init(&copy, mem_vfs_copy(scene->disk.inner, 5)); /* as after a kill */
    assert_int_equal(desk_open(&copy), ERR_OK);
    assert_true(copy.report.unclean);
    assert_int_equal(copy.report.records_damaged, 0);
    shadow_describe(&copy, true, &scene->after);
    ASSERT_BYTES(buf_bytes(&scene->after), buf_bytes(&scene->before));
    desk_close(&copy);
    mem_vfs_free(copy.vfs);
    assert_as_it_was(scene);
}

static void wherever_the_disk_is_full_it_ends(void **state)
{
    struct scene *scene = *state;
    enum err err = ERR_NO_SPACE;

    for (int after = 0; after < 40; after++) {
        struct note why = { "" };

        err = purge(scene, "", after, &why);
        assert_int_not_equal(err, ERR_BUSY);
        if (err != ERR_OK && err != ERR_CLOSED)
            assert_true(why.text[0] != '\0');
        if (err == ERR_CLOSED) { /* the log failed: whoever owns the account opens it again */
            desk_close(&scene->desk);
            assert_int_equal(desk_open(&scene->desk), ERR_OK);
        }
        assert_as_it_was(scene);
    }
    assert_int_equal(err, ERR_OK);
}

/* A session that has not heard of an EXPUNGE asks for what a purge has taken: gone, and no damage.
 */
static void what_only_a_view_remembers_is_gone(void **state)
{
    struct scene *scene = *state;
    struct desk *desk = &scene->desk;
    struct view *view = view_open(desk_mailbox(desk, "INBOX"));
    struct uid_range more = { MESSAGES / 2 + 1, MESSAGES / 2 + 3 };
    struct origin origin = desk_origin(desk);
    struct note why = { "" };
    uint32_t count;

    assert_int_equal(desk_finish(desk, act_expunge(desk_mailbox(desk, "INBOX"), &origin,
                                                   (struct uid_set){ &more, 1 }, false, &count)),
                     ERR_OK);
    desk_sync(desk);
    assert_int_equal(purge(scene, NULL, -1, &why), ERR_OK);
    for (uint32_t i = 1; i <= 4; i++) {
        struct summary summary;
        struct row row;
        uint8_t byte;
        enum err expected = i <= 3 ? ERR_NOT_FOUND : ERR_OK;

        view_row(view, (struct seqno){ i }, &row);
        assert_int_equal(
            body_read(desk->account, (struct body_piece){ row.body, 0, 1 }, &byte, &desk->waker),
            expected);
        assert_int_equal(body_summary(desk->account, row.body, &desk->waker, &summary), expected);
    }
    view_close(view);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_purge_without_a_checkpoint_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_only_a_view_remembers_is_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wherever_the_disk_is_full_it_ends, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
