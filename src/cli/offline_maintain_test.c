/* Maintenance without a server, on a disk that fails under it. */
#include "cli/offline_maintain.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/mail/place.h"
#include "kit/assert_bytes.h"
#include "kit/desk.h"
#include "sys/vfs_posix.h"

/* So many that to bring them back takes steps. */
enum { MESSAGES = 2500, BATCH = 100, SECONDS_MAX = 60 };

static bool is_broken; /* the disk */

/* In the place of libc's. */
int fdatasync(int fd)
{
    errno = EIO;
    return is_broken ? -1 : (int)syscall(SYS_fdatasync, fd);
}

struct scene {
    char path[32];
    struct vfs *accounts;
    struct config config;
    bool breaks; /* once it is told what comes back */
    json_int_t messages; /* that have come back */
};

static void append_batch(struct desk *desk)
{
    struct append_item items[BATCH] = { 0 };
    struct origin origin = desk_origin(desk);
    struct uid first;

    for (int i = 0; i < BATCH; i++)
        assert_int_equal(desk_body(desk, BYTES("Subject: x\r\n\r\ny\r\n"), &items[i].body), ERR_OK);
    assert_int_equal(
        desk_finish(desk, act_append(desk_mailbox(desk, "INBOX"), &origin, items, BATCH, &first)),
        ERR_OK);
}

/* An account of which everything was expunged. */
static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    struct uid_range all = { 1, MESSAGES };
    struct origin origin;
    struct desk desk;
    struct vfs *vfs;
    char path[PLACE_PATH_BYTES];
    uint32_t count;

    memcpy(scene->path, "/tmp/roost-offline-XXXXXX", 26);
    assert_non_null(mkdtemp(scene->path));
    scene->accounts = vfs_posix_new(open(scene->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    desk_init(&desk, NULL);
    assert_int_equal(place_make(scene->accounts, desk.options.id.raw, NULL), ERR_OK);
    place_path(desk.options.id.raw, path);
    assert_int_equal(vfs_posix_below(scene->accounts, path, &vfs), ERR_OK);
    desk.vfs = desk.options.vfs = vfs;
    assert_int_equal(desk_open(&desk), ERR_OK);
    for (int i = 0; i < MESSAGES; i += BATCH)
        append_batch(&desk);
    origin = desk_origin(&desk);
    assert_int_equal(desk_finish(&desk, act_expunge(desk_mailbox(&desk, "INBOX"), &origin,
                                                    (struct uid_set){ &all, 1 }, false, &count)),
                     ERR_OK);
    assert_int_equal(count, MESSAGES);
    desk_sync(&desk);
    desk_close(&desk);
    vfs_posix_free(vfs);
    *state = scene;
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    vfs_posix_free(scene->accounts);
    assert_int_equal(nftw(scene->path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    free(scene);
    return 0;
}

static void take_line(void *context, const json_t *line)
{
    struct scene *scene = context;
    const json_t *result = json_object_get(line, "result");

    is_broken = is_broken || (scene->breaks && json_object_get(line, "mailbox") != NULL);
    if (result != NULL)
        scene->messages = json_integer_value(json_object_get(result, "messages"));
}

static enum err undelete(struct scene *scene, struct note *why)
{
    json_t *account = json_pack("{s:s}", "id", "0102030405060708090a0b0c0d0e0f10");
    json_t *arguments = json_object();
    struct offline_call call = {
        .config = &scene->config,
        .accounts = scene->accounts,
        .account = account,
        .act = "undelete",
        .arguments = arguments,
        .line = take_line,
        .context = scene,
    };
    enum err err = offline_maintain(&call, why);

    json_decref(account);
    json_decref(arguments);
    return err;
}

/* In the middle of a change it ends and says so; nothing has happened. */
static void test_the_disk_fails(void **state)
{
    struct scene *scene = *state;
    struct note why = { "" };

    (void)alarm(SECONDS_MAX);
    scene->breaks = true;
    assert_int_equal(undelete(scene, &why), ERR_IO);
    assert_string_equal(why.text, "the account's log failed: cannot write the lock file: "
                                  "input/output error");
    assert_int_equal(scene->messages, 0);
    is_broken = scene->breaks = false;
    assert_int_equal(undelete(scene, &why), ERR_OK);
    assert_int_equal(scene->messages, MESSAGES);
    assert_int_equal(undelete(scene, &why), ERR_OK);
    assert_int_equal(scene->messages, 0);
    (void)alarm(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_disk_fails, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
