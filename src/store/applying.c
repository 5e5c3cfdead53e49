/* Records in steps: op by op, the large ones piece by piece. */
#include "store/applying.h"

#include <stdlib.h>

#include "store/alloc.h"
#include "store/apply.h"

enum {
    PIECE_RANGES = BLOCK_ROWS,
    AHEAD_MAX = 4096, /* ops that are looked at before they are applied */
    AHEAD_BYTES = 8192, /* a CHANGE that is longer may put hundreds of messages */
};

/* The ops that may take many steps. */
static const struct long_op {
    enum op_code code;
    bool (*begin)(struct applying *applying);
    bool (*step)(struct applying *applying);
} long_ops[] = {
    { OP_FLAGS, apply_flags_begin, apply_flags_step },
    { OP_COPY, apply_copy_begin, apply_copy_step },
    { OP_MOVE, apply_copy_begin, apply_copy_step },
    { OP_EXPUNGE, apply_expunge_begin, apply_expunge_step },
    { OP_MAILBOX_DELETE, apply_delete_begin, apply_delete_step },
};

static const struct long_op *find_long(enum op_code code)
{
    for (size_t i = 0; i < ARRAY_COUNT(long_ops); i++)
        if (long_ops[i].code == code)
            return &long_ops[i];
    return NULL;
}

bool applying_begin(struct applying *applying, struct state *state, const struct log_record *record,
                    bool checked)
{
    bool is_change = record->type == RECORD_CHANGE;
    struct op_walk walk = { .ops = record->payload, .change = record->place };
    struct origin origin;

    *applying = (struct applying){ .state = state, .number = record->number, .when = record->when };
    if (is_change && record->number.value <= state->change.value)
        return true;
    if (is_change && !op_origin_decode(record->payload, &origin, &walk.ops))
        return false;
    if (!checked && !op_check(walk.ops, record->place))
        return false;
    walk.checked = true;
    applying->walk = walk;
    applying->ahead = walk;
    applying->looks_ahead = is_change && record->payload.len > AHEAD_BYTES;
    applying->bytes = is_change ? record_bytes(record->payload.len) : 0;
    if (applying->looks_ahead)
        body_table_settle(&state->bodies);
    return true;
}

void applying_done(struct applying *applying)
{
    free(applying->ranges);
    free(applying->entries);
    applying->ranges = NULL;
    applying->entries = NULL;
}

void applying_charge(struct applying *applying, uint64_t cost)
{
    applying->left -= cost < applying->left ? (uint32_t)cost : applying->left;
}

static bool next_range(struct applying *applying)
{
    applying->has_range = op_uids_next(&applying->uids, &applying->range);
    return applying->has_range;
}

struct uid_set applying_piece(struct applying *applying, const struct rows *rows, uint32_t cost)
{
    uint32_t rows_max = applying->left < cost ? 1 : applying->left / cost;
    struct uid_set piece = { .count = 0 };
    uint32_t end;

    if (!applying->has_range && !next_range(applying))
        return piece;
    if (applying->ranges == NULL)
        applying->ranges = store_alloc(PIECE_RANGES, sizeof(*applying->ranges));
    piece.ranges = applying->ranges;
    end = rows_reach(rows, applying->range.first, rows_max);
    while (applying->has_range && applying->range.first <= end && piece.count < PIECE_RANGES) {
        struct uid_range *range = &applying->ranges[piece.count++];

        *range = applying->range;
        if (range->last > end) {
            range->last = end;
            applying->range.first = end + 1;
            break;
        }
        (void)next_range(applying);
    }
    applying_charge(applying, piece.count);
    return piece;
}

/* ---- bodies ahead ---- */

static int by_id(const void *a, const void *b)
{
    const struct body_entry *left = a;
    const struct body_entry *right = b;

    return (left->id.value > right->id.value) - (left->id.value < right->id.value);
}

static void sort_entries(struct applying *applying)
{
    struct body_entry *entries = applying->entries;
    size_t kept = 0;

    if (applying->entry_count > 1)
        qsort(entries, applying->entry_count, sizeof(*entries), by_id);
    for (size_t i = 0; i < applying->entry_count; i++)
        if (kept == 0 || entries[kept - 1].id.value != entries[i].id.value)
            entries[kept++] = entries[i];
    applying->entry_count = kept;
}

/* The bodies of the next ops that are not known. */
static void look_ahead(struct applying *applying)
{
    struct body_table *bodies = &applying->state->bodies;
    struct body_entry known;
    struct op op;

    if (applying->entries == NULL)
        applying->entries = store_alloc(AHEAD_MAX, sizeof(*applying->entries));
    applying->entry_count = 0;
    applying->entry_next = 0;
    while (applying->seen_ahead < AHEAD_MAX && op_next(&applying->ahead, &op)) {
        applying->seen_ahead++;
        if (op.code == OP_PUT && op.as.put.body.value < applying->state->body_next &&
            !body_table_find(bodies, op.as.put.body, &known))
            applying->entries[applying->entry_count++] = (struct body_entry){
                .id = op.as.put.body, .place = op.as.put.place, .size = op.as.put.size
            };
        applying_charge(applying, APPLYING_BODY_COST);
        if (applying->left == 0)
            break;
    }
    sort_entries(applying);
}

/* Many bodies that are not known (mail that was brought back, long after it went) go into the table
 * together: one by one each of them would cost the rewrite of a page. True: there is more to do
 * before the next op. */
static bool prepare_bodies(struct applying *applying)
{
    if (!applying->looks_ahead)
        return false;
    if (applying->entry_next < applying->entry_count) {
        applying->entry_next +=
            body_table_add_some(&applying->state->bodies, applying->entries + applying->entry_next,
                                applying->entry_count - applying->entry_next);
        applying_charge(applying, APPLYING_PAGE_COST);
        return true;
    }
    if (applying->seen_ahead > 0)
        return false;
    look_ahead(applying);
    applying->looks_ahead = applying->seen_ahead > 0;
    return applying->looks_ahead;
}

/* ---- ops ---- */

/* Tables of names are moved along with each mailbox that goes in or out. */
static uint64_t cost_of(const struct applying *applying)
{
    enum { NAMES_PER_COST = 16 };
    bool moves_names = applying->op.code == OP_MAILBOX_CREATE ||
                       applying->op.code == OP_MAILBOX_RENAME ||
                       applying->op.code == OP_MAILBOX_DELETE;

    return APPLYING_OP_COST + (moves_names ? applying->state->mailbox_count / NAMES_PER_COST : 0);
}

/* False: that was all. */
static bool begin_op(struct applying *applying)
{
    const struct long_op *kind;

    if (!op_next(&applying->walk, &applying->op))
        return false;
    if (applying->seen_ahead > 0)
        applying->seen_ahead--;
    kind = find_long(applying->op.code);
    applying_charge(applying, cost_of(applying));
    if (kind == NULL) {
        apply_op(applying->state, &applying->op, applying->number);
        return true;
    }
    body_table_settle(&applying->state->bodies);
    applying->has_range = false;
    applying->has_op = kind->begin(applying);
    return true;
}

static void finish(struct applying *applying)
{
    if (applying->bytes == 0)
        return;
    applying->state->change = applying->number;
    applying->state->changed_at = applying->when;
    applying->state->garbage += applying->bytes;
}

bool applying_step(struct applying *applying, uint32_t cost)
{
    applying->left = cost;
    do {
        if (applying->has_op) {
            applying->has_op = !find_long(applying->op.code)->step(applying);
        } else if (!prepare_bodies(applying) && !begin_op(applying)) {
            finish(applying);
            return true;
        }
    } while (applying->left > 0);
    return false;
}
