/* Each disk: open it, hold it against the history, open it again, go on. */
#include "crash/cuts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kit/mem_vfs.h"

enum { SEEN_SLOTS = 1 << 14 };

struct cutting {
    const struct life *life;
    const struct cuts *cuts;
    struct test_random random;
    struct stand stand;
    struct crash_walk *walk;
    uint64_t seen[SEEN_SLOTS]; /* disks that were looked at with the same history */
};

/* False: the same disk was checked against the same expectations a moment ago. */
static bool is_new(struct cutting *cutting, uint64_t hash)
{
    const struct stand *stand = &cutting->stand;
    uint64_t key = hash ^ (stand->low * 31 + stand->high) * UINT64_C(0x9e3779b97f4a7c15) ^
                   stand->marks.change * UINT64_C(0x9fb21c651e98df25);
    uint64_t *slot = &cutting->seen[key % SEEN_SLOTS];

    if (*slot == key)
        return false;
    *slot = key;
    return true;
}

static void start(const struct cutting *cutting, struct vfs *disk, struct desk *desk)
{
    desk_init(desk, disk);
    desk->now = cutting->stand.made ? cutting->life->desk.now : cutting->life->born;
    life_options(&cutting->life->plan, &desk->options);
    desk->options.create = !cutting->stand.made;
    if (desk_open(desk) != ERR_OK)
        crash_failed("cannot open: %s", desk->why.text);
    atomic_fetch_add(&cutting->cuts->tally->openings, 1);
}

/* A second opening, by another process, changes nothing. */
static void open_twice(const struct cutting *cutting, struct vfs *disk, const struct image *first)
{
    struct vfs *copy = mem_vfs_copy(disk, cutting->random.state);
    struct image *second;
    struct desk desk;

    start(cutting, copy, &desk);
    second = image_take(&desk);
    if (second->whole != first->whole) {
        image_print(first);
        image_print(second);
        crash_failed("a second opening changed something");
    }
    if (desk.report.epoch)
        crash_failed("a second opening wrote an epoch");
    image_drop(second);
    desk_close(&desk);
    mem_vfs_free(copy);
}

/* What is given out now was never given out before. */
static void give_out(const struct cutting *cutting, struct desk *desk)
{
    const struct marks *marks = &cutting->stand.marks;
    struct mailbox *inbox = desk_mailbox(desk, "INBOX");
    struct origin origin = desk_origin(desk);
    uint32_t uidnext = mailbox_uidnext(inbox);
    struct desk_store store = { .uids = { 1, UINT32_MAX }, .mode = FLAGS_ADD, .flags = FLAG_SEEN };
    struct mailbox *made;
    struct modseq modseq;
    struct uid uid;

    if (desk_append(desk, inbox, BYTES("a: b\r\n\r\nc\r\n"), 0, &uid) != ERR_OK ||
        uid.value != uidnext)
        crash_failed("INBOX takes no message as UID %u", uidnext);
    if (desk_flags(desk, inbox, store, &modseq) != ERR_OK || modseq.value <= marks->change)
        crash_failed("the MODSEQ of a new change was given out before");
    if (act_mailbox_create(desk->account, &origin, BYTES("fresh"), 0, &made) != ERR_OK)
        crash_failed("no mailbox can be made");
    if (mailbox_uidvalidity(made) <= marks->uidvalidity || mailbox_id(made).value <= marks->mailbox)
        crash_failed("a new mailbox's id or UIDVALIDITY was given out before");
}

static void check_given(const struct cutting *cutting, const struct image *before,
                        const struct image *after)
{
    const struct marks *marks = &cutting->stand.marks;

    marks_check(marks, after);
    if (after->body_max <= marks->body || after->body_max <= before->body_max)
        crash_failed("the id of a new body was given out before");
}

static void check_disk(struct cutting *cutting, struct vfs *disk)
{
    struct image *client = stand_client(&cutting->stand, test_random_next(&cutting->random));
    struct image *image, *after;
    struct desk desk;

    start(cutting, disk, &desk);
    image = image_take(&desk);
    (void)stand_check(&cutting->stand, image, &desk.report);
    if (client != NULL)
        client_check(client, image, &desk);
    open_twice(cutting, disk, image);
    give_out(cutting, &desk);
    after = image_take(&desk);
    check_given(cutting, image, after);
    if (client != NULL)
        client_check(client, after, &desk);
    image_drop(image);
    image_drop(after);
    desk_close(&desk);
}

/* The disk lives on for a while, faults and all, and is cut again, its opening included. */
static void live_on(struct cutting *cutting, struct vfs *disk)
{
    uint64_t seed = test_random_next(&cutting->random);
    struct plan plan = cutting->life->plan;
    struct cuts cuts = *cutting->cuts;
    struct life *life;

    plan.seed = seed;
    plan.past = PAST_ANY;
    plan.purge = plan.purge && seed % 8 == 0;
    plan.acts = (unsigned)(seed % 3);
    plan.faults = seed % 4 == 0;
    plan.fault = seed % 3 == 0 ? (seed % 2 == 0 ? CRASH_KILL : CRASH_FAIL_ANY) : CRASH_FAULT_COUNT;
    plan.second = CRASH_FAULT_COUNT;
    plan.fault_skip = (unsigned)(seed / 16 % 12);
    cuts.depth++;
    cuts.draws = 1;
    cuts.in_turn = 0;
    life = life_new(disk, &plan);
    life_inherit(life, &cutting->stand,
                 stand_client(&cutting->stand, test_random_next(&cutting->random)));
    tally_mine(cuts.tally)->depth = cuts.depth;
    life_run(life);
    cuts_check(life, &cuts, seed);
    tally_mine(cuts.tally)->depth = cutting->cuts->depth;
    life_free(life);
}

static void look_at(struct cutting *cutting, struct crash_choice *choice)
{
    struct tally *tally = cutting->cuts->tally;
    uint64_t seed = test_random_next(&cutting->random);
    struct vfs *disk = crash_walk_draw(cutting->walk, choice, seed);
    uint64_t hash = mem_vfs_hash(disk);
    unsigned again = cutting->cuts->again << 2 * cutting->cuts->depth;

    if (cutting->stand.step >= cutting->life->purged_at &&
        first_segment(disk) < cutting->life->purged_below)
        crash_failed("what was purged came back");
    atomic_fetch_add(&tally->disks, 1);
    tally_mine(tally)->disk++;
    (void)tally_add(tally, hash);
    if (is_new(cutting, hash)) {
        struct vfs *copy = mem_vfs_copy(disk, seed);

        check_disk(cutting, disk);
        if (cutting->cuts->depth < DEPTH_MAX && again != 0 && seed % again == 0)
            live_on(cutting, copy);
        else
            mem_vfs_free(copy);
    }
    mem_vfs_free(disk);
}

static void look_at_step(struct cutting *cutting)
{
    struct crash_choice turn = crash_choice_in_turn();
    unsigned count = 0;

    while (count < cutting->cuts->in_turn) {
        look_at(cutting, &turn);
        count++;
        if (!crash_choice_next(&turn))
            return;
    }
    for (unsigned i = 0; i < cutting->cuts->draws; i++) {
        struct crash_choice choice = crash_choice_random(test_random_next(&cutting->random));

        look_at(cutting, &choice);
    }
}

void cuts_check(const struct life *life, const struct cuts *cuts, uint64_t seed)
{
    struct cutting *cutting = calloc(1, sizeof(*cutting));
    unsigned steps = crash_vfs_steps(life->crash);

    assert(cutting != NULL);
    cutting->life = life;
    cutting->cuts = cuts;
    cutting->random.state = seed;
    cutting->walk = crash_walk_new(life->crash);
    stand_init(&cutting->stand, life);
    if (cuts->print && cuts->depth == 0)
        crash_vfs_print(life->crash);
    for (unsigned step = 0; step <= steps; step++) {
        crash_walk_to(cutting->walk, step);
        stand_move(&cutting->stand, step);
        tally_mine(cuts->tally)->steps[cuts->depth] = step;
        if (step >= life->first_cut)
            look_at_step(cutting);
    }
    atomic_fetch_add(&cuts->tally->steps, steps + 1);
    crash_walk_free(cutting->walk);
    free(cutting);
}
