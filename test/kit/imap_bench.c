/* Batches of messages, and one session. */
#include "kit/imap_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/attributes.h"
#include "kit/mem_vfs.h"
#include "search/texts.h"

enum { BATCH = 500, MESSAGE_BYTES_MAX = 64 * 1024 };

static void add_batch(struct desk *desk, uint32_t first, imap_bench_write *write)
{
    struct append_item items[BATCH] = { 0 };
    struct origin origin = desk_origin(desk);
    struct buf text = buf_make(MESSAGE_BYTES_MAX);
    struct uid uid;

    for (uint32_t i = 0; i < BATCH; i++) {
        buf_clear(&text);
        write(first + i, &text);
        assert_false(text.overflowed);
        assert_int_equal(desk_body(desk, buf_bytes(&text), &items[i].body), ERR_OK);
    }
    buf_done(&text);
    assert_int_equal(
        desk_finish(desk, act_append(desk_mailbox(desk, "INBOX"), &origin, items, BATCH, &uid)),
        ERR_OK);
}

static void open_seat(struct imap_bench *bench)
{
    imap_seat_open_with(&bench->seat, &bench->desk, bench->texts);
    (void)imap_seat_run(&bench->seat, "a SELECT INBOX");
    buf_clear(&bench->seat.out);
}

void imap_bench_open(struct imap_bench *bench, uint32_t messages, imap_bench_write *write)
{
    bench->vfs = mem_vfs_new(1);
    desk_init(&bench->desk, bench->vfs);
    assert_int_equal(desk_open(&bench->desk), ERR_OK);
    for (uint32_t done = 0; done < messages; done += BATCH) {
        add_batch(&bench->desk, done + 1, write);
        desk_sync(&bench->desk);
        (void)desk_tick(&bench->desk);
    }
    bench->texts = search_texts_new(IMAP_BENCH_TEXTS_BYTES);
    open_seat(bench);
}

void imap_bench_close(struct imap_bench *bench)
{
    imap_seat_close(&bench->seat);
    search_texts_free(bench->texts);
    desk_close(&bench->desk);
    assert_int_equal(mem_vfs_open_files(bench->vfs), 0);
    mem_vfs_free(bench->vfs);
}

void imap_bench_forget(struct imap_bench *bench)
{
    struct account_id id = account_id(bench->desk.account);

    search_texts_forget(bench->texts, &id);
}

void imap_bench_end_after(struct imap_bench *bench, const char *line, unsigned steps,
                          struct buf *out_said)
{
    imap_seat_say(&bench->seat, bytes_from_string(line));
    imap_seat_say(&bench->seat, BYTES("\r\n"));
    for (unsigned step = 0; step < steps; step++) {
        (void)imap_seat_step(&bench->seat);
        if (step % 2 == 0)
            desk_settle(&bench->desk);
    }
    buf_clear(out_said);
    buf_add(out_said, buf_bytes(&bench->seat.out));
    imap_seat_close(&bench->seat);
    desk_settle(&bench->desk);
    open_seat(bench);
}

void imap_bench_damage(struct imap_bench *bench, const char *text)
{
    static const char *const derived[] = { "summary", "summary.index" };
    struct bytes sought = bytes_from_string(text);
    const char *path;

    imap_seat_close(&bench->seat);
    desk_close(&bench->desk);
    for (size_t i = 0; i < ARRAY_COUNT(derived); i++)
        (void)bench->vfs->unlink(bench->vfs, derived[i]);
    for (unsigned i = 0; (path = mem_vfs_path(bench->vfs, i)) != NULL; i++) {
        struct bytes file = mem_vfs_file(bench->vfs, path);
        size_t at = bytes_find(file, 0, sought);

        if (at < file.len)
            mem_vfs_damage(bench->vfs, path, at, 1);
    }
    assert_int_equal(desk_open(&bench->desk), ERR_OK);
    open_seat(bench);
}
