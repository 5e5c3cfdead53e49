/* What happened between two snapshots: blocks that are the same are passed over, columns that are
 * the same are not looked at, the rest is merged row by row. */
#include <assert.h>

#include "store/snapshot.h"

/* A place in one of the two. */
struct side {
    const struct snapshot *of;
    uint32_t block;
    uint32_t at;
};

/* Where the findings go; the arrays are NULL while they are only counted. */
struct findings {
    struct seqno *expunged;
    struct uid *expunged_uids;
    uint32_t expunged_count;
    struct seqno *changed;
    uint32_t changed_count;
    uint32_t seqno; /* of the next row of `before` that stays */
    bool keep;
    uint64_t silent;
};

static bool at_end(const struct side *side)
{
    return side->block == side->of->block_count;
}

static const struct snapshot_block *part_of(const struct side *side)
{
    return &side->of->blocks[side->block];
}

static void advance(struct side *side, uint32_t rows)
{
    side->at += rows;
    assert(side->at <= part_of(side)->count);
    if (side->at == part_of(side)->count) {
        side->block++;
        side->at = 0;
    }
}

static void found_gone(struct findings *findings, uint32_t uid)
{
    if (findings->expunged_uids != NULL) {
        findings->expunged_uids[findings->expunged_count] = (struct uid){ uid };
        findings->expunged[findings->expunged_count] = (struct seqno){ findings->seqno };
    }
    findings->expunged_count++;
    if (findings->keep)
        findings->seqno++;
}

static void found_both(struct findings *findings, uint64_t modseq_before, uint64_t modseq_after)
{
    if (modseq_before != modseq_after && modseq_after != findings->silent) {
        if (findings->changed != NULL)
            findings->changed[findings->changed_count] = (struct seqno){ findings->seqno };
        findings->changed_count++;
    }
    findings->seqno++;
}

/* True when the whole block is known to have changed last by what is not told. */
static bool is_silent(const struct block *block, uint64_t silent)
{
    const struct column *modseqs = &block->columns[COLUMN_MODSEQ];

    return column_is_constant(modseqs) && modseqs->base == silent;
}

/* Both stand at the start of blocks with the same UIDs in the same memory: none of them is gone. */
static void compare_same_uids(struct side *before, struct side *after, struct findings *findings)
{
    const struct snapshot_block *old = part_of(before);
    const struct snapshot_block *new = part_of(after);
    uint32_t rows = old->count < new->count ? old->count : new->count;

    if (block_shares(old->block, new->block, COLUMN_MODSEQ) ||
        is_silent(new->block, findings->silent)) {
        findings->seqno += rows;
    } else {
        for (uint32_t i = 0; i < rows; i++)
            found_both(findings, block_get(old->block, COLUMN_MODSEQ, i),
                       block_get(new->block, COLUMN_MODSEQ, i));
    }
    advance(before, rows);
    advance(after, rows);
}

static void compare_row(struct side *before, struct side *after, struct findings *findings)
{
    const struct snapshot_block *old = part_of(before);
    uint32_t uid = block_uid(old->block, before->at);
    const struct snapshot_block *new = at_end(after) ? NULL : part_of(after);

    if (new == NULL || block_uid(new->block, after->at) > uid) {
        found_gone(findings, uid);
        advance(before, 1);
        return;
    }
    assert(block_uid(new->block, after->at) == uid);
    found_both(findings, block_get(old->block, COLUMN_MODSEQ, before->at),
               block_get(new->block, COLUMN_MODSEQ, after->at));
    advance(before, 1);
    advance(after, 1);
}

static void compare(const struct snapshot *before, const struct snapshot *after,
                    struct findings *findings)
{
    struct side old = { .of = before };
    struct side new = { .of = after };

    findings->expunged_count = 0;
    findings->changed_count = 0;
    findings->seqno = 1;
    while (!at_end(&old)) {
        if (old.at == 0 && !at_end(&new) && new.at == 0 &&
            block_shares(part_of(&old)->block, part_of(&new)->block, COLUMN_UID))
            compare_same_uids(&old, &new, findings);
        else
            compare_row(&old, &new, findings);
    }
}

enum err snapshot_compare(const struct snapshot *before, const struct snapshot *after,
                          struct snapshot_telling telling, struct arena *arena,
                          struct snapshot_difference *out_difference)
{
    struct findings findings = { .keep = telling.keep, .silent = telling.silent.value };
    struct view_changes *out = &out_difference->changes;
    uint32_t gone;

    compare(before, after, &findings);
    gone = findings.expunged_count;
    if (findings.changed_count > 0) {
        findings.changed = ARENA_NEW_ARRAY(arena, struct seqno, findings.changed_count);
        if (findings.changed == NULL)
            return ERR_LIMIT;
    }
    if (gone > 0 && !telling.keep) {
        findings.expunged = ARENA_NEW_ARRAY(arena, struct seqno, gone);
        findings.expunged_uids = ARENA_NEW_ARRAY(arena, struct uid, gone);
        if (findings.expunged == NULL || findings.expunged_uids == NULL)
            return ERR_LIMIT;
    }
    if (findings.changed_count > 0 || findings.expunged != NULL)
        compare(before, after, &findings);
    out_difference->gone = gone;
    *out = (struct view_changes){
        .expunged = findings.expunged,
        .expunged_uids = findings.expunged_uids,
        .expunged_count = telling.keep ? 0 : gone,
        .changed = findings.changed,
        .changed_count = findings.changed_count,
        .exists_before = before->count - (telling.keep ? 0 : gone),
        .exists_now = after->count + (telling.keep ? gone : 0),
    };
    return ERR_OK;
}
