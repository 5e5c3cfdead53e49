/* What happened between two snapshots: blocks that are the same are passed over, columns that are
 * the same are not looked at, the rest is merged row by row. */
#include <assert.h>

#include "store/snapshot.h"
#include "store/step_charge.h"

enum {
    PASSED_OVER_COST = 16, /* of a block; a row that is looked at costs 1 */
    RUN = 128, /* rows of which it is first asked whether any has changed */
};

static bool at_end(const struct snapshot *of, struct snapshot_place place)
{
    return place.block == of->block_count;
}

static void advance(const struct snapshot *of, struct snapshot_place *place, uint32_t rows)
{
    place->at += rows;
    assert(place->at <= of->blocks[place->block].count);
    if (place->at == of->blocks[place->block].count)
        *place = (struct snapshot_place){ .block = place->block + 1 };
}

static void found_gone(struct snapshot_comparing *comparing, uint32_t uid)
{
    if (comparing->expunged_uids != NULL) {
        comparing->expunged_uids[comparing->expunged_count] = (struct uid){ uid };
        comparing->expunged[comparing->expunged_count] = (struct seqno){ comparing->seqno };
    }
    comparing->expunged_count++;
    if (comparing->telling.keep)
        comparing->seqno++;
}

static void found_both(struct snapshot_comparing *comparing, uint64_t modseq_before,
                       uint64_t modseq_after)
{
    if (modseq_before != modseq_after && modseq_after != comparing->telling.silent.value) {
        if (comparing->changed != NULL)
            comparing->changed[comparing->changed_count] = (struct seqno){ comparing->seqno };
        comparing->changed_count++;
    }
    comparing->seqno++;
}

/* True when the whole block is known to have changed last by what is not told. */
static bool is_silent(const struct block *block, uint64_t silent)
{
    const struct column *modseqs = &block->columns[COLUMN_MODSEQ];

    return column_is_constant(modseqs) && modseqs->base == silent;
}

/* Mostly a few of a block's rows have changed. */
static void compare_run(struct snapshot_comparing *comparing, const struct column *before,
                        const struct column *after, uint32_t first, uint32_t count)
{
    if (column_matches(before, after, first, count)) {
        comparing->seqno += count;
        return;
    }
    for (uint32_t i = first; i < first + count; i++)
        found_both(comparing, column_get(before, i), column_get(after, i));
}

/* Both stand at the start of blocks with the same UIDs in the same memory: none of them is gone. */
static void compare_same_uids(struct snapshot_comparing *comparing, uint32_t *left)
{
    const struct snapshot_block *old = &comparing->before->blocks[comparing->old.block];
    const struct snapshot_block *new = &comparing->after->blocks[comparing->new.block];
    uint32_t rows = old->count < new->count ? old->count : new->count;

    step_charge(left, PASSED_OVER_COST);
    if (block_shares(old->block, new->block, COLUMN_MODSEQ) ||
        is_silent(new->block, comparing->telling.silent.value)) {
        comparing->seqno += rows;
    } else {
        for (uint32_t i = 0; i < rows; i += RUN)
            compare_run(comparing, &old->block->columns[COLUMN_MODSEQ],
                        &new->block->columns[COLUMN_MODSEQ], i, rows - i < RUN ? rows - i : RUN);
        step_charge(left, rows);
    }
    advance(comparing->before, &comparing->old, rows);
    advance(comparing->after, &comparing->new, rows);
}

static void compare_row(struct snapshot_comparing *comparing)
{
    const struct block *old = comparing->before->blocks[comparing->old.block].block;
    uint32_t uid = block_uid(old, comparing->old.at);
    const struct block *new = at_end(comparing->after, comparing->new)
                                  ? NULL
                                  : comparing->after->blocks[comparing->new.block].block;

    if (new == NULL || block_uid(new, comparing->new.at) > uid) {
        found_gone(comparing, uid);
        advance(comparing->before, &comparing->old, 1);
        return;
    }
    assert(block_uid(new, comparing->new.at) == uid);
    found_both(comparing, block_get(old, COLUMN_MODSEQ, comparing->old.at),
               block_get(new, COLUMN_MODSEQ, comparing->new.at));
    advance(comparing->before, &comparing->old, 1);
    advance(comparing->after, &comparing->new, 1);
}

static bool is_at_same_uids(const struct snapshot_comparing *comparing)
{
    return comparing->old.at == 0 && comparing->new.at == 0 &&
           !at_end(comparing->after, comparing->new) &&
           block_shares(comparing->before->blocks[comparing->old.block].block,
                        comparing->after->blocks[comparing->new.block].block, COLUMN_UID);
}

/* True when it has come to the end. */
static bool compare_some(struct snapshot_comparing *comparing, uint32_t *left)
{
    while (*left > 0 && !at_end(comparing->before, comparing->old)) {
        if (is_at_same_uids(comparing)) {
            compare_same_uids(comparing, left);
        } else {
            compare_row(comparing);
            step_charge(left, 1);
        }
    }
    return at_end(comparing->before, comparing->old);
}

static void go_to_the_beginning(struct snapshot_comparing *comparing)
{
    comparing->old = (struct snapshot_place){ 0 };
    comparing->new = (struct snapshot_place){ 0 };
    comparing->expunged_count = 0;
    comparing->changed_count = 0;
    comparing->seqno = 1;
}

/* Room for what was counted. False: over budget. */
static bool make_room(struct snapshot_comparing *comparing, struct arena *arena)
{
    bool tells_gone = comparing->expunged_count > 0 && !comparing->telling.keep;

    if (comparing->changed_count > 0) {
        comparing->changed = ARENA_NEW_ARRAY(arena, struct seqno, comparing->changed_count);
        if (comparing->changed == NULL)
            return false;
    }
    if (tells_gone) {
        comparing->expunged = ARENA_NEW_ARRAY(arena, struct seqno, comparing->expunged_count);
        comparing->expunged_uids = ARENA_NEW_ARRAY(arena, struct uid, comparing->expunged_count);
        if (comparing->expunged == NULL || comparing->expunged_uids == NULL)
            return false;
    }
    return true;
}

static void tell(const struct snapshot_comparing *comparing, struct snapshot_difference *out)
{
    uint32_t gone = comparing->expunged_count;
    bool keep = comparing->telling.keep;

    out->gone = gone;
    out->changes = (struct view_changes){
        .expunged = comparing->expunged,
        .expunged_uids = comparing->expunged_uids,
        .expunged_count = keep ? 0 : gone,
        .changed = comparing->changed,
        .changed_count = comparing->changed_count,
        .exists_before = comparing->before->count - (keep ? 0 : gone),
        .exists_now = comparing->after->count + (keep ? gone : 0),
    };
}

struct snapshot_comparing snapshot_compare_begin(const struct snapshot *before,
                                                 const struct snapshot *after,
                                                 struct snapshot_telling telling)
{
    struct snapshot_comparing comparing = { .before = before, .after = after, .telling = telling };

    go_to_the_beginning(&comparing);
    return comparing;
}

enum err snapshot_compare(struct snapshot_comparing *comparing, struct arena *arena, uint32_t *left,
                          struct snapshot_difference *out_difference)
{
    if (!compare_some(comparing, left))
        return ERR_BUSY;
    if (!comparing->is_counted) {
        comparing->is_counted = true;
        if (!make_room(comparing, arena))
            return ERR_LIMIT;
        if (comparing->changed != NULL || comparing->expunged != NULL)
            go_to_the_beginning(comparing);
        if (!compare_some(comparing, left))
            return ERR_BUSY;
    }
    tell(comparing, out_difference);
    return ERR_OK;
}
