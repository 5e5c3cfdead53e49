/* Holding what an opening found against what was told and what was durable. */
#include <inttypes.h>
#include <stdio.h>

#include "crash/life.h"

static bool can_be_on_disk(const struct point *point, unsigned step)
{
    return point->step_before == 0 || point->step_before < step;
}

static void take_step(struct stand *stand)
{
    const struct life *life = stand->life;

    for (size_t i = 0; i < life->point_count; i++) {
        if (life->points[i].told_at == stand->step)
            marks_add(&stand->marks, life->points[i].image);
        if (can_be_on_disk(&life->points[i], stand->step))
            stand->high = i;
    }
    for (; stand->event < life->event_count; stand->event++) {
        if (life->events[stand->event].step > stand->step)
            break;
        stand->low = life->events[stand->event].low;
        stand->made = true;
    }
    if (stand->high < stand->low) /* an act that had nothing to write */
        stand->high = stand->low;
}

void stand_init(struct stand *stand, const struct life *life)
{
    *stand = (struct stand){ .life = life, .marks = life->inherited };
    stand->made = !life->may_be_new;
    take_step(stand);
}

void stand_move(struct stand *stand, unsigned step)
{
    while (stand->step < step) {
        stand->step++;
        take_step(stand);
    }
}

/* UIDNEXTs may have been raised by an epoch after which nobody knows what was given out; the UIDs
 * passed over count as vanished. */
static bool uidnexts_fit(const struct image *image, const struct image *point)
{
    bool raised = image->change > point->change + (UINT64_C(1) << 31);

    for (uint32_t i = 0; i < image->count; i++) {
        const struct image_mailbox *now = &image->mailboxes[i];
        const struct image_mailbox *then = &point->mailboxes[i];

        if (now->uidnext < then->uidnext)
            return false;
        if (!raised && (now->uidnext != then->uidnext || now->vanished != then->vanished))
            return false;
    }
    return true;
}

static void no_point(const struct stand *stand, const struct image *image)
{
    printf("found:\n");
    image_print(image);
    for (size_t i = stand->low; i <= stand->high; i++) {
        const struct point *point = &stand->life->points[i];

        printf("point %zu, begun at step %u, told at %u:\n", i, point->step_before, point->told_at);
        image_print(point->image);
    }
    crash_failed("the account is none of the points %zu to %zu", stand->low, stand->high);
}

size_t stand_check(const struct stand *stand, const struct image *image,
                   const struct account_report *report)
{
    size_t found = stand->high + 1;

    if (report->records_damaged > 0)
        crash_failed("damage where there is none: %s", report->damage.text);
    while (found > stand->low) {
        const struct image *point = stand->life->points[found - 1].image;

        if (image->content == point->content && uidnexts_fit(image, point))
            break;
        found--;
    }
    if (found == stand->low)
        no_point(stand, image);
    marks_check(&stand->marks, image);
    return found - 1;
}

struct image *stand_client(const struct stand *stand, uint64_t random)
{
    const struct life *life = stand->life;
    size_t skip = random % (life->point_count + 1);

    for (size_t i = skip; i < life->point_count; i++)
        if (life->points[i].told_at <= stand->step)
            return life->points[i].image;
    for (size_t i = skip; i > 0; i--)
        if (life->points[i - 1].told_at <= stand->step)
            return life->points[i - 1].image;
    return life->client;
}
