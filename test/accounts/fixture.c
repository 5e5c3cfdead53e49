/* Fixtures between a real directory and a memory disk. */
#include "accounts/fixture.h"

#include <stdio.h>
#include <string.h>

#include "kit/assert_bytes.h"
#include "kit/mem_vfs.h"
#include "kit/shadow.h"

enum { LOCK_ENTRY_BYTES = 128, LOCK_IDENTITY_AT = 16, FILE_BYTES_MAX = 1 << 26 };

/* Lines without what follows " envelope". */
static void add_lasting(struct buf *out, struct bytes text)
{
    struct bytes derived = BYTES(" envelope ");

    for (size_t at = 0; at < text.len;) {
        size_t end = bytes_find_byte(text, at, '\n');
        size_t cut = bytes_find(text, at, derived);

        buf_add(out, bytes_slice(text, at, (cut < end ? cut : end) - at));
        buf_add_byte(out, '\n');
        at = end + 1;
    }
}

void fixture_describe(struct desk *desk, struct buf *out)
{
    struct buf all = buf_make(FILE_BYTES_MAX);

    shadow_describe(desk, true, &all);
    buf_clear(out);
    add_lasting(out, buf_bytes(&all));
    buf_done(&all);
}

void fixture_read(struct vfs *vfs, const char *path, struct buf *out)
{
    struct vfs_file *file;
    uint64_t size;
    uint8_t *into;

    buf_clear(out);
    if (vfs->open(vfs, path, VFS_OPEN_READ, &file) != ERR_OK)
        return;
    assert_int_equal(file->calls->size(file, &size), ERR_OK);
    into = buf_reserve(out, (size_t)size);
    assert_true(size == 0 || into != NULL);
    if (size > 0)
        assert_int_equal(vfs_read(file, 0, into, (size_t)size, 0), ERR_OK);
    buf_commit(out, (size_t)size);
    vfs_close(file);
}

struct load {
    struct vfs *from;
    struct vfs *disk;
    const char *directory; /* "" or "log/" */
};

static void load_one(void *context, struct bytes name)
{
    struct buf bytes = buf_make(FILE_BYTES_MAX);
    struct load *load = context;
    char path[VFS_PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s%.*s", load->directory, BYTES_ARG(name));
    if (strcmp(path, "log") == 0 || strcmp(path, FIXTURE_EXPECTED) == 0)
        return;
    fixture_read(load->from, path, &bytes);
    mem_vfs_put(load->disk, path, buf_bytes(&bytes));
    buf_done(&bytes);
}

struct vfs *fixture_load(struct vfs *from)
{
    struct load load = { .from = from, .disk = mem_vfs_new(1), .directory = "" };
    struct bytes lock;

    assert_int_equal(from->list(from, "", load_one, &load), ERR_OK);
    assert_int_equal(load.disk->mkdir(load.disk, "log"), ERR_OK);
    load.directory = "log/";
    assert_int_equal(from->list(from, "log", load_one, &load), ERR_OK);
    lock = mem_vfs_file(load.disk, "lock");
    assert_true(lock.len >= LOCK_ENTRY_BYTES);
    mem_vfs_set_identity(load.disk, lock.at + lock.len - LOCK_ENTRY_BYTES + LOCK_IDENTITY_AT);
    return load.disk;
}

void fixture_save(struct vfs *disk, struct vfs *to)
{
    assert_int_equal(to->mkdir(to, "log"), ERR_OK);
    for (unsigned i = 0; mem_vfs_path(disk, i) != NULL; i++) {
        const char *path = mem_vfs_path(disk, i);
        struct vfs_file *file;

        if (strcmp(path, "log") == 0)
            continue;
        assert_int_equal(to->open(to, path, VFS_OPEN_WRITE | VFS_OPEN_CREATE, &file), ERR_OK);
        assert_int_equal(vfs_append(file, mem_vfs_file(disk, path)), ERR_OK);
        vfs_close(file);
    }
}
