/* Ways of losing bytes. */
#include "damage/harm.h"

#include <string.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "kit/mem_vfs.h"

enum { RUNS_MAX = 3, NEAR = 256, FILE_BYTES_MAX = 1 << 26, ALIGN = 8 };

uint64_t harm_place(struct test_random *random, uint64_t size)
{
    uint64_t near = size < NEAR ? size : NEAR;

    switch (test_random_below(random, 6)) {
    case 0: return test_random_below(random, near);
    case 1: return size - 1 - test_random_below(random, near);
    default: return test_random_below(random, size);
    }
}

/* Mostly short, sometimes all that is left. */
static uint64_t run_length(struct test_random *random, uint64_t left)
{
    uint64_t bound = UINT64_C(1) << test_random_below(random, 18);

    return 1 + test_random_below(random, bound < left ? bound : left);
}

static void flip_bits(struct buf *file, struct test_random *random)
{
    uint64_t count = 1 + test_random_below(random, 4);

    for (uint64_t i = 0; i < count; i++)
        file->at[harm_place(random, file->len)] ^= (uint8_t)(1u << test_random_below(random, 8));
}

static void fill_runs(struct buf *file, struct test_random *random, bool zeros)
{
    uint64_t count = 1 + test_random_below(random, RUNS_MAX);

    while (count-- > 0) {
        uint64_t from = harm_place(random, file->len);
        uint64_t len = run_length(random, file->len - from);

        for (uint64_t i = 0; i < len; i++)
            file->at[from + i] = zeros ? 0 : (uint8_t)test_random_next(random);
    }
}

static void zero(struct buf *file, struct test_random *random)
{
    fill_runs(file, random, true);
}

static void overwrite(struct buf *file, struct test_random *random)
{
    fill_runs(file, random, false);
}

/* Bytes of the same file in the wrong place: whole records among them. */
static void copy_within(struct buf *file, struct test_random *random)
{
    uint64_t from = harm_place(random, file->len);
    uint64_t to = harm_place(random, file->len);
    uint64_t len;

    if (test_random_below(random, 2) == 0) {
        from -= from % ALIGN;
        to -= to % ALIGN;
    }
    len = run_length(random, file->len - (from > to ? from : to));
    memmove(file->at + to, file->at + from, len);
}

static void cut(struct buf *file, struct test_random *random)
{
    uint64_t size = test_random_below(random, file->len + 1);

    if (test_random_below(random, 3) == 0)
        size -= size % 512;
    if (test_random_below(random, 4) == 0)
        size = file->len - 1 - test_random_below(random, file->len < NEAR ? file->len : NEAR);
    buf_truncate(file, (size_t)size);
}

/* Longer than it was, with zeros or worse. */
static void extend(struct buf *file, struct test_random *random)
{
    uint64_t len = run_length(random, 1 << 14);
    bool zeros = test_random_below(random, 2) == 0;

    for (uint64_t i = 0; i < len; i++)
        buf_add_byte(file, zeros ? 0 : (uint8_t)test_random_next(random));
}

/* Some bytes are missing in the middle: all behind them has moved. */
static void take_out(struct buf *file, struct test_random *random)
{
    uint64_t from = harm_place(random, file->len);
    uint64_t len = run_length(random, file->len - from);

    memmove(file->at + from, file->at + from + len, file->len - from - len);
    buf_truncate(file, file->len - (size_t)len);
}

void harm_file(struct vfs *disk, const char *path, struct test_random *random, struct bytes other)
{
    static void (*const ways[])(struct buf * file, struct test_random * random) = {
        flip_bits, flip_bits, zero, overwrite, overwrite, copy_within, cut, extend, take_out,
    };
    uint64_t way = test_random_below(random, ARRAY_COUNT(ways) + (other.len > 0));
    struct buf file = buf_make(FILE_BYTES_MAX);

    buf_add(&file, way < ARRAY_COUNT(ways) ? mem_vfs_file(disk, path) : other);
    if (way < ARRAY_COUNT(ways) && file.len > 0)
        ways[way](&file, random);
    mem_vfs_put(disk, path, buf_bytes(&file));
    buf_done(&file);
}
