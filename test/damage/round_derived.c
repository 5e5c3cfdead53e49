/* Harm to what can be made again, at rest and under an open account. */
#include <string.h>

#include "damage/check.h"
#include "damage/harm.h"
#include "damage/kinds.h"
#include "kit/assert_bytes.h"
#include "kit/mem_vfs.h"
#include "kit/shadow.h"

static const char *const derived[] = { "checkpoint", "checkpoint.rows.0", "checkpoint.rows.1",
                                       "summary", "summary.index" };

/* Of the two files of rows only one may be there. */
static const char *present(struct vfs *disk, const char *path)
{
    if (mem_vfs_file(disk, path).at == NULL && strcmp(path, "checkpoint.rows.0") == 0)
        return "checkpoint.rows.1";
    return path;
}

static void harm_derived(struct round *round, struct vfs *disk, const char *wanted)
{
    const char *path = present(disk, wanted);

    if (mem_vfs_file(disk, path).at == NULL)
        return;
    if (test_random_below(round->random, 12) == 0)
        mem_vfs_remove(disk, path);
    else
        harm_file(disk, path, round->random, round_other(round, path));
}

static void assert_described(struct desk *desk, struct bytes wanted)
{
    struct buf now = buf_make(SCENE_TEXT_MAX);

    shadow_describe(desk, true, &now);
    ASSERT_BYTES(buf_bytes(&now), wanted);
    buf_done(&now);
}

static void add_mail(struct desk *desk)
{
    assert_int_equal(desk_append(desk, desk_mailbox(desk, "Records"),
                                 BYTES("Subject: one more\r\n\r\ntext\r\n"), 0, NULL),
                     ERR_OK);
}

void round_derived(struct round *round)
{
    struct vfs *disk = round_disk(round, true);
    struct buf described = buf_make(SCENE_TEXT_MAX);
    struct desk desk;

    harm_derived(round, disk, round->path);
    if (test_random_below(round->random, 4) == 0)
        harm_derived(round, disk, derived[test_random_below(round->random, ARRAY_COUNT(derived))]);
    if (test_random_below(round->random, 4) == 0)
        mem_vfs_chill(disk);
    scene_sit_down(round->scene, disk, &desk);
    assert_int_equal(desk_open(&desk), ERR_OK);
    assert_false(desk.report.epoch);
    assert_int_equal(desk.report.records_damaged + desk.report.tail_bytes, 0);
    assert_int_equal(desk.report.unclean, !round->scene->clean);
    assert_described(&desk, buf_bytes(&round->scene->described));
    add_mail(&desk);
    shadow_describe(&desk, true, &described);
    desk_close(&desk);
    assert_int_equal(desk_open(&desk), ERR_OK);
    assert_int_equal(desk.report.records_replayed, 0); /* a whole checkpoint is there again */
    assert_described(&desk, buf_bytes(&described));
    scene_leave(&desk);
    buf_done(&described);
}

static void harm_a_body(struct round *round, struct vfs *disk)
{
    const struct scene *scene = round->scene;
    const struct scene_body *body =
        &scene->bodies[test_random_below(round->random, scene->body_count)];
    uint64_t at = body->frames_at + test_random_below(round->random, body->stored);

    mem_vfs_damage(disk, scene->segments[body->segment].path, at,
                   (uint8_t)(1 + test_random_below(round->random, 255)));
}

/* The model of all that the scene's log says. */
static struct model *whole_model(const struct scene *scene)
{
    struct model *model = model_new();

    for (unsigned i = 0; i < scene->record_count; i++) {
        const struct scene_record *record = &scene->records[i];
        struct place place = { scene->segments[record->segment].header.number, record->offset };

        if (record->header.type == RECORD_CHANGE)
            model_change(model, record->payload, &record->header, place);
    }
    return model;
}

static void harm_bodies(struct round *round, struct desk *desk)
{
    struct check check = { .scene = round->scene,
                           .disk = desk->vfs,
                           .desk = desk,
                           .model = whole_model(round->scene),
                           .random = round->random };

    harm_a_body(round, desk->vfs);
    check_bodies(&check);
    model_free(check.model);
}

void round_open(struct round *round)
{
    struct vfs *disk = round_disk(round, true);
    unsigned steps = 1 + (unsigned)test_random_below(round->random, 3);
    struct buf described = buf_make(SCENE_TEXT_MAX);
    struct desk desk;

    scene_sit_down(round->scene, disk, &desk);
    assert_int_equal(desk_open(&desk), ERR_OK);
    while (steps-- > 0) {
        if (test_random_below(round->random, 2) == 0)
            add_mail(&desk);
        if (test_random_below(round->random, 3) == 0)
            desk_sync(&desk);
        if (test_random_below(round->random, 3) == 0)
            (void)desk_tick(&desk);
        shadow_describe(&desk, true, &described);
        harm_derived(round, disk, derived[test_random_below(round->random, ARRAY_COUNT(derived))]);
        if (test_random_below(round->random, 3) == 0)
            account_trim(desk.account);
        if (test_random_below(round->random, 3) == 0)
            mem_vfs_chill(disk);
        assert_described(&desk, buf_bytes(&described));
    }
    desk_close(&desk);
    if (test_random_below(round->random, 2) == 0)
        harm_derived(round, disk, derived[test_random_below(round->random, ARRAY_COUNT(derived))]);
    assert_int_equal(desk_open(&desk), ERR_OK);
    assert_false(desk.report.epoch);
    assert_described(&desk, buf_bytes(&described));
    harm_bodies(round, &desk);
    assert_false(account_has_failed(desk.account));
    scene_leave(&desk);
    buf_done(&described);
}
