/* Acts on mailboxes and subscriptions. */
#include <string.h>

#include "store/account_state.h"
#include "store/act.h"
#include "store/act_parts.h"
#include "store/change.h"
#include "store/mailbox.h"
#include "store/name.h"
#include "store/uid_set.h"

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

enum err act_mailbox_delete(struct account *account, const struct origin *origin,
                            struct mailbox *mailbox)
{
    struct op op = { .code = OP_MAILBOX_DELETE, .as.mailbox.id = mailbox->id };
    struct change change;
    enum err err;

    if (mailbox->deleted)
        return ERR_NOT_FOUND;
    if (bytes_equal(mailbox_name_bytes(mailbox), BYTES("INBOX")))
        return ERR_DENIED;
    err = change_begin(account, origin, &change);
    if (err != ERR_OK)
        return err;
    change_add(&change, &op);
    return change_commit(&change, true);
}

/* Its messages become those of a new mailbox: RFC 9051 section 6.3.6. */
static enum err rename_inbox(struct change *change, struct mailbox *inbox, struct bytes new_name)
{
    struct arena arena = arena_make(ACT_ARENA_BYTES);
    struct uid_set_builder builder = uid_set_builder_make(&arena);
    const struct uid_range everything = { 1, UINT32_MAX };
    struct rows_walk walk = rows_walk_make(&inbox->rows, (struct uid_set){ &everything, 1 });
    struct op op = { .code = OP_MOVE };
    enum err err = ERR_LIMIT;
    struct uid_set all;
    struct row row;

    op.as.copy = (struct op_copy){
        .from = inbox->id,
        .to = change_add_mailbox(change, new_name, 0),
        .first = { 1 },
        .save_date = wall_seconds(change->origin->now),
    };
    while (rows_walk_next(&walk, &row))
        uid_set_add(&builder, row.uid.value, row.uid.value);
    if (uid_set_finish(&builder, &all)) {
        op.as.copy.uids.set = all;
        if (all.count > 0)
            change_add(change, &op);
        err = change_commit(change, true);
    }
    arena_done(&arena);
    return err;
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

/* Adds one rename for the mailbox and each below it. RFC 9051 s6.3.6. */
static enum err add_renames(struct change *change, const struct mailbox *top, struct bytes new_name)
{
    struct state *state = &change->account->state;
    struct bytes old = mailbox_name_bytes(top);
    uint8_t space[MAILBOX_NAME_BYTES_MAX];

    for (size_t i = state_name_place(state, old, false); i < state->mailbox_count; i++) {
        struct mailbox *mailbox = state->by_name[i];
        struct op op = { .code = OP_MAILBOX_RENAME, .as.mailbox.id = mailbox->id };

        if (!bytes_starts_with(mailbox_name_bytes(mailbox), old))
            break;
        if (mailbox != top && !name_is_below(mailbox_name_bytes(mailbox), old))
            continue;
        op.as.mailbox.name = renamed(mailbox_name_bytes(mailbox), old.len, new_name, space);
        if (!name_is_valid(op.as.mailbox.name))
            return ERR_INVALID;
        if (state_find(state, op.as.mailbox.name) != NULL)
            return ERR_EXISTS;
        change_add(change, &op);
    }
    return ERR_OK;
}

/* RFC 9051 s6.3.6 */
enum err act_mailbox_rename(struct account *account, const struct origin *origin,
                            struct mailbox *mailbox, struct bytes new_name)
{
    struct change change;
    enum err err;

    if (mailbox->deleted)
        return ERR_NOT_FOUND;
    if (!name_is_valid(new_name))
        return ERR_INVALID;
    if (state_find(&account->state, new_name) != NULL)
        return ERR_EXISTS;
    err = change_begin(account, origin, &change);
    if (err != ERR_OK)
        return err;
    add_levels_above(&change, new_name);
    if (bytes_equal(mailbox_name_bytes(mailbox), BYTES("INBOX")))
        return rename_inbox(&change, mailbox, new_name);
    if (name_is_below(new_name, mailbox_name_bytes(mailbox)))
        return ERR_INVALID;
    err = add_renames(&change, mailbox, new_name);
    return err != ERR_OK ? err : change_commit(&change, true);
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
