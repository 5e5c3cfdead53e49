/* Acts on messages that are there: STORE, COPY, MOVE, EXPUNGE. */
#include <assert.h>
#include <string.h>

#include "store/account_state.h"
#include "store/act.h"
#include "store/act_parts.h"
#include "store/act_steps.h"
#include "store/apply.h"
#include "store/change.h"
#include "store/mailbox.h"
#include "store/uid_set.h"

/* What a STORE asks for, as far as the mailbox's table knows the keywords. */
struct wanted_flags {
    struct keyword_set keywords;
    bool has_new; /* names that the table lacks: to add them changes every row */
};

static struct wanted_flags look_up(const struct mailbox *mailbox, const struct flag_names *names)
{
    struct wanted_flags wanted = { 0 };

    for (uint32_t i = 0; i < names->keyword_count; i++) {
        int index = keyword_table_find(&mailbox->keywords, names->keywords[i]);

        if (index < 0)
            wanted.has_new = true;
        else
            keyword_set_add(&wanted.keywords, (uint32_t)index);
    }
    return wanted;
}

struct flags_act {
    struct act act;
    struct mailbox *mailbox;
    struct flag_act asked;
    struct op_flags op; /* but for its UIDs */
    struct wanted_flags wanted;
    struct act_walk walk;
    struct op_uids_maker changed;
    struct uid_set_builder modified; /* those that CONDSTORE protects */
    struct flag_result result;
    struct flag_result *out_result;
};

/* Marks the rows in which the mask would change something. RFC 7162 s3.1. */
static void mark_changed(const struct block *block, enum block_column column,
                         struct block_mask mask, bool marks[BLOCK_ROWS])
{
    uint64_t values[BLOCK_ROWS];

    if (mask.keep == UINT64_MAX && mask.set == 0)
        return;
    block_load(block, column, 0, block->count, values);
    for (uint32_t i = 0; i < block->count; i++)
        marks[i] |= ((values[i] & mask.keep) | mask.set) != values[i];
}

static void mark_all_changed(const struct flags_act *flags, const struct block *block,
                             bool marks[BLOCK_ROWS])
{
    const struct flag_act *asked = &flags->asked;
    const uint64_t *words = flags->wanted.keywords.word;

    memset(marks, flags->wanted.has_new && asked->mode != FLAGS_REMOVE, block->count);
    mark_changed(block, COLUMN_FLAGS, apply_flag_mask(asked->mode, asked->flags.flags), marks);
    mark_changed(block, COLUMN_KEYWORDS_LOW, apply_flag_mask(asked->mode, words[0]), marks);
    mark_changed(block, COLUMN_KEYWORDS_HIGH, apply_flag_mask(asked->mode, words[1]), marks);
}

/* Sorts the rows into those that the STORE changes and those that CONDSTORE protects. */
/* RFC 7162 s3.1.3 */
static void sort_block(void *context, struct block **slot, const uint16_t *places, uint32_t count)
{
    struct flags_act *flags = context;
    uint64_t unchanged_since = flags->asked.unchanged_since;
    const struct block *block = *slot;
    bool marks[BLOCK_ROWS];

    mark_all_changed(flags, block, marks);
    act_charge(&flags->act, ACT_BLOCK_COST + count);
    for (uint32_t i = 0; i < count; i++) {
        bool is_protected = unchanged_since != UINT64_MAX &&
                            block_get(block, COLUMN_MODSEQ, places[i]) > unchanged_since;
        uint32_t uid;

        if (!is_protected && !marks[places[i]])
            continue;
        uid = block_uid(block, places[i]);
        if (is_protected)
            uid_set_add(&flags->modified, uid, uid);
        else
            op_uids_add(&flags->changed, uid, uid);
    }
}

static struct flags_act *flags_of(struct act *act)
{
    return CONTAINER_OF(act, struct flags_act, act);
}

static enum err flags_plan(struct act *act)
{
    struct flags_act *flags = flags_of(act);
    struct uid_range ranges[ACT_PIECE_RANGES];
    uint32_t count = act_piece(act, &flags->walk, &flags->mailbox->rows, ranges);
    struct op op = { .code = OP_FLAGS, .as.flags = flags->op };

    rows_visit(&flags->mailbox->rows, (struct uid_set){ ranges, count }, sort_block, flags);
    if (count > 0)
        return ERR_BUSY;
    if (!op_uids_finish(&flags->changed, &op.as.flags.uids) ||
        !uid_set_finish(&flags->modified, &flags->result.modified))
        return ERR_LIMIT;
    act->gated = act->account->strict;
    act->writes = op.as.flags.uids.ranges > 0;
    if (act->writes)
        change_add(&act->change, &op);
    return ERR_OK;
}

static void flags_finish(struct act *act)
{
    struct flags_act *flags = flags_of(act);

    if (act->writes)
        flags->result.modseq = act->change.number;
    *flags->out_result = flags->result;
}

static void flags_done(struct act *act)
{
    buf_done(&flags_of(act)->changed.raw);
}

static const struct act_kind flags_kind = { flags_plan, flags_finish, flags_done };

enum err act_flags(struct mailbox *mailbox, const struct origin *origin, const struct flag_act *act,
                   struct arena *arena, struct flag_result *out_result)
{
    struct op_flags op = { .mailbox = mailbox->id, .mode = (uint8_t)act->mode };
    struct keyword_table fresh = { 0 };
    struct flags_act *flags;
    enum err err;

    if (mailbox->deleted)
        return ERR_NOT_FOUND;
    err = act_keywords(mailbox, &act->flags, act->mode == FLAGS_REMOVE ? NULL : &fresh, arena,
                       &op.flags);
    keyword_table_done(&fresh);
    if (err != ERR_OK)
        return err;
    flags = act_new(sizeof(*flags), mailbox_account(mailbox), &flags_kind, origin);
    flags->mailbox = mailbox;
    flags->asked = *act;
    flags->op = op;
    flags->wanted = look_up(mailbox, &act->flags);
    flags->walk.set = act->uids;
    flags->changed.raw = buf_make(RECORD_CHANGE_BYTES_MAX);
    flags->modified = uid_set_builder_make(arena);
    flags->out_result = out_result;
    return act_begin(&flags->act);
}

struct copying {
    struct act act;
    struct mailbox *from;
    struct mailbox *to;
    bool move;
    struct act_walk walk;
    struct op_uids_maker uids;
    struct uid_set_builder copied;
    struct copy_result result;
    uint64_t bytes;
    struct copy_result *out_result;
};

static void count_block(void *context, struct block **slot, const uint16_t *places, uint32_t count)
{
    struct copying *copying = context;
    uint64_t values[BLOCK_ROWS];

    act_charge(&copying->act, ACT_BLOCK_COST + count);
    block_pick(*slot, COLUMN_SIZE, places, count, values);
    for (uint32_t i = 0; i < count; i++)
        copying->bytes += values[i];
    block_pick(*slot, COLUMN_UID, places, count, values);
    for (uint32_t i = 0; i < count; i++) {
        op_uids_add(&copying->uids, (uint32_t)values[i], (uint32_t)values[i]);
        uid_set_add(&copying->copied, (uint32_t)values[i], (uint32_t)values[i]);
    }
}

static struct copying *copying_of(struct act *act)
{
    return CONTAINER_OF(act, struct copying, act);
}

/* RFC 9051 s6.4.8; RFC 6851 s3.3; RFC 8514 s3. */
static enum err copy_plan(struct act *act)
{
    struct copying *copying = copying_of(act);
    struct uid_range ranges[ACT_PIECE_RANGES];
    uint32_t count = act_piece(act, &copying->walk, &copying->from->rows, ranges);
    struct op op = { .code = copying->move ? OP_MOVE : OP_COPY };

    rows_visit(&copying->from->rows, (struct uid_set){ ranges, count }, count_block, copying);
    if (count > 0)
        return ERR_BUSY;
    op.as.copy = (struct op_copy){
        .from = copying->from->id,
        .to = copying->to->id,
        .first = { copying->to->uidnext },
        .save_date = wall_seconds(act->origin.now),
    };
    if (!op_uids_finish(&copying->uids, &op.as.copy.uids) ||
        !uid_set_finish(&copying->copied, &copying->result.copied) ||
        op.as.copy.uids.total > UINT32_MAX - op.as.copy.first.value)
        return ERR_LIMIT;
    if (!copying->move && account_is_over_quota(act->account, copying->bytes))
        return ERR_OVER_QUOTA;
    copying->result.first = op.as.copy.first;
    act->gated = true;
    act->writes = op.as.copy.uids.ranges > 0;
    if (act->writes)
        change_add(&act->change, &op);
    return ERR_OK;
}

static void copy_finish(struct act *act)
{
    *copying_of(act)->out_result = copying_of(act)->result;
}

static void copy_done(struct act *act)
{
    buf_done(&copying_of(act)->uids.raw);
}

static const struct act_kind copy_kind = { copy_plan, copy_finish, copy_done };

enum err act_copy(struct mailbox *from, const struct origin *origin, const struct copy_act *act,
                  struct arena *arena, struct copy_result *out_result)
{
    struct copying *copying;

    assert(from->state == act->to->state);
    if (from->deleted || act->to->deleted)
        return ERR_NOT_FOUND;
    copying = act_new(sizeof(*copying), mailbox_account(from), &copy_kind, origin);
    copying->from = from;
    copying->to = act->to;
    copying->move = act->move;
    copying->walk.set = act->uids;
    copying->uids.raw = buf_make(RECORD_CHANGE_BYTES_MAX);
    copying->copied = uid_set_builder_make(arena);
    copying->out_result = out_result;
    return act_begin(&copying->act);
}

struct expunging {
    struct act act;
    struct mailbox *mailbox;
    bool deleted_only;
    struct act_walk walk;
    struct op_uids_maker uids;
    uint32_t *out_count;
};

static void pick_rows(void *context, struct block **slot, const uint16_t *places, uint32_t count)
{
    struct expunging *expunging = context;
    uint64_t uids[BLOCK_ROWS];
    uint64_t flags[BLOCK_ROWS];

    act_charge(&expunging->act, ACT_BLOCK_COST + count);
    block_pick(*slot, COLUMN_UID, places, count, uids);
    block_pick(*slot, COLUMN_FLAGS, places, count, flags);
    for (uint32_t i = 0; i < count; i++)
        if (!expunging->deleted_only || (flags[i] & FLAG_DELETED) != 0)
            op_uids_add(&expunging->uids, (uint32_t)uids[i], (uint32_t)uids[i]);
}

static struct expunging *expunging_of(struct act *act)
{
    return CONTAINER_OF(act, struct expunging, act);
}

static enum err expunge_plan(struct act *act)
{
    struct expunging *expunging = expunging_of(act);
    struct rows *rows = &expunging->mailbox->rows;
    struct uid_range ranges[ACT_PIECE_RANGES];
    uint32_t count = act_piece(act, &expunging->walk, rows, ranges);
    struct op op = { .code = OP_EXPUNGE, .as.expunge.mailbox = expunging->mailbox->id };

    rows_visit(rows, (struct uid_set){ ranges, count }, pick_rows, expunging);
    if (count > 0)
        return ERR_BUSY;
    if (!op_uids_finish(&expunging->uids, &op.as.expunge.uids))
        return ERR_LIMIT;
    act->gated = true;
    act->writes = op.as.expunge.uids.ranges > 0;
    if (act->writes)
        change_add(&act->change, &op);
    return ERR_OK;
}

static void expunge_finish(struct act *act)
{
    *expunging_of(act)->out_count = (uint32_t)expunging_of(act)->uids.total;
}

static void expunge_done(struct act *act)
{
    buf_done(&expunging_of(act)->uids.raw);
}

static const struct act_kind expunge_kind = { expunge_plan, expunge_finish, expunge_done };

enum err act_expunge(struct mailbox *mailbox, const struct origin *origin, struct uid_set uids,
                     bool deleted_only, uint32_t *out_count)
{
    struct expunging *expunging;

    if (mailbox->deleted)
        return ERR_NOT_FOUND;
    expunging = act_new(sizeof(*expunging), mailbox_account(mailbox), &expunge_kind, origin);
    expunging->mailbox = mailbox;
    expunging->deleted_only = deleted_only;
    expunging->walk.set = uids;
    expunging->uids.raw = buf_make(RECORD_CHANGE_BYTES_MAX);
    expunging->out_count = out_count;
    return act_begin(&expunging->act);
}
