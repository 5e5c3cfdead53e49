/* Base segments: what is written is what replay gives back, bodies are copied byte for byte or not
 * at all. */
#include "store/base_writer.h"

#include <stdio.h>

#include "kit/assert_bytes.h"
#include "kit/crash_vfs.h"
#include "kit/log_changes.h"
#include "store/apply.h"
#include "store/checkpoint_format.h"
#include "store/replay.h"
#include "store/state.h"

enum { ROWS = 5 * BLOCK_ROWS, MAILBOXES = 900 };

static const struct segment header = {
    .number = 0x82, .position = 4000, .base = 4, .when = { 1700000000000000 }
};
static const char base_path[] = "log/0000000000000082.base";

static struct vfs *empty_disk(void)
{
    struct vfs *disk = mem_vfs_new(1);

    assert_int_equal(disk->mkdir(disk, "log"), ERR_OK);
    return disk;
}

static struct mailbox *add_mailbox(struct state *state, uint32_t id)
{
    char name[300];
    struct mailbox *mailbox;

    (void)snprintf(name, sizeof(name), "a mailbox with number %u and %200u", id, id);
    mailbox = state_mailbox_new(state, (struct mailbox_id){ id }, bytes_from_string(name));
    mailbox->uidvalidity = id + 5;
    mailbox->highest.value = 60;
    (void)keyword_table_add(&mailbox->keywords, BYTES("key"));
    mailbox->vanished.complete_since = 40;
    for (uint32_t i = 0; i < 1000; i++)
        vanished_add(&mailbox->vanished, (struct uid_range){ 100000 + 3 * i, 100001 + 3 * i },
                     50 + i / 100);
    mailbox->uidnext = 200000;
    state_add(state, mailbox);
    (void)state_subscribe(state, bytes_from_string(name), true);
    return mailbox;
}

static void add_rows(struct state *state, struct mailbox *mailbox)
{
    for (uint32_t uid = 1; uid <= ROWS; uid++) {
        struct row row = { .uid = { uid }, .modseq = { 60 }, .size = 10, .body = { uid } };

        row.thread.value = uid;
        assert_true(body_table_add(&state->bodies, row.body, (struct place){ 4, uid }, 10));
        rows_append(&mailbox->rows, &row);
        state_count_row(mailbox, &row, 1);
    }
}

/* More than one record holds. */
static void fill(struct state *state)
{
    state_init(state);
    memcpy(state->id.raw, "account id 16 by", 16);
    state->change.value = 70;
    state->floor.value = 3;
    state->uidvalidity_last = 2000;
    state->mailbox_next = MAILBOXES + 1;
    state->body_next = ROWS + 10;
    for (uint32_t id = 1; id <= MAILBOXES; id++)
        (void)add_mailbox(state, id);
    add_rows(state, state->by_id[1]);
    for (uint64_t i = 0; i < 1000; i++)
        thread_table_add(&state->threads, i * i, (struct thread_id){ 3 + i / 7 });
}

static void write_state(struct base_writer *writer, const struct base_content *content,
                        unsigned *out_steps)
{
    bool done = false;

    for (*out_steps = 0; !done; ++*out_steps)
        assert_int_equal(base_writer_state(writer, content, &done), ERR_OK);
    assert_int_equal(base_writer_finish(writer), ERR_OK);
}

static enum err on_record(void *context, const struct log_record *record)
{
    assert_int_equal(record->type, RECORD_BASE);
    assert_true(apply_record(context, record));
    return ERR_OK;
}

static enum err on_damage(void *context, struct place place, uint64_t len, const char *what)
{
    (void)context;
    fail_msg("damage at %llu: %s", (unsigned long long)place.offset, what);
    return ERR_OK;
}

/* The state that the base on the disk gives; it counts. */
static void load(struct vfs *disk, struct state *state)
{
    static const struct replay_calls calls = { on_record, on_damage };
    struct replay_options options = { .calls = &calls, .context = state };
    struct segments segments;
    struct replay replay;

    state_init(state);
    assert_int_equal(segments_find(disk, &segments), ERR_OK);
    segments_limit(&segments, 0, 0);
    assert_int_equal(segments_choose_base(&segments, &options.base, &options.first), ERR_OK);
    assert_non_null(options.base);
    assert_int_equal(options.base->segment.base, header.base);
    assert_int_equal(options.base->segment.position, header.position);
    options.segments = &segments;
    options.first = segments.count;
    replay_begin(&replay, &options);
    while (!replay.done)
        assert_int_equal(replay_step(&replay), ERR_OK);
    replay_done(&replay);
    segments_done(&segments);
    body_table_settle(&state->bodies);
}

static void assert_same(const struct state *a, const struct state *b)
{
    struct buf left = buf_make(1 << 26);
    struct buf right = buf_make(1 << 26);

    checkpoint_state_encode(&left, a, 0);
    checkpoint_state_encode(&right, b, 0);
    ASSERT_BYTES(buf_bytes(&left), buf_bytes(&right));
    assert_int_equal(a->used_bytes, b->used_bytes);
    assert_int_equal(a->used_messages, b->used_messages);
    for (uint32_t uid = 1; uid <= ROWS + 1; uid++) {
        struct row one = { 0 };
        struct row two = { 0 };

        assert_int_equal(rows_get(&a->by_id[1]->rows, uid, &one),
                         rows_get(&b->by_id[1]->rows, uid, &two));
        assert_memory_equal(&one, &two, sizeof(one));
    }
    buf_done(&left);
    buf_done(&right);
}

static void state_comes_back(void **context)
{
    struct body_entry entry;
    const struct op_base_body bodies[] = { { { ROWS + 2 }, { 8, 8192 }, 77 },
                                           { { ROWS + 5 }, { 8, 9000 }, 78 } };
    struct vfs *disk = empty_disk();
    struct base_writer *writer = base_writer_new(disk, &header);
    struct drops drops = { 0 };
    struct state state;
    struct state again;
    unsigned steps;

    (void)context;
    fill(&state);
    state_add_drop(&state, 8, (struct wall){ 5 });
    state_add_drop(&state, 13, (struct wall){ 5 });
    drops = state.drops;
    assert_int_equal(base_writer_begin(writer), ERR_OK);
    write_state(writer, &(struct base_content){ &state, bodies, 2, &drops }, &steps);
    assert_true(steps > 2);
    assert_int_equal(base_writer_bytes(writer), mem_vfs_file(disk, base_path).len);
    base_writer_free(writer, true);
    load(disk, &again);
    assert_true(state_has_body_segment(&again, 13));
    assert_true(body_table_find(&again.bodies, bodies[1].body, &entry));
    assert_int_equal(entry.place.offset, 9000);
    assert_int_equal(entry.messages, 0);
    assert_true(body_table_find(&again.bodies, bodies[0].body, &entry));
    assert_int_equal(entry.size, 77);
    assert_same(&state, &again);
    state_done(&state);
    state_done(&again);
    assert_int_equal(mem_vfs_open_files(disk), 0);
    mem_vfs_free(disk);
}

/* Bodies of so many bytes in one log segment. */
enum { BODIES = 5 };
static const size_t sizes[BODIES] = { 100, 0, RECORD_CHUNK_BYTES, 3 * 1024 * 1024 + 5, 40000 };

static struct vfs *disk_with_bodies(struct place places[BODIES], bool compress)
{
    struct vfs *disk = mem_vfs_new(2);
    struct log_bench bench;

    bench_init(&bench, disk);
    bench.options.compress = compress;
    bench_start(&bench, 1000);
    for (unsigned i = 0; i < BODIES; i++) {
        assert_int_equal(bench_put(&bench, i + 1, sizes[i], &places[i]), ERR_OK);
        jobs_settle(&bench.jobs);
    }
    bench_close(&bench);
    return disk;
}

static void assert_body(struct vfs *disk, struct place place, unsigned index)
{
    struct body_id body = { index + 1 };
    uint8_t frame[RECORD_FRAME_BYTES];
    struct log_source source;
    uint64_t length = 0;
    struct bytes chunk;

    assert_int_equal(log_source_load(disk, (struct account_id){ 0 }, place, body, &source), ERR_OK);
    assert_int_equal(source.length, sizes[index]);
    for (uint64_t i = 0; length < source.length; i++) {
        assert_int_equal(log_source_fetch(disk, &source, i, frame, &chunk), ERR_OK);
        for (size_t at = 0; at < chunk.len; at += 997)
            assert_int_equal(chunk.at[at], body.value);
        length += chunk.len;
    }
}

static enum record_encoding encoding_of(struct vfs *disk, struct place place, unsigned index)
{
    struct log_source source;

    assert_int_equal(log_source_load(disk, (struct account_id){ 0 }, place,
                                     (struct body_id){ index + 1 }, &source),
                     ERR_OK);
    return source.encoding;
}

static uint64_t features_of(struct vfs *disk, uint64_t number)
{
    char path[SEGMENT_PATH_BYTES];
    struct segment segment;
    struct bytes file;

    segment_path(number, path);
    file = mem_vfs_file(disk, path);
    assert_int_equal(segment_header_decode(bytes_slice(file, 0, SEGMENT_HEADER_BYTES), &segment),
                     ERR_OK);
    return segment.features;
}

static void bodies_are_copied(void **context)
{
    struct place places[BODIES];
    struct place copies[BODIES];
    struct vfs *disk = disk_with_bodies(places, *context != NULL);
    struct base_writer *writer = base_writer_new(disk, &header);
    struct drops none = { 0 };
    struct state state;
    unsigned steps;

    state_init(&state);
    assert_int_equal(base_writer_begin(writer), ERR_OK);
    for (unsigned i = 0; i < BODIES; i++)
        assert_int_equal(base_writer_copy(writer, (struct body_id){ i + 1 }, places[i], &copies[i]),
                         ERR_OK);
    assert_int_equal(base_writer_settle(writer), ERR_OK);
    write_state(writer, &(struct base_content){ .state = &state, .drops = &none }, &steps);
    base_writer_free(writer, true);
    for (unsigned i = 0; i < BODIES; i++)
        assert_body(disk, copies[i], i);
    assert_int_equal(encoding_of(disk, copies[0], 0), *context != NULL ? RECORD_ZSTD : RECORD_RAW);
    assert_int_equal(features_of(disk, copies[0].segment), SEGMENT_ZSTD);
    load(disk, &state);
    state_done(&state);
    assert_int_equal(mem_vfs_open_files(disk), 0);
    mem_vfs_free(disk);
}

/* Damage in a body costs its copy, nothing else; the others stand as if it were not there. */
static void broken_bodies_are_left_where_they_are(void **context)
{
    struct place places[BODIES];
    struct place copies[BODIES];
    struct vfs *disk = disk_with_bodies(places, false);
    struct base_writer *writer = base_writer_new(disk, &header);
    struct drops none = { 0 };
    struct state state;
    unsigned steps;

    (void)context;
    state_init(&state);
    mem_vfs_damage(disk, "log/0000000000000004.log", places[0].offset + 60, 1);
    mem_vfs_damage(disk, "log/0000000000000004.log", places[3].offset + 3 * 1024 * 1024, 1);
    assert_int_equal(base_writer_begin(writer), ERR_OK);
    for (unsigned i = 0; i < BODIES; i++)
        assert_int_equal(base_writer_copy(writer, (struct body_id){ i + 1 }, places[i], &copies[i]),
                         i == 0 || i == 3 ? ERR_CORRUPT : ERR_OK);
    assert_int_equal(base_writer_copy(writer, (struct body_id){ 9 }, places[1], &copies[0]),
                     ERR_CORRUPT);
    assert_int_equal(
        base_writer_copy(writer, (struct body_id){ 9 }, (struct place){ 400, 8192 }, &copies[0]),
        ERR_CORRUPT);
    assert_int_equal(base_writer_settle(writer), ERR_OK);
    write_state(writer, &(struct base_content){ .state = &state, .drops = &none }, &steps);
    base_writer_free(writer, true);
    state_done(&state);
    assert_int_equal(copies[1].offset, SEGMENT_RECORDS_AT);
    for (unsigned i = 1; i < BODIES; i += i == 2 ? 2 : 1)
        assert_body(disk, copies[i], i);
    load(disk, &state);
    state_done(&state);
    mem_vfs_free(disk);
}

/* Wherever writing fails: the error is told, and nothing is left. */
static void full_disk_leaves_nothing(void **context)
{
    struct drops none = { 0 };
    unsigned failures = 0;
    enum err err = ERR_NO_SPACE;

    (void)context;
    for (unsigned skip = 0; err != ERR_OK; skip++) {
        struct place places[BODIES];
        struct crash_vfs *crash = crash_vfs_new(disk_with_bodies(places, false));
        struct vfs *disk = crash_vfs_get(crash);
        struct base_writer *writer = base_writer_new(disk, &header);
        struct state state;
        bool done = false;

        state_init(&state);
        crash_vfs_fail(crash, CRASH_FAIL_APPEND, skip, 10);
        err = base_writer_begin(writer);
        for (unsigned i = 0; err == ERR_OK && i < BODIES; i++)
            err = base_writer_copy(writer, (struct body_id){ i + 1 }, places[i], &places[i]);
        if (err == ERR_OK)
            err = base_writer_settle(writer);
        while (err == ERR_OK && !done)
            err = base_writer_state(
                writer, &(struct base_content){ .state = &state, .drops = &none }, &done);
        failures += err == ERR_NO_SPACE;
        base_writer_free(writer, err == ERR_OK);
        assert_int_equal(mem_vfs_file(crash_vfs_cache(crash), base_path).at != NULL, err == ERR_OK);
        crash_vfs_free(crash);
    }
    assert_in_range(failures, 4, 400);
}

int main(void)
{
    static bool compress = true;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(state_comes_back),
        cmocka_unit_test(bodies_are_copied),
        { "bodies_are_copied, packed", bodies_are_copied, NULL, NULL, &compress },
        cmocka_unit_test(broken_bodies_are_left_where_they_are),
        cmocka_unit_test(full_disk_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
