/* One CHANGE brings back what many have taken. */
#include "store/act_undelete.h"

#include <stdlib.h>
#include <string.h>

#include "store/account_state.h"
#include "store/act_parts.h"
#include "store/act_steps.h"
#include "store/alloc.h"
#include "store/lost.h"
#include "store/name_overlay.h"
#include "store/step_charge.h"
#include "store/uid_set.h"

/* Room that the largest op may still need, with the levels above a name. */
enum { OPS_BYTES_MAX = RECORD_CHANGE_BYTES_MAX - 2 * 1024 * 1024, FLAG_RUN_MAX = 64 * 1024 };

enum { OP_COST = 16, FLAGS_COST = 32 }; /* to write an op, to look whether flags differ */

struct next_uid {
    struct mailbox_id mailbox;
    uint32_t uid;
};

struct making {
    struct undelete *undelete;
    struct undelete_counts *counts;
    struct act *act; /* NULL: dry */
    uint32_t *left; /* of this step */
    struct name_overlay names;
    struct next_uid *uids; /* by mailbox */
    size_t uid_count;
    size_t uid_capacity;
    unsigned uses_taken;
    uint32_t dry_ids; /* given out so far, from above */
    enum err err;
};

static const struct state *state_of(const struct making *making)
{
    return &making->undelete->account->state;
}

static struct making making_begin(struct undelete *undelete, struct act *act, uint32_t *left,
                                  struct undelete_counts *counts)
{
    const struct state *state = &undelete->account->state;
    struct making making = { .undelete = undelete,
                             .counts = counts,
                             .act = act,
                             .left = left,
                             .names = { .state = state } };

    for (size_t i = 0; i < state->mailbox_count; i++)
        making.uses_taken |= state->by_id[i]->uses;
    return making;
}

static void making_done(struct making *making)
{
    name_overlay_done(&making->names);
    free(making->uids);
}

/* The change can take no more. */
static bool is_full(const struct making *making)
{
    return making->act != NULL && making->undelete->account->ops.len > OPS_BYTES_MAX;
}

/* So it is, or the step is over. */
static bool is_paused(const struct making *making)
{
    return *making->left == 0 || is_full(making);
}

static void charge(struct making *making, uint64_t cost)
{
    step_charge(making->left, cost);
}

static void add(struct making *making, const struct op *op)
{
    if (making->act != NULL)
        change_add(&making->act->change, op);
    charge(making, OP_COST);
}

static struct mailbox_id make_mailbox(struct making *making, struct bytes name, unsigned uses)
{
    struct mailbox_id id = { UINT32_MAX - making->dry_ids };

    if (making->act != NULL)
        id = change_add_mailbox(&making->act->change, name, uses & ~making->uses_taken);
    else
        making->dry_ids++; /* each its own: it tells targets apart */
    charge(making, OP_COST);
    making->uses_taken |= uses;
    name_overlay_set(&making->names, name, id);
    return id;
}

/* The first lost mailbox of that name; NULL: none. */
static const struct lost_mailbox *find_lost(const struct making *making, struct bytes name)
{
    const struct undelete *undelete = making->undelete;
    size_t low = 0;
    size_t high = undelete->lost->mailbox_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (bytes_compare(undelete->order[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == undelete->lost->mailbox_count || !bytes_equal(undelete->order[low].name, name))
        return NULL;
    return &undelete->lost->mailboxes[undelete->order[low].index];
}

/* A level may be a lost mailbox, whose turn has not come yet: then it is made as that. */
static void make_levels_above(struct making *making, struct bytes name)
{
    for (size_t at = bytes_find_byte(name, 0, '/'); at < name.len;
         at = bytes_find_byte(name, at + 1, '/')) {
        struct bytes level = bytes_slice(name, 0, at);
        const struct lost_mailbox *lost;

        if (name_overlay_find(&making->names, level).value != 0)
            continue;
        lost = find_lost(making, level);
        (void)make_mailbox(making, level, lost == NULL ? 0 : lost->uses);
        if (lost != NULL && lost->is_wanted)
            making->counts->made++;
        else
            making->counts->levels++;
    }
}

/* The mailbox, when it is there and has another name than it is to have. */
static const struct mailbox *to_be_renamed(const struct making *making,
                                           const struct lost_mailbox *lost)
{
    const struct mailbox *mailbox =
        lost->is_renamed ? state_find_id(state_of(making), lost->id) : NULL;

    if (mailbox == NULL || bytes_equal(mailbox_name_bytes(mailbox), lost->name) ||
        name_overlay_find(&making->names, lost->name).value == lost->id.value)
        return NULL;
    return mailbox;
}

/* True when there was one whose name is free. One name that becomes free may free another. */
static bool rename_some(struct making *making, uint32_t *out_refused)
{
    struct lost *lost = making->undelete->lost;
    bool renamed = false;

    *out_refused = 0;
    for (size_t i = 0; i < lost->mailbox_count && !is_paused(making); i++) {
        struct lost_mailbox *mine = &lost->mailboxes[making->undelete->order[i].index];
        const struct mailbox *mailbox = to_be_renamed(making, mine);
        struct op op = { .code = OP_MAILBOX_RENAME,
                         .as.mailbox = { .id = mine->id, .name = mine->name } };

        if (mailbox == NULL)
            continue;
        mine->is_refused = name_overlay_find(&making->names, mine->name).value != 0;
        if (mine->is_refused) {
            ++*out_refused;
            continue;
        }
        make_levels_above(making, mine->name);
        name_overlay_set(&making->names, mailbox_name_bytes(mailbox), (struct mailbox_id){ 0 });
        name_overlay_set(&making->names, mine->name, mine->id);
        add(making, &op);
        making->counts->renamed++;
        renamed = true;
    }
    return renamed;
}

static void rename_all(struct making *making)
{
    uint32_t refused = 0;

    while (!is_paused(making) && rename_some(making, &refused))
        continue;
    if (is_paused(making))
        return;
    making->counts->not_renamed = refused;
    making->undelete->renames_done = true;
}

/* Where the messages of a lost mailbox go; 0: it has to be made. Once the names are decided. */
static struct mailbox_id find_target(const struct making *making, const struct lost_mailbox *lost)
{
    if (state_find_id(state_of(making), lost->id) != NULL)
        return lost->id;
    if (state_find_id(state_of(making), lost->target) != NULL)
        return lost->target;
    return name_overlay_find(&making->names, lost->name);
}

static uint32_t *next_uid(struct making *making, struct mailbox_id id)
{
    const struct mailbox *mailbox = state_find_id(state_of(making), id);
    size_t at = making->uid_count;

    while (at > 0 && making->uids[at - 1].mailbox.value > id.value)
        at--;
    if (at > 0 && making->uids[at - 1].mailbox.value == id.value)
        return &making->uids[at - 1].uid;
    making->uids =
        store_grow(making->uids, making->uid_count, &making->uid_capacity, sizeof(*making->uids));
    memmove(making->uids + at + 1, making->uids + at,
            (making->uid_count - at) * sizeof(*making->uids));
    making->uids[at] = (struct next_uid){ id, mailbox == NULL ? 1 : mailbox->uidnext };
    making->uid_count++;
    return &making->uids[at].uid;
}

/* Names for the bits; `list` has room for all. */
static struct op_flag_names flag_names(const struct lost_mailbox *mailbox, uint16_t flags,
                                       const struct keyword_set *keywords, struct bytes *list)
{
    struct op_flag_names names = { .flags = flags & FLAGS_ALL, .keywords.list = list };

    for (uint32_t i = 0; i < mailbox->keywords.count; i++)
        if (keyword_set_has(keywords, i))
            list[names.keywords.count++] = mailbox->keywords.names[i];
    return names;
}

static void put(struct making *making, const struct lost_message *message, uint32_t uid)
{
    const struct lost_mailbox *mailbox = &making->undelete->lost->mailboxes[message->mailbox];
    const struct row *row = &message->row;
    uint16_t flags = row->flags & (uint16_t)~FLAG_DELETED; /* or the next EXPUNGE takes it again */
    struct bytes keywords[KEYWORDS_PER_MAILBOX_MAX];
    struct op op = { .code = OP_PUT };

    op.as.put = (struct op_put){
        .mailbox = mailbox->target,
        .uid = { uid },
        .body = row->body,
        .place = message->place,
        .size = row->size,
        .flags = flag_names(mailbox, flags, &row->keywords, keywords),
        .internal_date = row->internal_date,
        .save_date = row->save_date,
        .thread = row->thread,
    };
    add(making, &op);
}

static void put_messages(struct making *making, size_t index)
{
    struct undelete *undelete = making->undelete;
    const struct lost *lost = undelete->lost;
    size_t end = lost_first_message(lost, index + 1);
    uint32_t *uid = NULL;

    if (undelete->message == 0)
        undelete->message = lost_first_message(lost, index);
    for (; undelete->message < end && !is_paused(making); undelete->message++) {
        const struct lost_message *message = &lost->messages[undelete->message];

        charge(making, 1);
        if (message->is_left_out)
            continue;
        if (uid == NULL)
            uid = next_uid(making, lost->mailboxes[index].target);
        if (*uid >= UINT32_MAX - 1) {
            making->err = ERR_LIMIT;
            return;
        }
        put(making, message, (*uid)++);
        making->counts->messages++;
        making->counts->bytes += message->row.size;
    }
}

/* It has messages that are still to be put. */
static bool has_messages(const struct making *making, size_t mailbox)
{
    const struct undelete *undelete = making->undelete;

    if (undelete->message == 0)
        return undelete->lost->mailboxes[mailbox].to_put > 0;
    return undelete->message < lost_first_message(undelete->lost, mailbox + 1);
}

/* Finds or makes the mailbox; false: there is no need of it. */
static bool set_target(struct making *making, size_t index)
{
    struct lost_mailbox *mailbox = &making->undelete->lost->mailboxes[index];
    bool is_needed = has_messages(making, index);

    mailbox->target = find_target(making, mailbox);
    if (mailbox->target.value != 0)
        return is_needed;
    if (!is_needed && !mailbox->is_wanted)
        return false;
    make_levels_above(making, mailbox->name);
    mailbox->target = make_mailbox(making, mailbox->name, mailbox->uses);
    making->counts->made++;
    return is_needed;
}

static bool is_same_run(const struct lost_flags *a, const struct lost_flags *b)
{
    return a->mailbox == b->mailbox && a->flags == b->flags &&
           keyword_set_equal(&a->keywords, &b->keywords);
}

static bool changes_row(const struct mailbox *mailbox, const struct lost_flags *flags)
{
    struct row row;

    return rows_get(&mailbox->rows, flags->uid.value, &row) &&
           (row.flags != flags->flags || !keyword_set_equal(&row.keywords, &flags->keywords));
}

/* One op for messages that are to have the same flags. */
static void set_run(struct making *making, const struct mailbox *mailbox, size_t end)
{
    struct undelete *undelete = making->undelete;
    const struct lost_flags *first = &undelete->lost->flags[undelete->flag];
    struct bytes keywords[KEYWORDS_PER_MAILBOX_MAX];
    struct arena arena = arena_make(ACT_ARENA_BYTES);
    struct uid_set_builder builder = uid_set_builder_make(&arena);
    struct op op = { .code = OP_FLAGS };
    uint32_t count = 0;

    for (; undelete->flag < end && count < FLAG_RUN_MAX; undelete->flag++) {
        bool is_first = first == &undelete->lost->flags[undelete->flag];

        const struct lost_flags *flags = &undelete->lost->flags[undelete->flag];

        if (!is_same_run(first, flags) || (!is_first && is_paused(making)))
            break;
        charge(making, FLAGS_COST);
        if (!changes_row(mailbox, flags))
            continue;
        uid_set_add(&builder, flags->uid.value, flags->uid.value);
        count++;
    }
    op.as.flags = (struct op_flags){
        .mailbox = mailbox->id,
        .mode = FLAGS_REPLACE,
        .flags = flag_names(&undelete->lost->mailboxes[first->mailbox], first->flags,
                            &first->keywords, keywords),
    };
    if (!uid_set_finish(&builder, &op.as.flags.uids.set))
        making->err = ERR_LIMIT;
    else if (count > 0)
        add(making, &op);
    making->counts->flags += count;
    arena_done(&arena);
}

static void set_flags(struct making *making, size_t index)
{
    struct undelete *undelete = making->undelete;
    const struct lost *lost = undelete->lost;
    const struct mailbox *mailbox = state_find_id(state_of(making), lost->mailboxes[index].id);
    size_t end = lost_first_flags(lost, index + 1);

    if (undelete->flag == 0)
        undelete->flag = lost_first_flags(lost, index);
    while (mailbox != NULL && making->err == ERR_OK && undelete->flag < end && !is_paused(making))
        set_run(making, mailbox, end);
}

static void make(struct making *making)
{
    struct undelete *undelete = making->undelete;

    if (!undelete->renames_done)
        rename_all(making);
    while (undelete->renames_done && undelete->next < undelete->lost->mailbox_count &&
           !is_paused(making)) {
        size_t index = undelete->order[undelete->next].index;

        if (set_target(making, index))
            put_messages(making, index);
        if (!is_paused(making) && making->err == ERR_OK)
            set_flags(making, index);
        if (is_paused(making) || making->err != ERR_OK)
            return;
        undelete->next++;
        undelete->message = 0;
        undelete->flag = 0;
    }
}

/* Ids that were meant for mailboxes which were not made are nobody's. */
static void forget_targets(struct undelete *undelete)
{
    for (size_t i = 0; i < undelete->lost->mailbox_count; i++)
        if (undelete->lost->mailboxes[i].target.value >= undelete->account->state.mailbox_next)
            undelete->lost->mailboxes[i].target.value = 0;
}

static void rewind_to(struct undelete *undelete, const struct undelete *before)
{
    *undelete = *before;
    forget_targets(undelete);
}

static int compare_names(const void *a, const void *b)
{
    const struct undelete_order *left = a;
    const struct undelete_order *right = b;
    int order = bytes_compare(left->name, right->name);

    return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

static void sort_by_name(struct undelete *undelete)
{
    const struct lost *lost = undelete->lost;

    undelete->order = store_alloc(lost->mailbox_count, sizeof(*undelete->order));
    for (size_t i = 0; i < lost->mailbox_count; i++)
        undelete->order[i] = (struct undelete_order){ lost->mailboxes[i].name, i };
    if (lost->mailbox_count > 1)
        qsort(undelete->order, lost->mailbox_count, sizeof(*undelete->order), compare_names);
}

static bool is_through(const struct undelete *undelete)
{
    return undelete->renames_done && undelete->next == undelete->lost->mailbox_count;
}

/* ---- the plan ---- */

enum plan_stage {
    PLAN_LIVING, /* what lives where it would go is left out */
    PLAN_DOUBLES, /* of those that are the same message and would go to the same mailbox one is
                     enough */
    PLAN_COUNT, /* all of it is done, dry */
};

struct undelete_plan {
    struct making making;
    uint32_t left; /* of this step */
    enum plan_stage stage;
    struct modseq change; /* of the account, for which it is made */
    unsigned restarts;
    struct act *alone; /* what is left of it is made while nobody else acts */
    size_t mailbox; /* the next one; in PLAN_DOUBLES by name */
    size_t message; /* the next one of it */
    uint64_t *bodies; /* of where they go, once asked for: a bit for each there ever was */
    size_t block; /* of rows, that goes into it next */
    uint64_t *targets; /* where a mailbox goes: an id, or, above all ids, the place of its name */
    uint32_t *arrivals; /* a table: messages on their way, their indexes + 1; 0 is free */
    size_t arrival_mask;
    struct undelete_counts counts;
};

enum { PLAN_RESTARTS_MAX = 3, LOOK_COST = 8, MAILBOX_COST = 32, WORDS_PER_COST = 16 };

/* A power of two that leaves half of it free, less one. */
static size_t mask_for(size_t count)
{
    size_t capacity = 16;

    while (capacity < 2 * count)
        capacity *= 2;
    return capacity - 1;
}

static uint64_t mixed(uint64_t number)
{
    return (number * UINT64_C(0x9e3779b97f4a7c15)) >> 20;
}

static bool has_body(const struct undelete_plan *plan, struct body_id body)
{
    return (plan->bodies[body.value / 64] >> (body.value % 64) & 1) != 0;
}

/* A step makes one block at least. True when all bodies of the mailbox are in the table. */
static bool collect_bodies(struct undelete_plan *plan, const struct mailbox *mailbox)
{
    uint64_t bodies[BLOCK_ROWS];

    if (plan->bodies == NULL) {
        size_t words = state_of(&plan->making)->body_next / 64 + 1;

        plan->bodies = store_alloc(words, sizeof(*plan->bodies));
        plan->block = 0;
        charge(&plan->making, words / WORDS_PER_COST);
    }
    while (plan->block < mailbox->rows.block_count && plan->left > 0) {
        const struct block *block = mailbox->rows.blocks[plan->block++];

        block_load(block, COLUMN_BODY, 0, block->count, bodies);
        for (uint32_t i = 0; i < block->count; i++)
            plan->bodies[bodies[i] / 64] |= UINT64_C(1) << (bodies[i] % 64);
        charge(&plan->making, block->count);
    }
    return plan->block == mailbox->rows.block_count;
}

static bool lives_somewhere(const struct state *state, struct body_id id)
{
    struct body_entry body;

    return body_table_find(&state->bodies, id, &body) && body.messages > 0;
}

/* Marks the messages of a mailbox that live where they would go; true when that is through. */
static bool leave_out_living(struct undelete_plan *plan)
{
    struct lost *lost = plan->making.undelete->lost;
    const struct state *state = state_of(&plan->making);
    const struct mailbox *target =
        state_find_id(state, find_target(&plan->making, &lost->mailboxes[plan->mailbox]));
    size_t end = lost_first_message(lost, plan->mailbox + 1);

    for (; plan->message < end; plan->message++) {
        struct lost_message *message = &lost->messages[plan->message];
        bool may_live = target != NULL && lives_somewhere(state, message->row.body);

        if (plan->left == 0 || (may_live && !collect_bodies(plan, target)))
            return false;
        message->is_left_out = may_live && has_body(plan, message->row.body);
        charge(&plan->making, LOOK_COST);
    }
    free(plan->bodies);
    plan->bodies = NULL;
    return true;
}

/* Where the n-th mailbox by name goes. */
static uint64_t target_number(const struct making *making, size_t n)
{
    const struct undelete_order *order = making->undelete->order;
    const struct lost *lost = making->undelete->lost;
    struct mailbox_id target = find_target(making, &lost->mailboxes[order[n].index]);

    if (target.value != 0)
        return target.value;
    while (n > 0 && bytes_equal(order[n - 1].name, order[n].name))
        n--;
    return (UINT64_C(1) << 32) + n;
}

/* Of the one that is the same message on its way to the same mailbox, or a free one. */
static uint32_t *arrival_slot(const struct undelete_plan *plan, const struct lost_message *message)
{
    const struct lost_message *messages = plan->making.undelete->lost->messages;
    uint64_t target = plan->targets[message->mailbox];
    uint64_t body = message->row.body.value;
    size_t at = mixed(mixed(target) ^ body) & plan->arrival_mask;

    for (; plan->arrivals[at] != 0; at = (at + 1) & plan->arrival_mask) {
        const struct lost_message *other = &messages[plan->arrivals[at] - 1];

        if (other->row.body.value == body && plan->targets[other->mailbox] == target)
            break;
    }
    return &plan->arrivals[at];
}

/* Of two the one that went last stays. */
static void meet(struct undelete_plan *plan, uint32_t index)
{
    struct lost *lost = plan->making.undelete->lost;
    struct lost_message *message = &lost->messages[index];
    uint32_t *slot = arrival_slot(plan, message);
    struct lost_message *other = *slot == 0 ? NULL : &lost->messages[*slot - 1];

    if (other != NULL &&
        (other->event > message->event || (other->event == message->event && other > message))) {
        message->is_left_out = true;
        return;
    }
    if (other != NULL) {
        other->is_left_out = true;
        lost->mailboxes[other->mailbox].to_put--;
    }
    lost->mailboxes[message->mailbox].to_put++;
    *slot = index + 1;
}

/* True when the mailbox is through. */
static bool leave_out_doubles(struct undelete_plan *plan)
{
    const struct lost *lost = plan->making.undelete->lost;
    size_t index = plan->making.undelete->order[plan->mailbox].index;
    size_t end = lost_first_message(lost, index + 1);

    if (plan->arrivals == NULL) {
        plan->arrival_mask = mask_for(lost->message_count);
        plan->arrivals = store_alloc(plan->arrival_mask + 1, sizeof(*plan->arrivals));
        plan->targets = store_alloc(lost->mailbox_count, sizeof(*plan->targets));
    }
    plan->targets[index] = target_number(&plan->making, plan->mailbox);
    for (; plan->message < end; plan->message++) {
        if (plan->left == 0)
            return false;
        charge(&plan->making, LOOK_COST);
        if (!lost->messages[plan->message].is_left_out)
            meet(plan, (uint32_t)plan->message);
    }
    return true;
}

static void plan_clear(struct undelete_plan *plan)
{
    making_done(&plan->making);
    free(plan->bodies);
    free(plan->arrivals);
    free(plan->targets);
    plan->bodies = NULL;
    plan->arrivals = NULL;
    plan->targets = NULL;
}

static void plan_start(struct undelete_plan *plan, struct undelete *undelete)
{
    plan->counts = (struct undelete_counts){ 0 };
    plan->making = making_begin(undelete, NULL, &plan->left, &plan->counts);
    plan->change = undelete->account->state.change;
    plan->stage = undelete->lost->mailbox_count == 0 ? PLAN_COUNT : PLAN_LIVING;
    plan->mailbox = 0;
    plan->message = 0;
    plan->left = UINT32_MAX;
    for (size_t i = 0; i < undelete->lost->mailbox_count; i++)
        undelete->lost->mailboxes[i].to_put = 0;
    rename_all(&plan->making);
}

/* What others did meanwhile may be what it counts on. */
static void plan_follow(struct undelete_plan *plan, struct undelete *undelete)
{
    if (plan->change.value == undelete->account->state.change.value)
        return;
    plan_clear(plan);
    rewind_to(undelete, &(struct undelete){ .account = undelete->account,
                                            .lost = undelete->lost,
                                            .order = undelete->order,
                                            .plan = plan });
    plan->restarts++;
    plan_start(plan, undelete);
}

/* The first message of the mailbox that comes next. */
static void plan_next_mailbox(struct undelete_plan *plan, const struct undelete *undelete)
{
    size_t next = ++plan->mailbox;

    charge(&plan->making, MAILBOX_COST);
    if (next == undelete->lost->mailbox_count) {
        plan->stage++;
        next = plan->mailbox = 0;
    }
    if (plan->stage == PLAN_DOUBLES)
        next = undelete->order[next].index;
    plan->message = lost_first_message(undelete->lost, next);
}

void undelete_begin(struct undelete *undelete, struct account *account, struct lost *lost)
{
    struct undelete fresh = { .account = account, .lost = lost };

    sort_by_name(&fresh);
    fresh.plan = store_alloc(1, sizeof(*fresh.plan));
    *undelete = fresh;
    plan_start(undelete->plan, undelete);
}

/* True: it is made. */
static bool plan_some(void *context, uint32_t *left)
{
    struct undelete *undelete = context;
    struct undelete_plan *plan = undelete->plan;

    plan->left = *left;
    while (plan->left > 0 && plan->stage != PLAN_COUNT)
        if (plan->stage == PLAN_LIVING ? leave_out_living(plan) : leave_out_doubles(plan))
            plan_next_mailbox(plan, undelete);
    if (plan->stage == PLAN_COUNT && plan->left > 0)
        make(&plan->making);
    *left = plan->left;
    return plan->stage == PLAN_COUNT && (plan->making.err != ERR_OK || is_through(undelete));
}

/* Who acts all the time must not keep it from its end. */
static bool plan_alone(struct undelete *undelete)
{
    struct undelete_plan *plan = undelete->plan;
    enum err err = plan->alone != NULL ? act_end(plan->alone)
                                       : act_alone(undelete->account, plan_some, undelete);

    plan->alone = err == ERR_BUSY ? act_take(undelete->account) : NULL;
    return err != ERR_BUSY; /* an account that has failed needs no plan */
}

bool undelete_plan(struct undelete *undelete)
{
    struct undelete_plan *plan = undelete->plan;
    uint32_t left = undelete->account->step_cost;
    struct undelete planned = { .account = undelete->account,
                                .lost = undelete->lost,
                                .order = undelete->order };

    if (plan->alone == NULL)
        plan_follow(plan, undelete);
    if (plan->restarts < PLAN_RESTARTS_MAX ? !plan_some(undelete, &left) : !plan_alone(undelete))
        return false;
    planned.planned = plan->counts;
    plan_clear(plan);
    free(plan);
    rewind_to(undelete, &planned);
    return true;
}

void undelete_done(struct undelete *undelete)
{
    if (undelete->plan != NULL) {
        act_abandon(undelete->plan->alone);
        plan_clear(undelete->plan);
    }
    free(undelete->plan);
    free(undelete->order);
    undelete->plan = NULL;
    undelete->order = NULL;
}

struct undeleting {
    struct act act;
    struct making making;
    struct undelete before;
    struct undelete_counts counts;
    bool *out_done;
};

static struct undeleting *undeleting_of(struct act *act)
{
    return CONTAINER_OF(act, struct undeleting, act);
}

static enum err undeleting_plan(struct act *act)
{
    struct making *making = &undeleting_of(act)->making;

    make(making);
    if (making->err != ERR_OK)
        return making->err;
    if (!is_full(making) && !is_through(making->undelete))
        return ERR_BUSY;
    act->gated = true;
    act->writes = !change_is_empty(&act->change);
    return ERR_OK;
}

static void undelete_finish(struct act *act)
{
    struct undeleting *undeleting = undeleting_of(act);
    struct undelete *undelete = undeleting->making.undelete;

    undelete->done = undeleting->counts;
    *undeleting->out_done = is_through(undelete);
}

static void undeleting_done(struct act *act)
{
    struct undeleting *undeleting = undeleting_of(act);

    if (act->err != ERR_OK && !act->is_abandoned)
        rewind_to(undeleting->making.undelete, &undeleting->before);
    making_done(&undeleting->making);
}

static const struct act_kind undelete_kind = { undeleting_plan, undelete_finish, undeleting_done };

enum err act_undelete(struct undelete *undelete, const struct origin *origin, bool *out_done)
{
    struct account *account = undelete->account;
    uint64_t bytes = undelete->planned.bytes - undelete->done.bytes;
    struct undeleting *undeleting;

    if (bytes > 0 && account_is_over_quota(account, bytes))
        return ERR_OVER_QUOTA;
    undeleting = act_new(sizeof(*undeleting), account, &undelete_kind, origin);
    undeleting->before = *undelete;
    undeleting->counts = undelete->done;
    undeleting->out_done = out_done;
    undeleting->making =
        making_begin(undelete, &undeleting->act, &undeleting->act.left, &undeleting->counts);
    return act_begin(&undeleting->act);
}
