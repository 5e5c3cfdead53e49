/* Two histories of one account, compared. */
#include "store/lost_then.h"

#include <stdlib.h>

#include "store/alloc.h"
#include "store/history.h"
#include "store/rows.h"
#include "store/state.h"

struct lost_then {
    struct lost_then_options options;
    struct history *then;
    struct history *now;
    bool then_done;
    struct wall since;
    struct lost lost;
};

struct lost_then *lost_then_new(const struct lost_then_options *options)
{
    struct lost_then *then = store_alloc(1, sizeof(*then));

    then->options = *options;
    return then;
}

/* Where a body is in a mailbox. */
struct body_uid {
    uint64_t body;
    uint32_t uid;
    bool is_taken; /* a message of that time is this one */
};

static int by_body(const void *a, const void *b)
{
    const struct body_uid *left = a;
    const struct body_uid *right = b;

    if (left->body != right->body)
        return left->body < right->body ? -1 : 1;
    return (left->uid > right->uid) - (left->uid < right->uid);
}

/* One mailbox that was there then. */
struct comparison {
    struct lost_then *then;
    uint32_t index; /* in `lost` */
    const struct mailbox *was;
    const struct mailbox *is; /* NULL: it is gone */
    struct body_uid *bodies; /* of `is`; NULL until somebody asks */
};

static const struct uid_range everything = { 1, UINT32_MAX };

static struct rows_walk walk_all(const struct mailbox *mailbox)
{
    return rows_walk_make(&mailbox->rows, (struct uid_set){ &everything, 1 });
}

static void list_bodies(struct comparison *comparison)
{
    struct rows_walk walk = walk_all(comparison->is);
    size_t count = 0;
    struct row row;

    comparison->bodies = store_alloc(comparison->is->rows.count, sizeof(*comparison->bodies));
    while (rows_walk_next(&walk, &row)) {
        struct row was;

        comparison->bodies[count++] = (struct body_uid){
            .body = row.body.value,
            .uid = row.uid.value,
            .is_taken = rows_get(&comparison->was->rows, row.uid.value, &was),
        };
    }
    if (count > 1)
        qsort(comparison->bodies, count, sizeof(*comparison->bodies), by_body);
}

static size_t first_of(const struct comparison *comparison, uint64_t body)
{
    size_t low = 0;
    size_t high = comparison->is->rows.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (comparison->bodies[middle].body < body)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The same message under another UID: false when the mailbox has it not. *out_uid is 0 when those
 * that it has are other messages of that time with the same body. */
static bool find_by_body(struct comparison *comparison, struct body_id body, uint32_t *out_uid)
{
    bool is_there = false;

    *out_uid = 0;
    if (comparison->is == NULL)
        return false;
    if (comparison->bodies == NULL)
        list_bodies(comparison);
    for (size_t i = first_of(comparison, body.value);
         i < comparison->is->rows.count && comparison->bodies[i].body == body.value; i++) {
        struct body_uid *found = &comparison->bodies[i];

        is_there = true;
        if (found->is_taken)
            continue;
        found->is_taken = true;
        *out_uid = found->uid;
        break;
    }
    return is_there;
}

static void compare_flags(struct comparison *comparison, const struct row *was,
                          const struct row *is)
{
    struct lost_flags flags = {
        .mailbox = comparison->index, .uid = is->uid, .flags = was->flags, .keywords = was->keywords
    };

    if ((is->flags & FLAG_DELETED) == 0)
        flags.flags &= (uint16_t)~FLAG_DELETED;
    if (flags.flags != is->flags || !keyword_set_equal(&was->keywords, &is->keywords))
        lost_add_flags(&comparison->then->lost, &flags);
}

/* Bodies may have moved since: where one lives now is the better place. */
static bool find_place(const struct comparison *comparison, struct body_id body,
                       struct place *out_place)
{
    const struct state *now = history_state(comparison->then->now);
    struct body_entry entry;

    if (!body_table_find(&now->bodies, body, &entry) &&
        !body_table_find(&comparison->was->state->bodies, body, &entry))
        return false;
    *out_place = entry.place;
    return true;
}

static enum err compare_row(struct comparison *comparison, const struct row *was)
{
    struct lost_message message = { .row = *was, .mailbox = comparison->index };
    uint32_t uid = was->uid.value;
    struct row is;

    if (comparison->is != NULL && rows_get(&comparison->is->rows, uid, &is)) {
        compare_flags(comparison, was, &is);
        return ERR_OK;
    }
    if (find_by_body(comparison, was->body, &uid)) {
        if (rows_get(&comparison->is->rows, uid, &is))
            compare_flags(comparison, was, &is);
        return ERR_OK;
    }
    if (!find_place(comparison, was->body, &message.place))
        return ERR_OK;
    /* Of two with one body the first comes back: it is the one that find_by_body meets. */
    message.event = UINT32_MAX - was->uid.value;
    return lost_add_message(&comparison->then->lost, &message);
}

static enum err compare_mailbox(struct lost_then *then, const struct mailbox *was)
{
    struct comparison comparison = {
        .then = then,
        .index = lost_add_mailbox(&then->lost, was),
        .was = was,
        .is = state_find_id(history_state(then->now), was->id),
    };
    struct lost_mailbox *lost = &then->lost.mailboxes[comparison.index];
    struct rows_walk walk = walk_all(was);
    enum err err = ERR_OK;
    struct row row;

    lost->is_wanted = comparison.is == NULL;
    lost->is_renamed = comparison.is != NULL &&
                       !bytes_equal(mailbox_name_bytes(comparison.is), mailbox_name_bytes(was));
    while (err == ERR_OK && rows_walk_next(&walk, &row))
        err = compare_row(&comparison, &row);
    free(comparison.bodies);
    return err;
}

static enum err compare(struct lost_then *then)
{
    const struct state *was = history_state(then->then);
    enum err err = ERR_OK;

    for (size_t i = 0; err == ERR_OK && i < was->mailbox_count; i++)
        err = compare_mailbox(then, was->by_id[i]);
    lost_settle(&then->lost, NULL);
    return err;
}

static enum err open_history(const struct lost_then *then, struct wall until,
                             struct history **out_history, struct note *why)
{
    struct history_options options = { .vfs = then->options.vfs,
                                       .position = then->options.position,
                                       .until = until };

    return history_open(&options, out_history, why);
}

/* The state at the time stands; is it that of the time? */
static enum err check_time(struct lost_then *then, struct note *why)
{
    then->since = history_since(then->then);
    if (then->options.at.us < then->since.us)
        return note_fail(why, ERR_CONFLICT, "the log does not reach back to that time");
    return ERR_OK;
}

static enum err read_then(struct lost_then *then, uint64_t bytes, struct note *why)
{
    enum err err;

    if (then->then == NULL)
        return open_history(then, then->options.at, &then->then, why);
    err = history_step(then->then, bytes, &then->then_done, why);
    return err == ERR_OK && then->then_done ? check_time(then, why) : err;
}

static enum err read_now(struct lost_then *then, uint64_t bytes, bool *out_done, struct note *why)
{
    enum err err;

    if (then->now == NULL)
        return open_history(then, (struct wall){ INT64_MAX }, &then->now, why);
    err = history_step(then->now, bytes, out_done, why);
    return err == ERR_OK && *out_done ? compare(then) : err;
}

enum err lost_then_read(struct lost_then *then, uint64_t bytes, bool *out_done, struct note *why)
{
    bool done = false;
    enum err err =
        then->then_done ? read_now(then, bytes, &done, why) : read_then(then, bytes, why);

    if (err == ERR_LIMIT)
        return note_fail(why, err, "more than %d messages would come back", LOST_MESSAGES_MAX);
    if (err == ERR_OK)
        *out_done = done;
    return err;
}

uint64_t lost_then_position(const struct lost_then *then)
{
    uint64_t position = then->then == NULL ? 0 : history_position(then->then);

    if (then->now == NULL)
        return position;
    return then->options.position + history_position(then->now);
}

void lost_then_take(struct lost_then *then, struct lost *out_lost)
{
    *out_lost = then->lost;
    then->lost = (struct lost){ 0 };
}

struct wall lost_then_since(const struct lost_then *then)
{
    return then->since;
}

void lost_then_free(struct lost_then *then)
{
    if (then == NULL)
        return;
    history_close(then->then);
    history_close(then->now);
    lost_done(&then->lost);
    free(then);
}
