/* Harm to what counts: log segments and body segments. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc.h"
#include "base/num.h"
#include "damage/check.h"
#include "damage/harm.h"
#include "damage/kinds.h"
#include "kit/assert_bytes.h"
#include "kit/mem_vfs.h"
#include "store/lockfile.h"

enum { EPOCH_SHORT = 1 << 20, UID_GAP = 1 << 20, MAILBOX_GAP = 1 << 16, BODY_GAP = 1 << 20 };

#define EPOCH_LONG (UINT64_C(1) << 32)

struct log_round {
    struct round *round;
    const struct scene *scene;
    struct vfs *harmed; /* as it was before it was opened */
    struct forecast_start start;
    struct forecast forecast;
    struct model *before; /* without harm */
    struct model *model;
    struct desk desk;
    uint32_t reasons;
};

struct vfs *round_disk(struct round *round, bool derived)
{
    struct vfs *disk = mem_vfs_copy(round->scene->disk, test_random_next(round->random));

    if (!derived)
        scene_remove_derived(disk);
    return disk;
}

struct bytes round_other(struct round *round, const char *path)
{
    struct vfs *from =
        test_random_below(round->random, 2) == 0 ? round->stranger->disk : round->scene->older;

    return mem_vfs_file(from, path);
}

static struct model *replay(const struct scene *scene, const bool *applied)
{
    struct model *model = model_new();

    for (unsigned i = 0; i < scene->record_count; i++) {
        const struct scene_record *record = &scene->records[i];
        struct place place = { scene->segments[record->segment].header.number, record->offset };

        if (record->header.type == RECORD_CHANGE && (applied == NULL || applied[i]))
            model_change(model, record->payload, &record->header, place);
    }
    return model;
}

/* From the base on; where none of its records is applied, from the beginning. */
static struct model *replay_base(const struct scene *scene, const bool *applied)
{
    struct model *model = model_new();

    for (int pass = 0; pass < 2; pass++) /* the base comes first */
        for (unsigned i = 0; i < scene->record_count; i++) {
            const struct scene_record *record = &scene->records[i];
            const struct segment *header = &scene->segments[record->segment].header;
            struct place place = { header->number, record->offset };
            bool behind = header->number > scene->segments[scene->base].header.base;

            if (applied != NULL && !applied[i])
                continue;
            if (pass == 0 && record->header.type == RECORD_BASE && record->segment == scene->base)
                model_base(model, record->payload, place);
            if (pass == 1 && record->header.type == RECORD_CHANGE && (applied != NULL || behind))
                model_change(model, record->payload, &record->header, place);
        }
    return model;
}

static void expect_epoch(struct model *model, uint32_t reasons)
{
    bool is_long = (reasons & (EPOCH_COPIED | EPOCH_DAMAGED)) != 0;
    struct op_epoch epoch = { reasons, is_long ? UID_GAP : 0, is_long ? MAILBOX_GAP : 0, BODY_GAP };

    if (reasons != 0)
        model_epoch(model, &epoch,
                    model->change + 1 + (is_long ? EPOCH_LONG : (uint64_t)EPOCH_SHORT));
}

static void check_report(struct log_round *own)
{
    const struct account_report *report = &own->desk.report;
    const struct forecast *forecast = &own->forecast;
    char first[80];

    assert_int_equal(report->records_damaged, forecast->item_count);
    assert_int_equal(report->tail_bytes, forecast->tail.len);
    assert_int_equal(report->records_replayed, forecast->replayed);
    assert_int_equal(report->epoch, own->reasons != 0);
    assert_int_equal(report->unclean, !own->scene->clean || forecast->passes_clean_mark);
    if (forecast->item_count == 0)
        return;
    (void)snprintf(first, sizeof(first),
                   "segment %016" PRIx64 ", offset %" PRIu64 ", %" PRIu64 " bytes: ",
                   forecast->items[0].segment, forecast->items[0].offset, forecast->items[0].len);
    assert_memory_equal(report->damage.text, first, strlen(first));
}

static void check_set_aside(struct log_round *own, const struct forecast_item *item)
{
    char path[80];
    char from[SEGMENT_PATH_BYTES];
    struct bytes aside;

    (void)snprintf(path, sizeof(path), "log/aside-%016" PRIx64 "-%016" PRIx64, item->segment,
                   item->offset);
    segment_path(item->segment, from);
    aside = mem_vfs_file(own->desk.vfs, path);
    ASSERT_BYTES(aside, bytes_slice(bytes_from(mem_vfs_file(own->harmed, from), item->offset), 0,
                                    item->len));
}

/* A body segment that no change names, after an owner that did not close: an upload left it, for
 * all that anybody can know. */
static bool is_orphan(const struct log_round *own, unsigned segment)
{
    uint64_t number = own->scene->segments[segment].header.number;

    if (own->scene->clean || own->forecast.item_count > 0)
        return false;
    for (uint32_t i = 0; i < own->model->body_segment_count; i++)
        if (own->model->body_segments[i] == number)
            return false;
    return segment_kind(number) == SEGMENT_BODY;
}

/* What was taken ahead may go. */
static struct bytes without_zeros(struct bytes bytes)
{
    while (bytes.len > 0 && bytes.at[bytes.len - 1] == 0)
        bytes.len--;
    return bytes;
}

/* All that was hit is kept for people, and nothing else is; the log itself is left as it was. */
static void check_files(struct log_round *own)
{
    const struct forecast *forecast = &own->forecast;
    unsigned wanted = forecast->item_count + (forecast->tail.len > 0);
    unsigned found = 0;
    const char *path;

    for (unsigned i = 0; i < forecast->item_count; i++)
        check_set_aside(own, &forecast->items[i]);
    if (forecast->tail.len > 0)
        check_set_aside(own, &forecast->tail);
    for (unsigned i = 0; (path = mem_vfs_path(own->desk.vfs, i)) != NULL; i++)
        found += strncmp(path, "log/aside-", 10) == 0;
    assert_int_equal(found, wanted);
    for (unsigned i = 0; i < own->scene->segment_count; i++) {
        struct bytes was = mem_vfs_file(own->harmed, own->scene->segments[i].path);
        struct bytes is = mem_vfs_file(own->desk.vfs, own->scene->segments[i].path);

        if (i + 1 == own->scene->log_count && forecast->dropped_last)
            continue;
        if (is.at == NULL && is_orphan(own, i))
            continue;
        assert_true(is.len == was.len || i + 1 == own->scene->log_count);
        if (i + 1 == own->scene->log_count)
            was = without_zeros(was);
        ASSERT_BYTES(bytes_slice(is, 0, was.len), was);
    }
}

static void prepare(struct log_round *own, struct round *round, struct vfs *disk)
{
    *own = (struct log_round){ .round = round, .scene = round->scene };
    own->start = forecast_checkpoint(disk);
    own->harmed = mem_vfs_copy(disk, 1);
    forecast_make(own->scene, disk, own->start, &own->forecast);
    own->reasons = (own->forecast.item_count > 0 ? EPOCH_DAMAGED : 0) |
                   (own->forecast.tail.len > 0 ? EPOCH_TAIL_LOST : 0);
    own->before = replay(own->scene, NULL);
    own->model = replay(own->scene, own->forecast.applied);
    expect_epoch(own->model, own->reasons);
    scene_sit_down(own->scene, disk, &own->desk);
}

static void finish(struct log_round *own)
{
    scene_leave(&own->desk);
    model_free(own->before);
    model_free(own->model);
    mem_vfs_free(own->harmed);
}

static void check_opened(struct log_round *own)
{
    struct check check = {
        .scene = own->scene,
        .disk = own->harmed,
        .desk = &own->desk,
        .model = own->model,
        .random = own->round->random,
        .beginning = model_find_name(own->model, "INBOX") == NULL,
    };

    if (!own->model->has_account && !check.beginning)
        own->model->change++; /* the account's id is written down again */
    own->model->has_account = true;
    check_account(&check);
    if ((own->reasons & EPOCH_DAMAGED) != 0)
        check_clients(&check, own->before);
}

/* What an account says of itself. */
static void describe_all(struct log_round *own, struct buf *out)
{
    struct bytes name = BYTES("");
    struct mailbox *mailbox;

    while ((mailbox = mailbox_next(own->desk.account, name)) != NULL) {
        struct view *view = view_open(mailbox);
        struct row row;

        buf_add_format(out, "%.*s %u %u %u %" PRIu64 "\n", BYTES_ARG(mailbox_name(mailbox)),
                       mailbox_id(mailbox).value, mailbox_uidvalidity(mailbox),
                       mailbox_uidnext(mailbox), mailbox_highest_modseq(mailbox).value);
        for (uint32_t i = 1; i <= view_count(view); i++) {
            view_row(view, (struct seqno){ i }, &row);
            buf_add_format(out, "%u %u %" PRIx64 " %" PRIu64 " %" PRIu64 "\n", row.uid.value,
                           row.flags, row.keywords.word[0], row.modseq.value, row.body.value);
        }
        view_close(view);
        name = mailbox_name(mailbox);
    }
}

static void check_second_opening(struct log_round *own)
{
    bool without = own->start.position == 0 && test_random_below(own->round->random, 2) == 0;
    struct buf before = buf_make(SCENE_TEXT_MAX);
    struct buf after = buf_make(SCENE_TEXT_MAX);
    struct account_report *report = &own->desk.report;

    describe_all(own, &before);
    desk_close(&own->desk);
    if (without)
        scene_remove_derived(own->desk.vfs);
    assert_int_equal(desk_open(&own->desk), ERR_OK);
    assert_false(report->epoch || report->unclean);
    assert_int_equal(report->tail_bytes, 0);
    assert_true(report->records_damaged <= own->forecast.item_count || without);
    describe_all(own, &after);
    ASSERT_BYTES(buf_bytes(&after), buf_bytes(&before));
    buf_done(&before);
    buf_done(&after);
}

void round_log(struct round *round)
{
    struct vfs *disk = round_disk(round, test_random_below(round->random, 3) == 0);
    unsigned files = test_random_below(round->random, 8) == 0 ? 2 : 1;
    struct log_round own;

    while (files-- > 0) {
        unsigned which = (unsigned)test_random_below(round->random, round->scene->log_count);
        const char *path = round->scene->segments[which].path;

        harm_file(disk, path, round->random, bytes_make(NULL, 0));
    }
    prepare(&own, round, disk);
    assert_int_equal(desk_open(&own.desk), ERR_OK);
    check_report(&own);
    check_files(&own);
    check_opened(&own);
    check_second_opening(&own);
    finish(&own);
}

/* Opening does not read bodies: harm to them is met by those who ask for them. */
void round_body(struct round *round)
{
    struct vfs *disk = round_disk(round, test_random_below(round->random, 2) == 0);
    unsigned files = 1 + (unsigned)test_random_below(round->random, 2);
    unsigned bodies = round->scene->segment_count - round->scene->log_count;
    struct log_round own;

    while (files-- > 0 && bodies > 0) {
        unsigned which =
            round->scene->log_count + (unsigned)test_random_below(round->random, bodies);
        unsigned other =
            round->scene->log_count + (unsigned)test_random_below(round->random, bodies);

        if (test_random_below(round->random, 16) == 0)
            mem_vfs_remove(disk, round->scene->segments[which].path);
        else if (mem_vfs_file(disk, round->scene->segments[which].path).at != NULL)
            harm_file(disk, round->scene->segments[which].path, round->random,
                      other == which ? bytes_make(NULL, 0) : round->scene->segments[other].bytes);
    }
    prepare(&own, round, disk);
    if (test_random_below(round->random, 4) == 0)
        mem_vfs_chill(disk);
    for (int opening = 0; opening < 2; opening++) {
        assert_int_equal(desk_open(&own.desk), ERR_OK);
        assert_int_equal(own.desk.report.records_damaged, 0);
        assert_false(own.desk.report.epoch);
        check_opened(&own);
        desk_close(&own.desk);
    }
    check_files(&own);
    finish(&own);
}

/* What a lock file says of a log: docs/format.md, "The lock file". */
struct lock_reading {
    struct bytes entry; /* the last one that holds; at NULL: none */
    bool unclean;
    bool is_short; /* the log is shorter than a clean mark says */
    uint32_t reasons;
};

/* A base counts as a whole while what it supersedes is there; then, as far as it is whole. */
void round_base(struct round *round)
{
    const struct scene *scene = round->scene;
    struct vfs *disk = round_disk(round, false);
    struct log_round own;
    bool counts;

    harm_file(disk, scene->segments[scene->base].path, round->random, bytes_make(NULL, 0));
    prepare(&own, round, disk);
    counts = forecast_base(scene, disk, &own.forecast);
    model_free(own.before);
    model_free(own.model);
    own.before = replay_base(scene, NULL);
    own.model = replay_base(scene, own.forecast.applied);
    if (!counts && !scene->past) /* the first segment that is there names one that is not */
        own.forecast.items[own.forecast.item_count++] =
            (struct forecast_item){ scene->segments[scene->base].header.base, 0, 0 };
    own.reasons = own.forecast.item_count > 0 ? EPOCH_DAMAGED : 0;
    expect_epoch(own.model, own.reasons);
    assert_int_equal(desk_open(&own.desk), ERR_OK);
    check_report(&own);
    check_opened(&own);
    check_second_opening(&own);
    finish(&own);
}

static uint64_t log_end(const struct scene *scene)
{
    const struct scene_segment *last = &scene->segments[scene->log_count - 1];

    return last->header.position + last->bytes.len;
}

/* The last entry that holds; `out_whole`: nothing stands behind it. */
static struct bytes last_entry(struct bytes file, bool *out_whole)
{
    struct bytes last = { 0 };

    *out_whole = true;
    for (size_t at = 0; at < file.len; at += 128) {
        struct bytes entry = bytes_slice(bytes_from(file, at), 0, 128);

        *out_whole = entry.len == 128 && memcmp(entry.at, "ROOSTLCK", 8) == 0 &&
                     num_load_u32(entry.at + 124) == crc32c(0, bytes_slice(entry, 0, 124));
        if (*out_whole)
            last = entry;
    }
    return last;
}

static struct lock_reading read_lock(const struct scene *scene, struct vfs *disk)
{
    struct lock_reading reading = { 0 };
    uint8_t now[LOCKFILE_IDENTITY_BYTES];
    bool whole;

    reading.entry = last_entry(mem_vfs_file(disk, "lock"), &whole);
    assert_int_equal(disk->identity(disk, now), ERR_OK);
    if (reading.entry.at == NULL || memcmp(reading.entry.at + 16, now, 16) != 0 ||
        memcmp(reading.entry.at + 48, now + 32, 8) != 0)
        reading.reasons = EPOCH_COPIED;
    reading.unclean = !whole || reading.entry.at == NULL || reading.entry.at[9] != LOCK_CLEAN;
    if (!reading.unclean && reading.reasons == 0) {
        uint64_t position = num_load_u64(reading.entry.at + 64);

        reading.is_short = position > log_end(scene);
        reading.unclean = position < log_end(scene); /* the clean mark is an old one */
    }
    if (reading.is_short)
        reading.reasons |= EPOCH_DAMAGED;
    if (reading.unclean && reading.entry.at != NULL &&
        memcmp(reading.entry.at + 32, now + 16, 16) != 0)
        reading.reasons |= EPOCH_TAIL_LOST;
    return reading;
}

/* No mail is lost, whatever the file says; an epoch comes where it must. */
void round_lock(struct round *round)
{
    struct vfs *disk = round_disk(round, test_random_below(round->random, 2) == 0);
    struct lock_reading reading;
    struct log_round own;

    if (test_random_below(round->random, 3) == 0)
        mem_vfs_change_identity(disk, MEM_BOOT);
    if (test_random_below(round->random, 16) == 0)
        mem_vfs_remove(disk, "lock");
    else
        harm_file(disk, "lock", round->random, round_other(round, "lock"));
    reading = read_lock(round->scene, disk);
    prepare(&own, round, disk);
    model_free(own.model);
    own.model = replay(own.scene, NULL);
    own.reasons = reading.reasons;
    expect_epoch(own.model, own.reasons);
    assert_int_equal(desk_open(&own.desk), ERR_OK);
    assert_int_equal(own.desk.report.records_damaged, reading.is_short);
    assert_int_equal(own.desk.report.tail_bytes, 0);
    assert_int_equal(own.desk.report.left_out, 0);
    assert_int_equal(own.desk.report.unclean, reading.unclean);
    assert_int_equal(own.desk.report.epoch, own.reasons != 0);
    check_opened(&own);
    check_second_opening(&own);
    finish(&own);
}
