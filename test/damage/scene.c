/* Making accounts, and taking notes of them. */
#include "damage/scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc.h"
#include "kit/assert_bytes.h"
#include "kit/mem_vfs.h"
#include "kit/shadow.h"
#include "message/summary.h"
#include "store/account_state.h"
#include "store/log_base.h"
#include "store/op.h"

#define HOUR_US INT64_C(3600000000)

enum {
    TICKS_MAX = 300,
    PARTS = 3,
    ACTS_IN_A_PART = 18,
    CHECKPOINT_BYTES = 20000,
    COPIED_BYTES_MAX = 6000
};

static const char *const derived[] = { "checkpoint",     "checkpoint.rows.0", "checkpoint.rows.1",
                                       "checkpoint.new", "summary",           "summary.index" };

void scene_remove_derived(struct vfs *disk)
{
    for (size_t i = 0; i < ARRAY_COUNT(derived); i++)
        mem_vfs_remove(disk, derived[i]);
}

void scene_sit_down(const struct scene *scene, struct vfs *disk, struct desk *desk)
{
    desk_init(desk, disk);
    desk->options.id = scene->id;
    desk->options.create = false;
    desk->options.compress = scene->packed;
    desk->options.checkpoint_bytes = CHECKPOINT_BYTES;
    desk->options.log_ahead_bytes = 8192;
    desk->options.log_ahead_syncs = 1;
    desk->now = scene->now;
}

void scene_leave(struct desk *desk)
{
    if (desk->account != NULL)
        desk_close(desk);
    assert_int_equal(mem_vfs_open_files(desk->vfs), 0);
    mem_vfs_free(desk->vfs);
}

/* Mail that holds the bytes of the log itself: records, with their headers, at every alignment. */
static void append_records(struct desk *desk, struct test_random *random)
{
    struct buf text = buf_make(1 << 20);
    unsigned pad = (unsigned)test_random_below(random, 8);
    struct bytes newest = { 0 };
    const char *path;

    for (unsigned i = 0; (path = mem_vfs_path(desk->vfs, i)) != NULL; i++)
        if (strstr(path, ".log") != NULL)
            newest = mem_vfs_file(desk->vfs, path);
    if (newest.len <= SEGMENT_RECORDS_AT)
        return;
    buf_add_string(&text, "Subject: records\r\n\r\n");
    while (pad-- > 0)
        buf_add_byte(&text, ' ');
    if (test_random_below(random, 2) == 0)
        buf_add(&text, bytes_slice(newest, 0, SEGMENT_HEADER_BYTES));
    newest = bytes_from(newest, SEGMENT_RECORDS_AT);
    buf_add(&text, bytes_slice(bytes_from(newest, newest.len < COPIED_BYTES_MAX
                                                      ? 0
                                                      : newest.len - COPIED_BYTES_MAX),
                               0, COPIED_BYTES_MAX));
    assert_int_equal(desk_append(desk, desk_mailbox(desk, "Records"), buf_bytes(&text), 0, NULL),
                     ERR_OK);
    buf_done(&text);
}

static void act(struct desk *desk, struct shadow *shadow, struct test_random *random)
{
    shadow_act(shadow, desk);
    if (test_random_below(random, 3) == 0)
        desk_sync(desk);
    if (test_random_below(random, 5) == 0)
        append_records(desk, random);
    desk_settle(desk);
    (void)desk_tick(desk);
}

/* A segment without records, which a base may leave behind it, is one that has just begun. */
static void end_segment(struct desk *desk)
{
    desk_settle(desk);
    if (log_segment_bytes(desk->account->log) == SEGMENT_RECORDS_AT)
        return;
    assert_true(log_roll(desk->account->log, desk->now));
    desk_settle(desk);
}

/* Mail that comes and goes, and hardly packs: without it compaction would find nothing to do. */
static void make_garbage(struct desk *desk, struct test_random *random)
{
    struct mailbox *mailbox = desk_mailbox(desk, "Records");
    const struct uid_range everything = { 1, UINT32_MAX };
    struct buf text = buf_make(1 << 16);
    struct origin origin;
    uint32_t count;

    buf_add_string(&text, "Subject: soon gone\r\n\r\n");
    while (text.len < 20000)
        buf_add_byte(&text, (uint8_t)('0' + test_random_below(random, 64)));
    for (int i = 0; i < 30; i++)
        assert_int_equal(desk_append(desk, mailbox, buf_bytes(&text), 0, NULL), ERR_OK);
    origin = desk_origin(desk);
    assert_int_equal(
        act_expunge(mailbox, &origin, (struct uid_set){ &everything, 1 }, false, &count), ERR_OK);
    desk_sync(desk);
    buf_done(&text);
}

static uint64_t account_log_base(const struct desk *desk)
{
    return log_base(desk->account->log);
}

/* Ticks until a base is there, or until what it supersedes has gone. */
static void compact(struct scene *scene, struct desk *desk, struct test_random *random)
{
    make_garbage(desk, random);
    desk->now.us += HOUR_US + 1;
    for (int i = 0; i < TICKS_MAX && account_log_base(desk) == 0; i++) {
        (void)desk_tick(desk);
        desk_settle(desk);
    }
    assert_int_not_equal(account_log_base(desk), 0);
    desk->now.us += scene->past ? 0 : HOUR_US + 1;
    for (int i = 0; i < TICKS_MAX; i++) {
        (void)desk_tick(desk);
        desk_settle(desk);
    }
}

static void live(struct scene *scene, struct desk *desk, uint64_t seed)
{
    struct test_random random = { seed ^ 0x5ca1ab1e };
    struct shadow *shadow = malloc(sizeof(*shadow));
    bool compacted = desk->options.compact.enabled;
    struct origin origin;
    struct mailbox *made;

    shadow_init(shadow, seed);
    shadow->with_large = true;
    for (int part = 0; part < PARTS; part++) {
        assert_int_equal(desk_open(desk), ERR_OK);
        origin = desk_origin(desk);
        if (part == 0)
            assert_int_equal(act_mailbox_create(desk->account, &origin, BYTES("Records"), 0, &made),
                             ERR_OK);
        for (int i = 0; i < (compacted ? 3 * ACTS_IN_A_PART : ACTS_IN_A_PART); i++)
            act(desk, shadow, &random);
        desk_sync(desk);
        if (part == PARTS - 1)
            break;
        if (part == PARTS - 2 && compacted)
            compact(scene, desk, &random);
        end_segment(desk);
        desk_close(desk);
        if (part == PARTS - 2)
            scene->older = mem_vfs_copy(desk->vfs, seed + 1);
    }
    free(shadow);
}

static int by_number(const void *a, const void *b)
{
    uint64_t left = ((const struct scene_segment *)a)->header.number;
    uint64_t right = ((const struct scene_segment *)b)->header.number;
    unsigned left_kind = segment_kind(left) != SEGMENT_LOG;
    unsigned right_kind = segment_kind(right) != SEGMENT_LOG;

    if (left_kind != right_kind)
        return left_kind < right_kind ? -1 : 1;
    return (left > right) - (left < right);
}

static void note_segments(struct scene *scene)
{
    const char *path;

    for (unsigned i = 0; (path = mem_vfs_path(scene->disk, i)) != NULL; i++) {
        struct scene_segment *segment = &scene->segments[scene->segment_count];
        uint64_t number;

        if (strncmp(path, "log/", 4) != 0 ||
            !segment_name_parse(bytes_from_string(path + 4), &number))
            continue;
        assert_true(scene->segment_count < SCENE_SEGMENTS_MAX);
        (void)snprintf(segment->path, sizeof(segment->path), "%s", path);
        segment->bytes = mem_vfs_file(scene->disk, path);
        assert_int_equal(segment_header_decode(bytes_slice(segment->bytes, 0, SEGMENT_HEADER_BYTES),
                                               &segment->header),
                         ERR_OK);
        scene->log_count += segment_kind(number) == SEGMENT_LOG;
        scene->segment_count++;
    }
    qsort(scene->segments, scene->segment_count, sizeof(scene->segments[0]), by_number);
    for (unsigned i = scene->log_count; i < scene->segment_count; i++)
        if (segment_kind(scene->segments[i].header.number) == SEGMENT_BASE)
            scene->base = i;
}

/* A payload without its checksums, in memory of its own. */
static struct bytes unframe(struct bytes file, uint64_t at, uint64_t length)
{
    uint8_t *text = malloc(length + 1);

    for (uint64_t done = 0; done < length; done += RECORD_CHUNK_BYTES) {
        uint64_t left = length - done;

        memcpy(text + done, file.at + at + done / RECORD_CHUNK_BYTES * RECORD_FRAME_BYTES,
               left < RECORD_CHUNK_BYTES ? left : RECORD_CHUNK_BYTES);
    }
    return bytes_make(text, length);
}

static void note_body(struct scene *scene, struct scene_body body,
                      const struct record_header *header)
{
    assert_true(scene->body_count < SCENE_BODIES_MAX);
    body.stored = header->length;
    body.packed = header->encoding != RECORD_RAW;
    if (!body.packed)
        body.text = unframe(scene->segments[body.segment].bytes, body.frames_at, body.stored);
    scene->bodies[scene->body_count++] = body;
}

static bool read_header(const struct scene_segment *segment, uint64_t offset,
                        struct record_header *out_header)
{
    return record_header_decode(
        bytes_slice(bytes_from(segment->bytes, offset), 0, RECORD_HEADER_BYTES),
        record_key_make(segment->header.id), offset, out_header);
}

static void note_records(struct scene *scene, unsigned index)
{
    const struct scene_segment *segment = &scene->segments[index];
    struct scene_record record = { .segment = index, .offset = SEGMENT_RECORDS_AT };

    while (record.offset < segment->bytes.len &&
           read_header(segment, record.offset, &record.header)) {
        uint64_t payload_at = record.offset + RECORD_HEADER_BYTES;

        record.payload = bytes_make(NULL, 0);
        if (record.header.type == RECORD_BODY)
            note_body(scene,
                      (struct scene_body){ .id = record.header.number,
                                           .segment = index,
                                           .header_at = record.offset,
                                           .frames_at = payload_at },
                      &record.header);
        else
            record.payload = unframe(segment->bytes, payload_at, record.header.length);
        assert_true(scene->record_count < SCENE_RECORDS_MAX);
        scene->records[scene->record_count++] = record;
        record.offset += record_bytes(record.header.length);
    }
}

static void note_body_segment(struct scene *scene, unsigned index)
{
    const struct scene_segment *segment = &scene->segments[index];
    uint64_t offset = segment->bytes.len - RECORD_HEADER_BYTES;
    struct record_header header;

    assert_true(read_header(segment, offset, &header));
    note_body(scene,
              (struct scene_body){ .id = header.number,
                                   .segment = index,
                                   .header_at = offset,
                                   .frames_at = SEGMENT_BODY_AT },
              &header);
}

static int by_id(const void *a, const void *b)
{
    const struct scene_body *left = a;
    const struct scene_body *right = b;

    if (left->id != right->id)
        return left->id < right->id ? -1 : 1;
    return (left->segment > right->segment) - (left->segment < right->segment);
}

const struct scene_body *scene_body_find(const struct scene *scene, uint64_t id, uint64_t segment)
{
    struct scene_body key = { .id = id };

    while (scene->segments[key.segment].header.number != segment)
        assert_true(++key.segment < scene->segment_count);
    return bsearch(&key, scene->bodies, scene->body_count, sizeof(key), by_id);
}

/* What only the store can unpack: read before anything is harmed. */
static void note_text(struct desk *desk, struct scene_body *body)
{
    struct buf text = buf_make(SCENE_TEXT_MAX);
    uint8_t *copy;

    assert_int_equal(desk_read(desk, (struct body_id){ body->id }, &text), ERR_OK);
    copy = malloc(text.len + 1);
    memcpy(copy, buf_bytes(&text).at, text.len);
    body->text = bytes_make(copy, text.len);
    buf_done(&text);
}

static void note_summaries(struct scene *scene, struct desk *desk)
{
    unsigned packed = 0;

    for (unsigned i = 0; i < scene->body_count; i++) {
        struct body_id id = { scene->bodies[i].id };
        struct summary summary;
        enum err err = body_summary(desk->account, id, &desk->waker, &summary);

        if (err == ERR_NOT_FOUND) /* expunged everywhere */
            continue;
        assert_int_equal(err, ERR_OK);
        packed += scene->bodies[i].packed;
        if (scene->bodies[i].packed)
            note_text(desk, &scene->bodies[i]);
        scene->bodies[i].envelope = crc32c(0, summary.envelope);
        scene->bodies[i].structure = crc32c(0, summary.bodystructure);
    }
    assert_int_equal(packed > 0, scene->packed);
}

static void set_compaction(const struct scene *scene, struct desk *desk)
{
    desk->options.log_segment_bytes = 30000;
    desk->options.compact = (struct compact_policy){ .enabled = true,
                                                     .keep_us = HOUR_US,
                                                     .linger_ms = scene->past ? UINT32_MAX : 1000,
                                                     .garbage_bytes_min = 100,
                                                     .check_ms = 100 };
}

struct scene *scene_new(uint64_t seed, enum scene_kind kind)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    struct desk desk;

    *scene = (struct scene){ .clean = kind != SCENE_KILLED,
                             .past = kind == SCENE_LINGERS,
                             .packed = seed % 3 == 0,
                             .now = { INT64_C(1700000000) * 1000000 } };
    memcpy(scene->id.raw, &seed, sizeof(seed));
    scene->id.raw[15] = 1;
    scene->described = buf_make(SCENE_TEXT_MAX);
    scene_sit_down(scene, mem_vfs_new(seed), &desk);
    desk.options.create = true;
    if (kind >= SCENE_LINGERS)
        set_compaction(scene, &desk);
    live(scene, &desk, seed);
    scene->now = desk.now;
    shadow_describe(&desk, true, &scene->described);
    desk_sync(&desk);
    if (!scene->clean)
        scene->disk = mem_vfs_copy(desk.vfs, seed + 2);
    desk_close(&desk);
    if (scene->clean)
        scene->disk = mem_vfs_copy(desk.vfs, seed + 2);
    mem_vfs_free(desk.vfs);
    note_segments(scene);
    if (kind >= SCENE_LINGERS) {
        bool past = scene->segments[0].header.previous == 0;

        assert_int_not_equal(scene->base, 0);
        assert_int_equal(past, scene->past);
    }
    for (unsigned i = 0; i < scene->segment_count; i++) {
        if (segment_kind(scene->segments[i].header.number) == SEGMENT_BODY)
            note_body_segment(scene, i);
        else
            note_records(scene, i);
    }
    qsort(scene->bodies, scene->body_count, sizeof(scene->bodies[0]), by_id);
    scene_sit_down(scene, mem_vfs_copy(scene->disk, seed + 3), &desk);
    assert_int_equal(desk_open(&desk), ERR_OK);
    note_summaries(scene, &desk);
    scene_leave(&desk);
    return scene;
}

void scene_free(struct scene *scene)
{
    for (unsigned i = 0; i < scene->record_count; i++)
        free((void *)(uintptr_t)scene->records[i].payload.at);
    for (unsigned i = 0; i < scene->body_count; i++)
        free((void *)(uintptr_t)scene->bodies[i].text.at);
    buf_done(&scene->described);
    mem_vfs_free(scene->disk);
    mem_vfs_free(scene->older);
    free(scene);
}

struct bytes scene_stretch(const struct scene *scene, unsigned segment, uint64_t offset,
                           uint64_t len)
{
    struct bytes stretch = bytes_slice(bytes_from(scene->segments[segment].bytes, offset), 0, len);

    assert_int_equal(stretch.len, len);
    return stretch;
}

bool scene_is_whole(const struct scene *scene, struct vfs *disk, unsigned segment,
                    struct bytes stretch)
{
    size_t offset = (size_t)(stretch.at - scene->segments[segment].bytes.at);
    struct bytes now = mem_vfs_file(disk, scene->segments[segment].path);

    return offset <= now.len && stretch.len <= now.len - offset &&
           memcmp(now.at + offset, stretch.at, stretch.len) == 0;
}
