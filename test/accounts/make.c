/* make_accounts DIRECTORY: makes the account directories that later versions must open. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "accounts/fixture.h"
#include "kit/assert_bytes.h"
#include "kit/mem_vfs.h"
#include "kit/shadow.h"
#include "store/account_compact.h"
#include "store/act_undelete.h"
#include "store/lost.h"
#include "store/lost_find.h"
#include "sys/vfs_posix.h"

static const char *target;

static struct desk *begin(void)
{
    struct desk *desk = malloc(sizeof(*desk));

    assert_non_null(desk);
    desk_init(desk, mem_vfs_new(7));
    return desk;
}

static void open_it(struct desk *desk)
{
    if (desk_open(desk) != ERR_OK)
        fail_msg("%s", desk->why.text);
}

static void act(struct desk *desk, uint64_t seed, unsigned acts)
{
    struct shadow *shadow = malloc(sizeof(*shadow));

    assert_non_null(shadow);
    shadow_init(shadow, seed);
    for (unsigned i = 0; i < acts; i++)
        shadow_act(shadow, desk);
    desk_sync(desk);
    free(shadow);
}

static void append(struct desk *desk, const char *mailbox, size_t lines, unsigned number)
{
    struct buf text = buf_make(1 << 20);

    buf_add_format(&text, "From: ann@example.org\r\nSubject: number %u\r\n\r\n", number);
    for (size_t i = 0; i < lines; i++)
        buf_add_format(&text, "line %zu of a body that has the number %u\r\n", i, number);
    assert_int_equal(
        desk_append(desk, desk_mailbox(desk, mailbox), buf_bytes(&text), FLAG_SEEN, NULL), ERR_OK);
    desk_sync(desk);
    buf_done(&text);
}

static void expunge(struct desk *desk, struct uid_range range)
{
    struct origin origin = desk_origin(desk);
    uint32_t count;

    assert_int_equal(act_expunge(desk_mailbox(desk, "INBOX"), &origin,
                                 (struct uid_set){ &range, 1 }, false, &count),
                     ERR_OK);
    desk_sync(desk);
}

static void drop_derived(struct vfs *vfs)
{
    static const char *const names[] = {
        "checkpoint", "checkpoint.rows.0", "checkpoint.rows.1",   "checkpoint.new",
        "summary",    "summary.index",     "checkpoint.bodies.0", "checkpoint.bodies.1"
    };

    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        mem_vfs_remove(vfs, names[i]);
}

/* Writes it down; what it holds is what this version says of it now. Takes the desk, closed. */
static void keep(struct desk *desk, const char *name, bool with_derived)
{
    struct buf told = buf_make(1 << 26);
    struct vfs *copy;
    struct vfs *to;
    struct desk twin;
    struct vfs_file *file;
    char path[4096];

    if (!with_derived)
        drop_derived(desk->vfs);
    copy = mem_vfs_copy(desk->vfs, 9);
    desk_init(&twin, copy);
    twin.now = desk->now;
    open_it(&twin);
    fixture_describe(&twin, &told);
    desk_close(&twin);
    (void)snprintf(path, sizeof(path), "%s/%s", target, name);
    assert_int_equal(mkdir(path, 0755), 0);
    to = vfs_posix_new(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    fixture_save(desk->vfs, to);
    assert_int_equal(to->open(to, FIXTURE_EXPECTED, VFS_OPEN_WRITE | VFS_OPEN_CREATE, &file),
                     ERR_OK);
    assert_int_equal(vfs_append(file, buf_bytes(&told)), ERR_OK);
    vfs_close(file);
    vfs_posix_free(to);
    mem_vfs_free(copy);
    mem_vfs_free(desk->vfs);
    buf_done(&told);
    free(desk);
    print_message("%s\n", name);
}

static void make_plain(const char *name, bool with_derived)
{
    struct desk *desk = begin();

    open_it(desk);
    act(desk, 11, 30);
    desk_close(desk);
    keep(desk, name, with_derived);
}

static void make_bodies(const char *name, bool compress)
{
    struct desk *desk = begin();

    desk->options.compress = compress;
    open_it(desk);
    append(desk, "INBOX", 2, 1);
    append(desk, "INBOX", 1700, 2); /* has a segment of its own */
    append(desk, "Sent", 300, 3);
    desk_close(desk);
    keep(desk, name, false);
}

static void make_segments(void)
{
    struct desk *desk = begin();

    desk->options.log_segment_bytes = 12000;
    open_it(desk);
    act(desk, 12, 30);
    desk_close(desk);
    keep(desk, "segments", false);
}

/* As a killed process leaves it; with `torn`, in the middle of a write. */
static void make_unclean(const char *name, bool torn)
{
    struct desk *desk = begin();
    struct vfs *left;
    struct bytes log;

    open_it(desk);
    act(desk, 13, 25);
    left = mem_vfs_copy(desk->vfs, 8);
    desk_close(desk);
    mem_vfs_free(desk->vfs);
    desk->vfs = left;
    log = mem_vfs_file(left, "log/0000000000000004.log");
    if (torn)
        mem_vfs_put(left, "log/0000000000000004.log", bytes_slice(log, 0, log.len - 21));
    keep(desk, name, false);
}

/* One that was copied, and went on. */
static void make_epoch(void)
{
    struct desk *desk = begin();

    open_it(desk);
    append(desk, "INBOX", 3, 1);
    append(desk, "INBOX", 3, 2);
    desk_close(desk);
    mem_vfs_change_identity(desk->vfs, MEM_MACHINE);
    open_it(desk);
    append(desk, "INBOX", 3, 3);
    desk_close(desk);
    keep(desk, "epoch", false);
}

/* A record that is not what it was: set aside, all else is there. */
static void make_damaged(void)
{
    struct desk *desk = begin();
    size_t at;

    open_it(desk);
    append(desk, "INBOX", 3, 1);
    append(desk, "INBOX", 3, 2);
    desk_close(desk);
    drop_derived(desk->vfs);
    at = bytes_find(mem_vfs_file(desk->vfs, "log/0000000000000004.log"), 0, BYTES("Archive"));
    mem_vfs_damage(desk->vfs, "log/0000000000000004.log", at, 1);
    open_it(desk);
    append(desk, "INBOX", 3, 3);
    desk_close(desk);
    keep(desk, "damaged", false);
}

static void tick_until(struct desk *desk, unsigned ticks)
{
    for (unsigned i = 0; i < ticks; i++) {
        desk->mono.ms += 60000;
        (void)desk_tick(desk);
        desk_settle(desk);
    }
}

/* What is in some segments goes, and the log is compacted; one that lives on keeps its bodies. With
 * `dropped` what the base makes superfluous is removed. */
static void make_base(const char *name, bool dropped)
{
    struct desk *desk = begin();

    desk->options.log_segment_bytes = 18000;
    desk->options.compact = (struct compact_policy){
        .enabled = true,
        .keep_us = 1000000,
        .garbage_bytes_min = 1,
        .check_ms = 1,
    };
    open_it(desk);
    for (unsigned i = 1; i <= 11; i++)
        append(desk, "INBOX", 40, i);
    expunge(desk, (struct uid_range){ 6, 10 });
    for (unsigned i = 12; i <= 18; i++)
        append(desk, "Archive", 40, i);
    desk->now.us += INT64_C(3600) * 1000000;
    tick_until(desk, 60);
    append(desk, "INBOX", 5, 99);
    if (dropped) {
        desk->now.us += INT64_C(7200) * 1000000;
        tick_until(desk, 60);
    }
    desk_close(desk);
    keep(desk, name, false);
}

static void undelete_all(struct desk *desk)
{
    struct lost_find_options options = { .vfs = desk->vfs };
    struct origin origin = desk_origin(desk);
    struct lost lost = { .mailbox_count = 0 };
    struct undelete undelete;
    struct lost_find *find;
    struct note why = { "" };
    bool done = false;

    options.position = account_durable(desk->account);
    find = lost_find_new(&options);
    while (!done)
        assert_int_equal(lost_find_read(find, 500, &done, &why), ERR_OK);
    lost_find_take(find, &lost);
    lost_find_free(find);
    undelete_begin(&undelete, desk->account, &lost);
    while (!undelete_plan(&undelete))
        continue;
    for (done = false; !done;)
        assert_int_equal(act_undelete(&undelete, &origin, &done), ERR_OK);
    undelete_done(&undelete);
    lost_done(&lost);
    desk_sync(desk);
}

static void make_undeleted(void)
{
    struct desk *desk = begin();

    desk->options.log_segment_bytes = 11000;
    open_it(desk);
    for (unsigned i = 0; i < 6; i++)
        append(desk, "INBOX", 20, i);
    expunge(desk, (struct uid_range){ 2, 4 });
    append(desk, "INBOX", 20, 7);
    undelete_all(desk);
    desk_close(desk);
    keep(desk, "undeleted", false);
}

static void make_all(void **context)
{
    (void)context;
    make_plain("plain", false);
    make_plain("derived", true);
    make_bodies("body", false);
    make_bodies("packed", true);
    make_segments();
    make_unclean("unclean", false);
    make_unclean("torn", true);
    make_epoch();
    make_damaged();
    make_base("base", false);
    make_base("base-alone", true);
    make_undeleted();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(make_all) };

    if (argc != 2 || mkdir(argv[1], 0755) != 0) {
        (void)fprintf(stderr, "usage: make_accounts DIRECTORY, which must not be there yet\n");
        return 2;
    }
    target = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
