/* Acts on mailboxes and subscriptions. */
#include <string.h>

#include "store/account_state.h"
#include "store/act.h"
#include "store/act_steps.h"
#include "store/change.h"
#include "store/mailbox.h"
#include "store/name.h"

/* Adds the creation of those levels above `name` that are missing. */
static void add_levels_above(struct change *change, struct bytes name)
{
    for (size_t at = bytes_find_byte(name, 0, '/'); at < name.len;
         at = bytes_find_byte(name, at + 1, '/')) {
        struct bytes level = bytes_slice(name, 0, at);

        if (state_find(&change->account->state, level) == NULL)
            (void)change_add_mailbox(change, level, 0);
    }
}

static bool use_is_taken(const struct state *state, unsigned uses)
{
    for (size_t i = 0; i < state->mailbox_count; i++)
        if ((state->by_id[i]->uses & uses) != 0)
            return true;
    return false;
}

/* RFC 9051 s6.3.4 */
enum err act_mailbox_create(struct account *account, const struct origin *origin, struct bytes name,
                            unsigned uses, struct mailbox **out_mailbox)
{
    struct change change;
    struct mailbox_id id;
    enum err err;

    if (!name_is_valid(name))
        return ERR_INVALID;
    if (state_find(&account->state, name) != NULL)
        return ERR_EXISTS;
    if (use_is_taken(&account->state, uses))
        return ERR_CONFLICT;
    if (uses == 0 && !use_is_taken(&account->state, name_usual_use(name)))
        uses = name_usual_use(name);
    err = change_begin(account, origin, &change);
    if (err != ERR_OK)
        return err;
    add_levels_above(&change, name);
    id = change_add_mailbox(&change, name, uses);
    err = change_commit(&change, true);
    if (err == ERR_OK && out_mailbox != NULL)
        *out_mailbox = state_find_id(&account->state, id);
    return err;
}

struct deleting {
    struct act act;
    struct mailbox_id mailbox;
};

static enum err delete_plan(struct act *act)
{
    struct op op = { .code = OP_MAILBOX_DELETE,
                     .as.mailbox.id = CONTAINER_OF(act, struct deleting, act)->mailbox };

    change_add(&act->change, &op);
    act->gated = true;
    act->writes = true;
    return ERR_OK;
}

static void nothing(struct act *act)
{
    (void)act;
}

static const struct act_kind delete_kind = { delete_plan, nothing, nothing };

enum err act_mailbox_delete(struct account *account, const struct origin *origin,
                            struct mailbox *mailbox)
{
    struct deleting *deleting;

    if (mailbox->deleted)
        return ERR_NOT_FOUND;
    if (bytes_equal(mailbox_name_bytes(mailbox), BYTES("INBOX")))
        return ERR_DENIED;
    deleting = act_new(sizeof(*deleting), account, &delete_kind, origin);
    deleting->mailbox = mailbox->id;
    return act_begin(&deleting->act);
}

struct renaming {
    struct act act;
    struct mailbox *mailbox;
    struct bytes new_name;
    uint8_t name_space[MAILBOX_NAME_BYTES_MAX];
    bool is_begun;
    /* INBOX: its messages become those of a new mailbox (RFC 9051 section 6.3.6). */
    bool is_inbox;
    struct mailbox_id made;
    struct act_walk walk;
    struct op_uids_maker uids;
    /* Others: the next to be looked at, by name. */
    size_t next;
};

static void add_uids(void *context, struct block **slot, const uint16_t *places, uint32_t count)
{
    struct renaming *renaming = context;
    uint64_t uids[BLOCK_ROWS];

    act_charge(&renaming->act, ACT_BLOCK_COST + count);
    block_pick(*slot, COLUMN_UID, places, count, uids);
    for (uint32_t i = 0; i < count; i++)
        op_uids_add(&renaming->uids, (uint32_t)uids[i], (uint32_t)uids[i]);
}

static enum err plan_inbox(struct renaming *renaming)
{
    struct act *act = &renaming->act;
    struct rows *rows = &renaming->mailbox->rows;
    struct uid_range ranges[ACT_PIECE_RANGES];
    uint32_t count = act_piece(act, &renaming->walk, rows, ranges);
    struct op op = { .code = OP_MOVE };

    rows_visit(rows, (struct uid_set){ ranges, count }, add_uids, renaming);
    if (count > 0)
        return ERR_BUSY;
    op.as.copy = (struct op_copy){
        .from = renaming->mailbox->id,
        .to = renaming->made,
        .first = { 1 },
        .save_date = wall_seconds(act->origin.now),
    };
    if (!op_uids_finish(&renaming->uids, &op.as.copy.uids))
        return ERR_LIMIT;
    if (op.as.copy.uids.ranges > 0)
        change_add(&act->change, &op);
    return ERR_OK;
}

static struct bytes renamed(struct bytes name, size_t old_len, struct bytes new_name,
                            uint8_t space[MAILBOX_NAME_BYTES_MAX])
{
    size_t rest = name.len - old_len;

    if (new_name.len + rest > MAILBOX_NAME_BYTES_MAX)
        return bytes_make(NULL, 0);
    memcpy(space, new_name.at, new_name.len);
    if (rest > 0)
        memcpy(space + new_name.len, name.at + old_len, rest);
    return bytes_make(space, new_name.len + rest);
}

/* One rename for the mailbox and each below it. RFC 9051 s6.3.6. */
static enum err plan_renames(struct renaming *renaming)
{
    struct state *state = &renaming->act.account->state;
    struct bytes old = mailbox_name_bytes(renaming->mailbox);
    uint8_t space[MAILBOX_NAME_BYTES_MAX];

    for (; renaming->next < state->mailbox_count; renaming->next++) {
        struct mailbox *mailbox = state->by_name[renaming->next];
        struct op op = { .code = OP_MAILBOX_RENAME, .as.mailbox.id = mailbox->id };

        if (renaming->act.left == 0)
            return ERR_BUSY;
        if (!bytes_starts_with(mailbox_name_bytes(mailbox), old))
            break;
        act_charge(&renaming->act, APPLYING_OP_COST);
        if (mailbox != renaming->mailbox && !name_is_below(mailbox_name_bytes(mailbox), old))
            continue;
        op.as.mailbox.name =
            renamed(mailbox_name_bytes(mailbox), old.len, renaming->new_name, space);
        if (!name_is_valid(op.as.mailbox.name))
            return ERR_INVALID;
        if (state_find(state, op.as.mailbox.name) != NULL)
            return ERR_EXISTS;
        change_add(&renaming->act.change, &op);
    }
    return ERR_OK;
}

/* RFC 9051 s6.3.6 */
static enum err rename_plan(struct act *act)
{
    static const struct uid_range everything = { 1, UINT32_MAX };
    struct renaming *renaming = CONTAINER_OF(act, struct renaming, act);

    act->gated = true;
    act->writes = true;
    if (!renaming->is_begun) {
        add_levels_above(&act->change, renaming->new_name);
        if (renaming->is_inbox)
            renaming->made = change_add_mailbox(&act->change, renaming->new_name, 0);
        renaming->walk.set = (struct uid_set){ &everything, 1 };
        renaming->next =
            state_name_place(&act->account->state, mailbox_name_bytes(renaming->mailbox), false);
        renaming->is_begun = true;
    }
    return renaming->is_inbox ? plan_inbox(renaming) : plan_renames(renaming);
}

static void rename_done(struct act *act)
{
    buf_done(&CONTAINER_OF(act, struct renaming, act)->uids.raw);
}

static const struct act_kind rename_kind = { rename_plan, nothing, rename_done };

/* RFC 9051 s6.3.6 */
enum err act_mailbox_rename(struct account *account, const struct origin *origin,
                            struct mailbox *mailbox, struct bytes new_name)
{
    bool is_inbox = bytes_equal(mailbox_name_bytes(mailbox), BYTES("INBOX"));
    struct renaming *renaming;

    if (mailbox->deleted)
        return ERR_NOT_FOUND;
    if (!name_is_valid(new_name))
        return ERR_INVALID;
    if (state_find(&account->state, new_name) != NULL)
        return ERR_EXISTS;
    if (!is_inbox && name_is_below(new_name, mailbox_name_bytes(mailbox)))
        return ERR_INVALID;
    renaming = act_new(sizeof(*renaming), account, &rename_kind, origin);
    renaming->mailbox = mailbox;
    memcpy(renaming->name_space, new_name.at, new_name.len);
    renaming->new_name = bytes_make(renaming->name_space, new_name.len);
    renaming->is_inbox = is_inbox;
    renaming->uids.raw = buf_make(RECORD_CHANGE_BYTES_MAX);
    return act_begin(&renaming->act);
}

enum err act_subscribe(struct account *account, const struct origin *origin, struct bytes name,
                       bool subscribed)
{
    struct op op = { .code = OP_SUBSCRIBE };
    struct change change;
    enum err err;

    if (subscription_has(account, name) == subscribed)
        return ERR_OK;
    if (subscribed && !name_is_valid(name))
        return ERR_INVALID;
    if (subscribed && account->state.subscription_count / 2 >= account->mailboxes_max)
        return ERR_LIMIT;
    err = change_begin(account, origin, &change);
    if (err != ERR_OK)
        return err;
    op.as.setting = (struct op_setting){ .on = subscribed, .name = name };
    change_add(&change, &op);
    return change_commit(&change, true);
}

enum err act_recent_claim(struct account *account, const struct origin *origin,
                          struct mailbox *mailbox, uint32_t *out_floor)
{
    struct op op = { .code = OP_RECENT };
    uint32_t before = mailbox->recent_floor;
    struct change change;
    enum err err = ERR_OK;

    if (!mailbox->deleted && rows_count_from(&mailbox->rows, before) > 0) {
        err = change_begin(account, origin, &change);
        if (err != ERR_OK)
            return err;
        op.as.recent = (struct op_recent){ mailbox->id, mailbox->uidnext };
        change_add(&change, &op);
        err = change_commit(&change, account->strict);
    }
    if (err == ERR_OK)
        *out_floor = before;
    return err;
}
