/* The file of summaries: waits, finds, forgets, and never believes. */
#include "store/summary_file.h"

#include <stdlib.h>
#include <string.h>

#include "kit/assert_bytes.h"
#include "kit/mem_vfs.h"
#include "message/parser.h"
#include "message/summary.h"
#include "store/body_table.h"
#include "store/summary_index.h"
#include "sys/vfs.h"

static const struct account_id account = { "account id 16 by" };

struct scene {
    struct vfs *vfs;
    struct body_table bodies;
    struct buf out;
    struct summary_file *file;
};

static void begin(struct scene *scene, uint64_t bodies)
{
    *scene = (struct scene){ .vfs = mem_vfs_new(1), .out = buf_make(SUMMARY_BYTES_MAX) };
    for (uint64_t id = 1; id <= bodies; id++)
        assert_true(
            body_table_add(&scene->bodies, (struct body_id){ id }, (struct place){ 4, 1 }, 1));
    scene->file = summary_file_open(scene->vfs, &account, &scene->bodies);
}

static void reopen(struct scene *scene, const struct account_id *id)
{
    summary_file_close(scene->file);
    scene->file = summary_file_open(scene->vfs, id, &scene->bodies);
}

static void done(struct scene *scene)
{
    summary_file_close(scene->file);
    body_table_done(&scene->bodies);
    buf_done(&scene->out);
    assert_int_equal(mem_vfs_open_files(scene->vfs), 0);
    mem_vfs_free(scene->vfs);
}

static enum err get(struct scene *scene, uint64_t body)
{
    struct bytes encoded;
    enum err err =
        summary_file_get(scene->file, (struct body_id){ body }, VFS_READ_NOWAIT, &encoded);

    buf_clear(&scene->out);
    if (err == ERR_OK)
        buf_add(&scene->out, encoded);
    return err;
}

static void put(struct scene *scene, uint64_t body, struct bytes text, uint64_t position)
{
    summary_file_put(scene->file, (struct body_id){ body }, text, position);
}

static void flush_all(struct summary_file *file, uint64_t durable)
{
    while (summary_file_flush(file, durable))
        continue;
}

static uint32_t written(struct scene *scene, uint32_t count)
{
    struct summary_place place;
    uint32_t found = 0;

    for (uint32_t i = 1; i <= count; i++)
        found += summary_file_place(scene->file, (struct body_id){ i }, &place);
    return found;
}

static void put_message(struct scene *scene, uint64_t body, struct bytes text)
{
    struct buf raw = buf_make((size_t)2 * SUMMARY_MAKE_BYTES);

    buf_add(&raw, text);
    summary_file_put_message(scene->file, (struct body_id){ body }, &raw, 7);
    assert_null(raw.at);
}

/* What is still to be made is made when it is asked for, when it is time, or at the latest when it
 * is written; always the same. */
static void test_made_later(void **context)
{
    static uint8_t large[SUMMARY_MAKE_BYTES];
    struct bytes text = BYTES("Subject: hi\r\n\r\nthere\r\n");
    struct arena arena = arena_make(MESSAGE_ARENA_BUDGET);
    struct buf want = buf_make(SUMMARY_BYTES_MAX);
    struct scene scene;

    (void)context;
    begin(&scene, 4);
    summary_encode(message_parse(&arena, text), &want);
    put_message(&scene, 1, text);
    put_message(&scene, 2, bytes_make(large, sizeof(large)));
    put_message(&scene, 3, text);
    assert_true(summary_file_waiting(scene.file) > SUMMARY_MAKE_BYTES);
    assert_int_equal(get(&scene, 3), ERR_OK);
    ASSERT_BYTES(buf_bytes(&scene.out), buf_bytes(&want));
    assert_true(summary_file_make(scene.file)); /* the large one is enough for once */
    assert_true(summary_file_waiting(scene.file) < SUMMARY_MAKE_BYTES);
    assert_false(summary_file_make(scene.file));
    flush_all(scene.file, 6);
    assert_int_equal(written(&scene, 4), 0);
    put_message(&scene, 4, text);
    flush_all(scene.file, 7);
    assert_int_equal(written(&scene, 4), 4);
    assert_int_equal(summary_file_waiting(scene.file), 0);
    assert_false(summary_file_make(scene.file));
    assert_int_equal(get(&scene, 1), ERR_OK);
    ASSERT_BYTES(buf_bytes(&scene.out), buf_bytes(&want));
    assert_int_equal(get(&scene, 4), ERR_OK);
    ASSERT_BYTES(buf_bytes(&scene.out), buf_bytes(&want));
    put_message(&scene, 1, text); /* dropped with the file */
    done(&scene);
    buf_done(&want);
    arena_done(&arena);
}

/* A flush writes so many; what waits longer is not counted as more. */
static void test_a_flush_is_bounded(void **context)
{
    enum { COUNT = 2 * SUMMARY_FLUSH_ENTRIES + 10 };
    struct scene scene;

    (void)context;
    begin(&scene, COUNT + 1);
    for (uint32_t i = 1; i <= COUNT; i++)
        put(&scene, i, BYTES("text"), i);
    put(&scene, COUNT + 1, BYTES("later"), COUNT + 1);
    assert_true(summary_file_flush(scene.file, COUNT));
    assert_int_equal(written(&scene, COUNT), SUMMARY_FLUSH_ENTRIES);
    assert_true(summary_file_flush(scene.file, COUNT));
    assert_false(summary_file_flush(scene.file, COUNT));
    assert_int_equal(written(&scene, COUNT + 1), COUNT);
    assert_false(summary_file_flush(scene.file, COUNT));
    assert_int_equal(get(&scene, COUNT + 1), ERR_OK);
    done(&scene);
}

static void test_waits_until_durable(void **context)
{
    struct summary_place place;
    struct scene scene;

    (void)context;
    begin(&scene, 3);
    put(&scene, 1, BYTES("one"), 100);
    put(&scene, 2, BYTES("two"), 200);
    put(&scene, 3, BYTES(""), 100); /* nothing is nothing */
    flush_all(scene.file, 150);
    assert_true(summary_file_place(scene.file, (struct body_id){ 1 }, &place));
    assert_false(summary_file_place(scene.file, (struct body_id){ 2 }, &place));
    assert_int_equal(get(&scene, 2), ERR_OK);
    ASSERT_BYTES(buf_bytes(&scene.out), BYTES("two"));
    reopen(&scene, &account);
    assert_int_equal(get(&scene, 1), ERR_OK);
    ASSERT_BYTES(buf_bytes(&scene.out), BYTES("one"));
    assert_int_equal(get(&scene, 2), ERR_NOT_FOUND);
    assert_int_equal(get(&scene, 3), ERR_NOT_FOUND);
    done(&scene);
}

static void test_the_last_one_counts(void **context)
{
    struct scene scene;

    (void)context;
    begin(&scene, 2);
    put(&scene, 2, BYTES("two"), 0);
    put(&scene, 1, BYTES("old"), 0);
    flush_all(scene.file, 0);
    put(&scene, 1, BYTES("new"), 0);
    assert_int_equal(get(&scene, 1), ERR_OK);
    ASSERT_BYTES(buf_bytes(&scene.out), BYTES("new"));
    flush_all(scene.file, 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(get(&scene, 1), ERR_OK);
        ASSERT_BYTES(buf_bytes(&scene.out), BYTES("new"));
        reopen(&scene, &account);
    }
    done(&scene);
}

static void test_cold_and_damaged(void **context)
{
    struct summary_place place;
    struct scene scene;

    (void)context;
    begin(&scene, 2);
    put(&scene, 1, BYTES("one"), 0);
    put(&scene, 2, BYTES("two"), 0);
    flush_all(scene.file, 0);
    mem_vfs_chill(scene.vfs);
    summary_file_trim(scene.file);
    assert_int_equal(get(&scene, 1), ERR_BUSY);
    assert_true(summary_file_place(scene.file, (struct body_id){ 1 }, &place));
    summary_file_warm(scene.vfs, place);
    assert_int_equal(get(&scene, 1), ERR_OK);
    mem_vfs_damage(scene.vfs, "summary", place.offset + SUMMARY_ENTRY_BYTES, 1);
    summary_file_trim(scene.file); /* what has been read is forgotten */
    assert_int_equal(get(&scene, 1), ERR_NOT_FOUND);
    assert_int_equal(get(&scene, 2), ERR_OK);
    done(&scene);
}

/* Who asks for one after the other: many with one read, each checked by itself. */
static void test_reads_ahead(void **context)
{
    enum { COUNT = 100, BYTES_EACH = 1000, HIT = 20, LATER = 30 };
    const uint64_t entry_bytes = SUMMARY_ENTRY_BYTES + BYTES_EACH;
    uint8_t text[BYTES_EACH];
    struct scene scene;

    (void)context;
    begin(&scene, COUNT);
    for (uint64_t id = 1; id <= COUNT; id++) {
        memset(text, (int)id, sizeof(text));
        put(&scene, id, bytes_make(text, sizeof(text)), 0);
    }
    summary_file_flush(scene.file, 0);
    mem_vfs_damage(scene.vfs, "summary", SUMMARY_HEAD_BYTES + HIT * entry_bytes - 1, 1);
    assert_int_equal(get(&scene, 1), ERR_OK);
    assert_int_equal(get(&scene, 2), ERR_OK);
    mem_vfs_damage(scene.vfs, "summary", SUMMARY_HEAD_BYTES + LATER * entry_bytes - 1, 1);
    for (uint64_t id = 3; id <= COUNT; id++) {
        assert_int_equal(get(&scene, id), id == HIT ? ERR_NOT_FOUND : ERR_OK);
        memset(text, (int)id, sizeof(text));
        if (id != HIT)
            ASSERT_BYTES(buf_bytes(&scene.out), bytes_make(text, sizeof(text)));
        if (id == HIT) /* what was found to be wrong takes with it what was read with it */
            mem_vfs_damage(scene.vfs, "summary", SUMMARY_HEAD_BYTES + LATER * entry_bytes - 1, 1);
    }
    done(&scene);
}

/* Whole, but of another body: the index names the wrong place. */
static void test_of_another_body(void **context)
{
    enum { ENTRY_BYTES = SUMMARY_ENTRY_BYTES + 3 };
    uint8_t swapped[SUMMARY_HEAD_BYTES + 2 * ENTRY_BYTES];
    struct scene scene;

    (void)context;
    begin(&scene, 2);
    put(&scene, 1, BYTES("one"), 0);
    put(&scene, 2, BYTES("two"), 0);
    summary_file_flush(scene.file, 0);
    assert_int_equal(mem_vfs_file(scene.vfs, "summary").len, sizeof(swapped));
    memcpy(swapped, mem_vfs_file(scene.vfs, "summary").at, sizeof(swapped));
    memmove(swapped + SUMMARY_HEAD_BYTES, swapped + SUMMARY_HEAD_BYTES + ENTRY_BYTES, ENTRY_BYTES);
    memcpy(swapped + SUMMARY_HEAD_BYTES + ENTRY_BYTES,
           mem_vfs_file(scene.vfs, "summary").at + SUMMARY_HEAD_BYTES, ENTRY_BYTES);
    mem_vfs_put(scene.vfs, "summary", bytes_make(swapped, sizeof(swapped)));
    assert_int_equal(get(&scene, 1), ERR_NOT_FOUND);
    assert_int_equal(get(&scene, 2), ERR_NOT_FOUND);
    done(&scene);
}

/* The page cache has what was asked for, not what is behind it: no need to wait. */
static void test_reads_ahead_no_further_than_it_can(void **context)
{
    enum { COUNT = 4, BYTES_EACH = 600 * 1024 };
    uint8_t *text = malloc(BYTES_EACH);
    struct summary_place place;
    struct scene scene;

    (void)context;
    begin(&scene, COUNT);
    memset(text, 'x', BYTES_EACH);
    for (uint64_t id = 1; id <= COUNT; id++)
        put(&scene, id, bytes_make(text, BYTES_EACH), 0);
    while (summary_file_flush(scene.file, 0))
        continue;
    for (uint64_t id = 1; id <= COUNT; id++) { /* larger than what is read at once */
        assert_int_equal(get(&scene, id), ERR_OK);
        ASSERT_BYTES(buf_bytes(&scene.out), bytes_make(text, BYTES_EACH));
        assert_true(summary_file_place(scene.file, (struct body_id){ id }, &place));
        assert_int_equal(place.length,
                         id == COUNT ? SUMMARY_ENTRY_BYTES + BYTES_EACH : SUMMARY_WARM_BYTES);
    }
    free(text);
    done(&scene);
}

/* Derived means disposable, under a running server too: what is made anew is kept again. */
static void test_cut_and_replaced_while_open(void **context)
{
    static const struct {
        const char *path;
        size_t keep; /* of the file; 0: it is removed */
        bool at_rest; /* the files are closed meanwhile */
    } cases[] = {
        { "summary", 1, false },       { "summary", 1, true },       { "summary", 0, true },
        { "summary", 40, false },      { "summary", 40, true },      { "summary.index", 40, false },
        { "summary.index", 40, true }, { "summary.index", 0, true },
    };

    (void)context;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct scene scene;

        begin(&scene, 2);
        put(&scene, 1, BYTES("one"), 0);
        put(&scene, 2, BYTES("two"), 0);
        flush_all(scene.file, 0);
        if (cases[i].at_rest)
            summary_file_trim(scene.file);
        if (cases[i].keep == 0)
            mem_vfs_remove(scene.vfs, cases[i].path);
        else
            mem_vfs_put(scene.vfs, cases[i].path,
                        bytes_slice(mem_vfs_file(scene.vfs, cases[i].path), 0, cases[i].keep));
        for (uint64_t id = 2; id > 0; id--) {
            struct bytes text = id == 1 ? BYTES("one") : BYTES("two");

            for (int round = 0; get(&scene, id) != ERR_OK; round++) {
                assert_int_equal(round, 0); /* once is enough */
                put(&scene, id, text, 0);
                flush_all(scene.file, 0);
            }
            ASSERT_BYTES(buf_bytes(&scene.out), text);
        }
        assert_true(mem_vfs_file(scene.vfs, "summary").len < 200);
        done(&scene);
    }
}

/* An index names what is no summary; and before that is read, the files turn out to be others, so
 * that all is forgotten in the middle of it. */
static void test_an_entry_where_none_can_be(void **context)
{
    const struct summary_entry entry = { .body = 1, .offset = 1, .length = 0 };
    struct buf index = buf_make(1024);
    uint8_t raw[SUMMARY_ENTRY_BYTES];
    struct scene scene;

    (void)context;
    begin(&scene, 2);
    put(&scene, 2, BYTES("two"), 0);
    flush_all(scene.file, 0);
    summary_entry_encode(&entry, BYTES(""), raw);
    buf_add(&index, mem_vfs_file(scene.vfs, summary_index_path));
    buf_add(&index, bytes_make(raw, sizeof(raw)));
    summary_file_close(scene.file);
    mem_vfs_put(scene.vfs, summary_index_path, buf_bytes(&index));
    scene.file = summary_file_open(scene.vfs, &account, &scene.bodies);
    assert_int_equal(get(&scene, 2), ERR_OK);
    summary_file_trim(scene.file);
    mem_vfs_put(scene.vfs, "summary",
                bytes_slice(mem_vfs_file(scene.vfs, "summary"), 0, SUMMARY_HEAD_BYTES + 1));
    assert_int_equal(get(&scene, 1), ERR_NOT_FOUND);
    put(&scene, 1, BYTES("one"), 0);
    flush_all(scene.file, 0);
    assert_int_equal(get(&scene, 1), ERR_OK);
    ASSERT_BYTES(buf_bytes(&scene.out), BYTES("one"));
    buf_done(&index);
    done(&scene);
}

static void test_of_another_account(void **context)
{
    static const struct account_id other = { "another account." };
    struct scene scene;

    (void)context;
    begin(&scene, 1);
    put(&scene, 1, BYTES("one"), 0);
    flush_all(scene.file, 0);
    reopen(&scene, &other);
    assert_int_equal(get(&scene, 1), ERR_NOT_FOUND);
    done(&scene);
}

static void test_bodies_that_are_gone(void **context)
{
    enum { COUNT = 40, BYTES_EACH = 64 * 1024 };
    uint8_t *text = malloc(BYTES_EACH);
    struct scene scene;
    uint64_t before;

    (void)context;
    begin(&scene, COUNT);
    memset(text, 'x', BYTES_EACH);
    for (uint64_t id = 1; id <= COUNT; id++)
        put(&scene, id, bytes_make(text, BYTES_EACH), 0);
    flush_all(scene.file, 0);
    before = mem_vfs_file(scene.vfs, "summary").len;
    body_table_done(&scene.bodies);
    assert_true(body_table_add(&scene.bodies, (struct body_id){ 7 }, (struct place){ 4, 1 }, 1));
    summary_file_purge_begin(scene.file);
    assert_false(summary_file_purge(scene.file, &scene.bodies));
    assert_int_equal(get(&scene, 7), ERR_OK);
    assert_int_equal(get(&scene, 8), ERR_NOT_FOUND);
    reopen(&scene, &account); /* written anew */
    assert_true(mem_vfs_file(scene.vfs, "summary").len < before / 10);
    assert_null(mem_vfs_file(scene.vfs, "summary.new").at);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(get(&scene, 7), ERR_OK);
        ASSERT_BYTES(buf_bytes(&scene.out), bytes_make(text, BYTES_EACH));
        reopen(&scene, &account);
    }
    free(text);
    done(&scene);
}

/* An index that is not read when the account is opened: what is written meanwhile is known, and
 * newer than what the index says. */
static void test_a_large_index_is_read_late(void **context)
{
    enum { COUNT = 3000 };
    struct summary_index index;
    struct scene scene;

    (void)context;
    begin(&scene, COUNT + 1);
    for (uint64_t id = 1; id <= COUNT; id++)
        put(&scene, id, BYTES("old"), 0);
    flush_all(scene.file, 0);
    assert_false(summary_file_lacks_index(scene.file, (struct body_id){ COUNT + 1 }));
    reopen(&scene, &account);
    assert_true(summary_file_lacks_index(scene.file, (struct body_id){ 5 }));
    index = summary_index_read(scene.vfs, &account);
    put(&scene, 7, BYTES("new"), 0);
    put(&scene, COUNT + 1, BYTES("new"), 0);
    assert_false(summary_file_lacks_index(scene.file, (struct body_id){ 7 }));
    flush_all(scene.file, 0);
    assert_false(summary_file_lacks_index(scene.file, (struct body_id){ 7 }));
    assert_int_equal(get(&scene, 7), ERR_OK);
    summary_file_adopt(scene.file, &index);
    assert_false(summary_file_lacks_index(scene.file, (struct body_id){ COUNT + 2 }));
    for (uint64_t id = 1; id <= COUNT + 1; id++) {
        assert_int_equal(get(&scene, id), ERR_OK);
        ASSERT_BYTES(buf_bytes(&scene.out), id == 7 || id > COUNT ? BYTES("new") : BYTES("old"));
    }
    index = summary_index_read(scene.vfs, &account);
    summary_file_adopt(scene.file, &index); /* is no longer wanted */
    done(&scene);
}

/* Read by a job while the files were begun anew: it speaks of files that are gone. */
static void test_an_index_of_files_that_are_gone(void **context)
{
    enum { COUNT = 3000 };
    struct summary_place place;
    struct summary_index index;
    struct scene scene;

    (void)context;
    begin(&scene, COUNT);
    for (uint64_t id = 1; id <= COUNT; id++)
        put(&scene, id, BYTES("old"), 0);
    flush_all(scene.file, 0);
    reopen(&scene, &account);
    index = summary_index_read(scene.vfs, &account);
    mem_vfs_put(scene.vfs, "summary", BYTES("x"));
    put(&scene, 2, BYTES("new"), 0);
    flush_all(scene.file, 0);
    summary_file_adopt(scene.file, &index);
    assert_false(summary_file_place(scene.file, (struct body_id){ 1 }, &place));
    assert_int_equal(get(&scene, 1), ERR_NOT_FOUND);
    assert_int_equal(get(&scene, 2), ERR_OK);
    ASSERT_BYTES(buf_bytes(&scene.out), BYTES("new"));
    done(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_flush_is_bounded),
        cmocka_unit_test(test_made_later),
        cmocka_unit_test(test_waits_until_durable),
        cmocka_unit_test(test_the_last_one_counts),
        cmocka_unit_test(test_cold_and_damaged),
        cmocka_unit_test(test_reads_ahead),
        cmocka_unit_test(test_of_another_body),
        cmocka_unit_test(test_reads_ahead_no_further_than_it_can),
        cmocka_unit_test(test_an_entry_where_none_can_be),
        cmocka_unit_test(test_of_another_account),
        cmocka_unit_test(test_a_large_index_is_read_late),
        cmocka_unit_test(test_an_index_of_files_that_are_gone),
        cmocka_unit_test(test_bodies_that_are_gone),
        cmocka_unit_test(test_cut_and_replaced_while_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
