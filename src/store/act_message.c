/* Acts on messages that are there: STORE, COPY, MOVE, EXPUNGE. */
#include <assert.h>
#include <string.h>

#include "store/account_state.h"
#include "store/act.h"
#include "store/act_parts.h"
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

struct sorting {
    const struct flag_act *act;
    struct wanted_flags wanted;
    struct uid_set_builder changed;
    struct uid_set_builder modified; /* those that CONDSTORE protects */
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

static void mark_all_changed(const struct sorting *sorting, const struct block *block,
                             bool marks[BLOCK_ROWS])
{
    const struct flag_act *act = sorting->act;
    const uint64_t *words = sorting->wanted.keywords.word;

    memset(marks, sorting->wanted.has_new && act->mode != FLAGS_REMOVE, block->count);
    mark_changed(block, COLUMN_FLAGS, apply_flag_mask(act->mode, act->flags.flags), marks);
    mark_changed(block, COLUMN_KEYWORDS_LOW, apply_flag_mask(act->mode, words[0]), marks);
    mark_changed(block, COLUMN_KEYWORDS_HIGH, apply_flag_mask(act->mode, words[1]), marks);
}

/* RFC 7162 s3.1.3 */
static void sort_block(void *context, struct block **slot, const uint16_t *places, uint32_t count)
{
    struct sorting *sorting = context;
    uint64_t unchanged_since = sorting->act->unchanged_since;
    const struct block *block = *slot;
    bool marks[BLOCK_ROWS];

    mark_all_changed(sorting, block, marks);
    for (uint32_t i = 0; i < count; i++) {
        bool is_protected = unchanged_since != UINT64_MAX &&
                            block_get(block, COLUMN_MODSEQ, places[i]) > unchanged_since;
        uint32_t uid;

        if (!is_protected && !marks[places[i]])
            continue;
        uid = block_uid(block, places[i]);
        uid_set_add(is_protected ? &sorting->modified : &sorting->changed, uid, uid);
    }
}

/* Sorts the rows of a STORE into those that it changes and those that CONDSTORE protects. */
static bool sort_rows(struct mailbox *mailbox, const struct flag_act *act, struct arena *arena,
                      struct uid_set *out_changed, struct uid_set *out_modified)
{
    struct sorting sorting = {
        .act = act,
        .wanted = look_up(mailbox, &act->flags),
        .changed = uid_set_builder_make(arena),
        .modified = uid_set_builder_make(arena),
    };

    rows_visit(&mailbox->rows, act->uids, sort_block, &sorting);
    return uid_set_finish(&sorting.changed, out_changed) &&
           uid_set_finish(&sorting.modified, out_modified);
}

static enum err write_flags(struct mailbox *mailbox, const struct origin *origin,
                            const struct op_flags *flags, struct modseq *out_modseq)
{
    struct account *account = mailbox_account(mailbox);
    struct op op = { .code = OP_FLAGS, .as.flags = *flags };
    struct change change;
    enum err err = change_begin(account, origin, &change);

    if (err != ERR_OK)
        return err;
    change_add(&change, &op);
    err = change_commit(&change, account->strict);
    if (err == ERR_OK)
        *out_modseq = change.number;
    return err;
}

enum err act_flags(struct mailbox *mailbox, const struct origin *origin, const struct flag_act *act,
                   struct arena *arena, struct flag_result *out_result)
{
    struct op_flags op = { .mailbox = mailbox->id, .mode = (uint8_t)act->mode };
    struct keyword_table fresh = { 0 };
    struct flag_result result = { .modseq = { 0 } };
    enum err err;

    if (mailbox->deleted)
        return ERR_NOT_FOUND;
    err = act_keywords(mailbox, &act->flags, act->mode == FLAGS_REMOVE ? NULL : &fresh, arena,
                       &op.flags);
    keyword_table_done(&fresh);
    if (err != ERR_OK)
        return err;
    if (!sort_rows(mailbox, act, arena, &op.uids.set, &result.modified))
        return ERR_LIMIT;
    if (op.uids.set.count > 0)
        err = write_flags(mailbox, origin, &op, &result.modseq);
    if (err == ERR_OK)
        *out_result = result;
    return err;
}

/* RFC 9051 s6.4.8; RFC 6851 s3.3; RFC 8514 s3. */
static enum err write_copy(struct mailbox *from, const struct origin *origin,
                           const struct copy_act *act, struct uid_set uids)
{
    struct op op = { .code = act->move ? OP_MOVE : OP_COPY };
    struct change change;
    enum err err = change_begin(mailbox_account(from), origin, &change);

    if (err != ERR_OK)
        return err;
    op.as.copy = (struct op_copy){
        .from = from->id,
        .to = act->to->id,
        .first = { act->to->uidnext },
        .save_date = wall_seconds(origin->now),
        .uids = { .set = uids },
    };
    change_add(&change, &op);
    return change_commit(&change, true);
}

enum err act_copy(struct mailbox *from, const struct origin *origin, const struct copy_act *act,
                  struct arena *arena, struct copy_result *out_result)
{
    struct uid_set_builder builder = uid_set_builder_make(arena);
    struct rows_walk walk = rows_walk_make(&from->rows, act->uids);
    uint32_t first = act->to->uidnext;
    uint64_t bytes = 0;
    enum err err = ERR_OK;
    struct uid_set copied;
    struct row row;

    assert(from->state == act->to->state);
    if (from->deleted || act->to->deleted)
        return ERR_NOT_FOUND;
    while (rows_walk_next(&walk, &row)) {
        uid_set_add(&builder, row.uid.value, row.uid.value);
        bytes += row.size;
    }
    if (!uid_set_finish(&builder, &copied) || uid_set_span(copied) > UINT32_MAX - first)
        return ERR_LIMIT;
    if (!act->move && account_is_over_quota(mailbox_account(from), bytes))
        return ERR_OVER_QUOTA;
    if (copied.count > 0)
        err = write_copy(from, origin, act, copied);
    if (err == ERR_OK)
        *out_result = (struct copy_result){ copied, { first } };
    return err;
}

struct picking {
    struct uid_set_builder builder;
    bool deleted_only;
    uint32_t count;
};

static void pick_rows(void *context, struct block **slot, const uint16_t *places, uint32_t count)
{
    struct picking *picking = context;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t uid = block_uid(*slot, places[i]);

        if (picking->deleted_only &&
            (block_get(*slot, COLUMN_FLAGS, places[i]) & FLAG_DELETED) == 0)
            continue;
        uid_set_add(&picking->builder, uid, uid);
        picking->count++;
    }
}

enum err act_expunge(struct mailbox *mailbox, const struct origin *origin, struct uid_set uids,
                     bool deleted_only, uint32_t *out_count)
{
    struct arena arena = arena_make(ACT_ARENA_BYTES);
    struct picking picking = { uid_set_builder_make(&arena), deleted_only, 0 };
    struct op op = { .code = OP_EXPUNGE };
    enum err err = ERR_OK;
    struct change change;

    rows_visit(&mailbox->rows, uids, pick_rows, &picking);
    op.as.expunge.mailbox = mailbox->id;
    if (mailbox->deleted)
        err = ERR_NOT_FOUND;
    else if (!uid_set_finish(&picking.builder, &op.as.expunge.uids.set))
        err = ERR_LIMIT;
    if (err == ERR_OK && picking.count > 0)
        err = change_begin(mailbox_account(mailbox), origin, &change);
    if (err == ERR_OK && picking.count > 0) {
        change_add(&change, &op);
        err = change_commit(&change, true);
    }
    if (err == ERR_OK)
        *out_count = picking.count;
    arena_done(&arena);
    return err;
}
