/* Are the bodies of messages where they should be, and what does each finding cost? */
#include <stdlib.h>

#include "store/account_state.h"
#include "store/alloc.h"
#include "store/log_base.h"
#include "store/log_body.h"
#include "store/verify_private.h"
#include "sys/vfs.h"

/* The owner's side. */

struct verify_extent verify_extent_of(const struct account *account)
{
    return (struct verify_extent){ account_durable(account), log_base(account->log),
                                   account->state.id };
}

/* Index of the first mailbox with an id that is not below this one. */
static size_t mailbox_from(const struct state *state, uint32_t id)
{
    size_t low = 0;
    size_t high = state->mailbox_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (state->by_id[middle]->id.value < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool describe(const struct state *state, const struct mailbox *mailbox,
                     const struct row *row, struct verify_message *out)
{
    struct body_entry body;

    if (!body_table_find(&state->bodies, row->body, &body))
        return false;
    *out = (struct verify_message){
        .mailbox = mailbox->id,
        .uid = row->uid,
        .body = row->body,
        .place = body.place,
        .size = row->size,
        .modseq = row->modseq,
    };
    return true;
}

/* From `mailbox`, behind the cursor; the cursor moves. */
static size_t take_of_mailbox(const struct state *state, const struct mailbox *mailbox,
                              struct verify_cursor *cursor, struct verify_message *out, size_t max)
{
    struct uid_range rest = { cursor->uid + 1, UINT32_MAX };
    struct rows_walk walk = rows_walk_make(&mailbox->rows, (struct uid_set){ &rest, 1 });
    size_t count = 0;
    struct row row;

    while (count < max && rows_walk_next(&walk, &row)) {
        count += describe(state, mailbox, &row, &out[count]) ? 1 : 0;
        cursor->uid = row.uid.value;
    }
    return count;
}

size_t verify_take(const struct account *account, struct verify_cursor *cursor,
                   struct verify_message *out_messages, size_t max)
{
    const struct state *state = &account->state;
    size_t count = 0;

    for (size_t i = mailbox_from(state, cursor->mailbox.value); i < state->mailbox_count; i++) {
        const struct mailbox *mailbox = state->by_id[i];

        if (mailbox->id.value != cursor->mailbox.value)
            *cursor = (struct verify_cursor){ .mailbox = mailbox->id };
        if (cursor->uid < UINT32_MAX)
            count += take_of_mailbox(state, mailbox, cursor, out_messages + count, max - count);
        if (count == max)
            return count;
    }
    cursor->done = true;
    return count;
}

enum verify_again verify_take_again(const struct account *account, struct verify_message *message)
{
    const struct mailbox *mailbox = state_find_id(&account->state, message->mailbox);
    struct verify_message now;
    struct row row;

    if (mailbox == NULL || !rows_get(&mailbox->rows, message->uid.value, &row) ||
        !describe(&account->state, mailbox, &row, &now))
        return VERIFY_NO_MORE;
    if (now.place.segment == message->place.segment)
        return VERIFY_THE_SAME;
    *message = now;
    return VERIFY_MOVED;
}

/* The job's side. */

void verify_settle(struct verify *verify)
{
    verify->read_count = verify->finding_count;
    verify->changes = store_alloc(verify->finding_count, sizeof(*verify->changes));
    for (size_t i = 0; i < verify->finding_count; i++) {
        struct verify_finding *finding = &verify->findings[i];

        if (segment_kind(finding->segment) == SEGMENT_LOG &&
            finding->segment <= verify->superseded) {
            finding->batch = finding->offset;
            finding->change_first = 0;
        }
        if (finding->change_first > 0)
            verify->changes[verify->change_count++] = i;
    }
}

static void lose(struct verify *verify, size_t finding, const struct verify_message *message)
{
    verify->findings[finding].messages++;
    verify->counts.losses++;
    if (verify->loss_count == VERIFY_LOSSES_MAX)
        return;
    verify->losses = store_grow(verify->losses, verify->loss_count, &verify->loss_capacity,
                                sizeof(*verify->losses));
    verify->losses[verify->loss_count++] =
        (struct verify_loss){ finding, message->mailbox, message->uid };
}

void verify_lose(struct verify *verify, const struct verify_message *message)
{
    struct verify_finding finding = {
        .kind = VERIFY_LOST,
        .segment = message->place.segment,
        .offset = message->place.offset,
        .number = message->body.value,
    };

    if (verify_find(verify, &finding))
        lose(verify, verify->finding_count - 1, message);
}

/* Index of the first finding of the reading that begins behind this place. */
static size_t finding_behind(const struct verify *verify, struct place place)
{
    size_t low = 0;
    size_t high = verify->read_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct verify_finding *finding = &verify->findings[middle];

        if (finding->segment < place.segment ||
            (finding->segment == place.segment && finding->offset <= place.offset))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The body itself is hit. */
static bool find_of_body(const struct verify *verify, struct place place, size_t *out_finding)
{
    size_t behind = finding_behind(verify, place);
    const struct verify_finding *before;

    if (behind == 0)
        return false;
    before = &verify->findings[behind - 1];
    *out_finding = behind - 1;
    return before->segment == place.segment &&
           (before->kind == VERIFY_MISSING || place.offset - before->offset < before->length);
}

/* The change that brought it is hit. */
static bool find_of_batch(const struct verify *verify, struct place place, size_t *out_finding)
{
    size_t behind = finding_behind(verify, place);
    const struct verify_finding *next;

    if (behind == verify->read_count)
        return false;
    next = &verify->findings[behind];
    *out_finding = behind;
    return next->segment == place.segment && next->batch <= place.offset;
}

/* The last change of the message is hit. */
static bool find_of_change(const struct verify *verify, uint64_t number, size_t *out_finding)
{
    size_t low = 0;
    size_t high = verify->change_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (verify->findings[verify->changes[middle]].change_last < number)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == verify->change_count)
        return false;
    *out_finding = verify->changes[low];
    return verify->findings[*out_finding].change_first <= number;
}

/* Written since the beginning, so that it was not read. */
static bool is_new(const struct verify *verify, struct place place)
{
    const struct verify_segment *segment;

    if (segment_kind(place.segment) != SEGMENT_LOG)
        return false;
    segment = verify_find_segment(verify, place.segment);
    return segment != NULL ? place.offset >= segment->looked_at : place.segment > verify->last_log;
}

/* The segment, kept open for the next message: most stand side by side. */
static enum err open_for(struct verify *verify, uint64_t number)
{
    struct segment segment;
    struct vfs_file *file;
    enum err err;

    if (verify->file != NULL && verify->file_number == number)
        return ERR_OK;
    vfs_close(verify->file);
    verify->file = NULL;
    err = verify_open(verify, number, &file);
    if (err != ERR_OK)
        return err;
    err = segment_header_read(file, number, 0, &segment);
    if (err == ERR_OK && !segment_is_of(&segment, verify->extent.account))
        err = ERR_CORRUPT;
    if (err != ERR_OK) {
        vfs_close(file);
        return err;
    }
    verify->file = file;
    verify->file_number = number;
    verify->key = record_key_make(segment.id);
    return ERR_OK;
}

/* ERR_CORRUPT: what stands there is not the body. Its chunks were read before. */
static enum err look(struct verify *verify, const struct verify_message *message)
{
    struct record_header header;
    struct log_source source;
    uint8_t raw[RECORD_HEADER_BYTES];
    enum err err = open_for(verify, message->place.segment);

    if (err == ERR_OK)
        err = vfs_read(verify->file, message->place.offset, raw, sizeof(raw), 0);
    if (err != ERR_OK)
        return err;
    if (!record_header_decode(bytes_make(raw, sizeof(raw)), verify->key, message->place.offset,
                              &header) ||
        header.type != RECORD_BODY || header.number != message->body.value)
        return ERR_CORRUPT;
    if (header.encoding == RECORD_RAW)
        return header.length == message->size ? ERR_OK : ERR_CORRUPT;
    err = log_source_load(verify->vfs, verify->extent.account, message->place, message->body,
                          &source);
    if (err != ERR_OK)
        return err;
    return source.length == message->size ? ERR_OK : ERR_CORRUPT;
}

static enum err check(struct verify *verify, struct verify_message *message)
{
    size_t finding;
    enum err err;

    message->is_gone = false;
    if (find_of_body(verify, message->place, &finding) ||
        find_of_batch(verify, message->place, &finding) ||
        find_of_change(verify, message->modseq.value, &finding)) {
        lose(verify, finding, message);
        return ERR_OK;
    }
    if (is_new(verify, message->place))
        return ERR_OK;
    err = look(verify, message);
    if (err == ERR_CORRUPT)
        verify_lose(verify, message);
    message->is_gone = err == ERR_NOT_FOUND;
    return err == ERR_CORRUPT || err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err verify_messages(struct verify *verify, struct verify_message *messages, size_t count,
                         struct note *why)
{
    enum err err = ERR_OK;

    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        err = check(verify, &messages[i]);
        if (err != ERR_OK)
            return verify_fail(err, messages[i].place.segment, why);
    }
    verify->counts.messages += count;
    return err;
}

static int by_finding(const void *a, const void *b)
{
    const struct verify_loss *left = a;
    const struct verify_loss *right = b;

    if (left->finding != right->finding)
        return left->finding < right->finding ? -1 : 1;
    if (left->mailbox.value != right->mailbox.value)
        return left->mailbox.value < right->mailbox.value ? -1 : 1;
    return left->uid.value < right->uid.value ? -1 : left->uid.value > right->uid.value;
}

const struct verify_loss *verify_losses(struct verify *verify, size_t *out_count)
{
    if (verify->loss_count > 0)
        qsort(verify->losses, verify->loss_count, sizeof(*verify->losses), by_finding);
    *out_count = verify->loss_count;
    return verify->losses;
}
