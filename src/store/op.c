/* Ops to bytes and back: docs/format.md, "Ops". One pair of functions and one table row for each.
 */
#include "store/op.h"

#include <assert.h>

#include "base/num.h"
#include "base/reader.h"
#include "store/op_fields.h"

enum { OP_HEAD_BYTES = 5 }; /* code, length as u32 */

#define MODSEQ_MAX (uint64_t) INT64_MAX

static struct bytes read_text(struct reader *reader, size_t len_max)
{
    struct bytes text = reader_bytes(reader);

    reader->failed = reader->failed || text.len > len_max;
    return text;
}

static bool read_bool(struct reader *reader)
{
    return reader_varint_max(reader, 1) != 0;
}

static uint32_t read_u32(struct reader *reader)
{
    return (uint32_t)reader_varint_max(reader, UINT32_MAX);
}

void op_origin_encode(struct buf *buf, const struct origin *origin)
{
    assert(origin->actor.len <= OP_ACTOR_BYTES_MAX);
    buf_put_u8(buf, (uint8_t)origin->protocol);
    buf_put_varint(buf, origin->session);
    buf_put_bytes(buf, origin->actor);
}

bool op_origin_decode(struct bytes payload, struct origin *out_origin, struct bytes *out_ops)
{
    struct reader reader = reader_make(payload);
    uint8_t protocol = reader_u8(&reader);
    uint64_t session = reader_varint(&reader);
    struct bytes actor = read_text(&reader, OP_ACTOR_BYTES_MAX);

    if (reader.failed)
        return false;
    out_origin->protocol = (enum protocol)protocol;
    out_origin->session = session;
    out_origin->actor = actor;
    *out_ops = bytes_from(payload, reader.offset);
    return true;
}

static void encode_account(struct buf *buf, const struct op *op)
{
    buf_add(buf, bytes_make(op->as.account.raw, sizeof(op->as.account.raw)));
}

static void read_account(struct reader *reader, struct account_id *out_id)
{
    struct bytes raw = reader_take(reader, sizeof(out_id->raw));

    for (size_t i = 0; i < raw.len; i++)
        out_id->raw[i] = raw.at[i];
}

static void decode_account(struct reader *reader, const struct op_walk *walk, struct op *op)
{
    read_account(reader, &op->as.account);
}

static void encode_mailbox_create(struct buf *buf, const struct op *op)
{
    const struct op_mailbox *mailbox = &op->as.mailbox;

    assert(mailbox->name.len <= OP_NAME_BYTES_MAX);
    buf_put_varint(buf, mailbox->id.value);
    buf_put_varint(buf, mailbox->uidvalidity);
    buf_put_varint(buf, mailbox->uses);
    buf_put_bytes(buf, mailbox->name);
}

static void decode_mailbox_create(struct reader *reader, const struct op_walk *walk, struct op *op)
{
    struct op_mailbox *mailbox = &op->as.mailbox;

    mailbox->id.value = op_read_id32(reader);
    mailbox->uidvalidity = op_read_id32(reader);
    mailbox->uses = read_u32(reader);
    mailbox->name = read_text(reader, OP_NAME_BYTES_MAX);
}

static void encode_mailbox_rename(struct buf *buf, const struct op *op)
{
    assert(op->as.mailbox.name.len <= OP_NAME_BYTES_MAX);
    buf_put_varint(buf, op->as.mailbox.id.value);
    buf_put_bytes(buf, op->as.mailbox.name);
}

static void decode_mailbox_rename(struct reader *reader, const struct op_walk *walk, struct op *op)
{
    op->as.mailbox.id.value = op_read_id32(reader);
    op->as.mailbox.name = read_text(reader, OP_NAME_BYTES_MAX);
}

static void encode_mailbox_delete(struct buf *buf, const struct op *op)
{
    buf_put_varint(buf, op->as.mailbox.id.value);
}

static void decode_mailbox_delete(struct reader *reader, const struct op_walk *walk, struct op *op)
{
    op->as.mailbox.id.value = op_read_id32(reader);
}

static void encode_mailbox_uses(struct buf *buf, const struct op *op)
{
    buf_put_varint(buf, op->as.mailbox.id.value);
    buf_put_varint(buf, op->as.mailbox.uses);
}

static void decode_mailbox_uses(struct reader *reader, const struct op_walk *walk, struct op *op)
{
    op->as.mailbox.id.value = op_read_id32(reader);
    op->as.mailbox.uses = read_u32(reader);
}

static void encode_put(struct buf *buf, const struct op *op)
{
    const struct op_put *put = &op->as.put;

    buf_put_varint(buf, put->mailbox.value);
    buf_put_varint(buf, put->uid.value);
    buf_put_varint(buf, put->body.value);
    buf_put_varint(buf, put->body_back);
    if (put->body_back == 0)
        op_put_place(buf, put->place);
    buf_put_varint(buf, put->size);
    op_put_flag_names(buf, &put->flags);
    op_put_date(buf, put->internal_date);
    op_put_signed(buf, put->save_date);
    buf_put_varint(buf, put->thread.value);
}

static void decode_put(struct reader *reader, const struct op_walk *walk, struct op *op)
{
    struct op_put *put = &op->as.put;

    put->mailbox.value = op_read_id32(reader);
    put->uid.value = op_read_id32(reader);
    put->body.value = op_read_id64(reader);
    put->body_back = reader_varint_max(reader, walk->change.offset);
    if (put->body_back == 0)
        put->place = op_read_place(reader);
    else
        put->place = (struct place){ walk->change.segment, walk->change.offset - put->body_back };
    put->size = reader_varint_max(reader, RECORD_BODY_BYTES_MAX);
    op_read_flag_names(reader, &put->flags);
    put->internal_date = op_read_date(reader);
    put->save_date = op_read_signed(reader);
    put->thread.value = op_read_id64(reader);
}

static void encode_flags(struct buf *buf, const struct op *op)
{
    buf_put_varint(buf, op->as.flags.mailbox.value);
    buf_put_varint(buf, op->as.flags.owner);
    buf_put_varint(buf, op->as.flags.mode);
    op_put_flag_names(buf, &op->as.flags.flags);
    op_put_uids(buf, &op->as.flags.uids);
}

static void decode_flags(struct reader *reader, const struct op_walk *walk, struct op *op)
{
    op->as.flags.mailbox.value = op_read_id32(reader);
    op->as.flags.owner = read_u32(reader);
    op->as.flags.mode = (uint8_t)reader_varint_max(reader, 2);
    op_read_flag_names(reader, &op->as.flags.flags);
    op_read_uids(reader, walk->checked, &op->as.flags.uids);
}

static void encode_copy(struct buf *buf, const struct op *op)
{
    buf_put_varint(buf, op->as.copy.from.value);
    buf_put_varint(buf, op->as.copy.to.value);
    buf_put_varint(buf, op->as.copy.first.value);
    op_put_signed(buf, op->as.copy.save_date);
    op_put_uids(buf, &op->as.copy.uids);
}

static void decode_copy(struct reader *reader, const struct op_walk *walk, struct op *op)
{
    struct op_copy *copy = &op->as.copy;

    copy->from.value = op_read_id32(reader);
    copy->to.value = op_read_id32(reader);
    copy->first.value = op_read_id32(reader);
    copy->save_date = op_read_signed(reader);
    op_read_uids(reader, walk->checked, &copy->uids);
    if (!reader->failed && copy->uids.total > UINT32_MAX - copy->first.value)
        reader->failed = true;
}

static void encode_expunge(struct buf *buf, const struct op *op)
{
    buf_put_varint(buf, op->as.expunge.mailbox.value);
    op_put_uids(buf, &op->as.expunge.uids);
}

static void decode_expunge(struct reader *reader, const struct op_walk *walk, struct op *op)
{
    op->as.expunge.mailbox.value = op_read_id32(reader);
    op_read_uids(reader, walk->checked, &op->as.expunge.uids);
}

static void encode_recent(struct buf *buf, const struct op *op)
{
    buf_put_varint(buf, op->as.recent.mailbox.value);
    buf_put_varint(buf, op->as.recent.floor);
}

static void decode_recent(struct reader *reader, const struct op_walk *walk, struct op *op)
{
    op->as.recent.mailbox.value = op_read_id32(reader);
    op->as.recent.floor = op_read_id32(reader);
}

static void encode_thread(struct buf *buf, const struct op *op)
{
    const struct op_thread *thread = &op->as.thread;

    assert(thread->count >= 1 && thread->count <= OP_THREAD_HASHES_MAX);
    buf_put_varint(buf, thread->thread.value);
    buf_put_varint(buf, thread->count);
    for (uint32_t i = 0; i < thread->count; i++)
        buf_put_u64(buf, thread->hashes[i]);
}

static void decode_thread(struct reader *reader, const struct op_walk *walk, struct op *op)
{
    struct op_thread *thread = &op->as.thread;

    thread->thread.value = op_read_id64(reader);
    thread->count = (uint32_t)reader_varint_max(reader, OP_THREAD_HASHES_MAX);
    for (uint32_t i = 0; i < thread->count; i++)
        thread->hashes[i] = reader_u64(reader);
    reader->failed = reader->failed || thread->count == 0;
}

static void encode_subscribe(struct buf *buf, const struct op *op)
{
    assert(op->as.setting.name.len <= OP_NAME_BYTES_MAX);
    buf_put_varint(buf, op->as.setting.on);
    buf_put_bytes(buf, op->as.setting.name);
}

static void decode_subscribe(struct reader *reader, const struct op_walk *walk, struct op *op)
{
    op->as.setting.on = read_bool(reader);
    op->as.setting.name = read_text(reader, OP_NAME_BYTES_MAX);
}

static void encode_metadata(struct buf *buf, const struct op *op)
{
    const struct op_setting *setting = &op->as.setting;

    assert(setting->name.len <= OP_NAME_BYTES_MAX && setting->value.len <= OP_TEXT_BYTES_MAX);
    buf_put_varint(buf, setting->mailbox.value);
    buf_put_varint(buf, setting->owner);
    buf_put_varint(buf, setting->on);
    buf_put_bytes(buf, setting->name);
    buf_put_bytes(buf, setting->value);
}

static void decode_metadata(struct reader *reader, const struct op_walk *walk, struct op *op)
{
    op->as.setting.mailbox.value = read_u32(reader);
    op->as.setting.owner = read_u32(reader);
    op->as.setting.on = read_bool(reader);
    op->as.setting.name = read_text(reader, OP_NAME_BYTES_MAX);
    op->as.setting.value = read_text(reader, OP_TEXT_BYTES_MAX);
}

static void encode_acl(struct buf *buf, const struct op *op)
{
    const struct op_setting *setting = &op->as.setting;

    assert(setting->name.len <= OP_NAME_BYTES_MAX && setting->value.len <= OP_TEXT_BYTES_MAX);
    buf_put_varint(buf, setting->mailbox.value);
    buf_put_bytes(buf, setting->name);
    buf_put_bytes(buf, setting->value);
}

static void decode_acl(struct reader *reader, const struct op_walk *walk, struct op *op)
{
    op->as.setting.mailbox.value = op_read_id32(reader);
    op->as.setting.name = read_text(reader, OP_NAME_BYTES_MAX);
    op->as.setting.value = read_text(reader, OP_TEXT_BYTES_MAX);
}

static void encode_quota(struct buf *buf, const struct op *op)
{
    assert(op->as.setting.name.len <= OP_NAME_BYTES_MAX);
    buf_put_varint(buf, op->as.setting.on);
    buf_put_bytes(buf, op->as.setting.name);
    buf_put_varint(buf, op->as.setting.limit);
}

static void decode_quota(struct reader *reader, const struct op_walk *walk, struct op *op)
{
    op->as.setting.on = read_bool(reader);
    op->as.setting.name = read_text(reader, OP_NAME_BYTES_MAX);
    op->as.setting.limit = reader_varint_max(reader, INT64_MAX);
}

static void encode_owner(struct buf *buf, const struct op *op)
{
    assert(op->as.setting.owner != 0 && op->as.setting.name.len <= OP_NAME_BYTES_MAX);
    buf_put_varint(buf, op->as.setting.owner);
    buf_put_bytes(buf, op->as.setting.name);
}

static void decode_owner(struct reader *reader, const struct op_walk *walk, struct op *op)
{
    op->as.setting.owner = op_read_id32(reader);
    op->as.setting.name = read_text(reader, OP_NAME_BYTES_MAX);
}

static void encode_epoch(struct buf *buf, const struct op *op)
{
    buf_put_varint(buf, op->as.epoch.reasons);
    buf_put_varint(buf, op->as.epoch.uid_gap);
    buf_put_varint(buf, op->as.epoch.mailbox_gap);
    buf_put_varint(buf, op->as.epoch.body_gap);
    buf_put_varint(buf, op->as.epoch.uidvalidity);
}

static void decode_epoch(struct reader *reader, const struct op_walk *walk, struct op *op)
{
    op->as.epoch.reasons = read_u32(reader);
    op->as.epoch.uid_gap = read_u32(reader);
    op->as.epoch.mailbox_gap = read_u32(reader);
    op->as.epoch.body_gap = reader_varint_max(reader, INT64_MAX);
    op->as.epoch.uidvalidity = reader_left(reader) > 0 ? read_u32(reader) : 0;
}

static void encode_body_place(struct buf *buf, const struct op *op)
{
    buf_put_varint(buf, op->as.body_place.body.value);
    op_put_place(buf, op->as.body_place.place);
}

static void decode_body_place(struct reader *reader, const struct op_walk *walk, struct op *op)
{
    op->as.body_place.body.value = op_read_id64(reader);
    op->as.body_place.place = op_read_place(reader);
}

static void encode_base_state(struct buf *buf, const struct op *op)
{
    const struct op_base_state *state = &op->as.base_state;

    buf_add(buf, bytes_make(state->account.raw, sizeof(state->account.raw)));
    buf_put_varint(buf, state->position);
    buf_put_varint(buf, state->change.value);
    buf_put_varint(buf, state->floor.value);
    buf_put_varint(buf, state->uidvalidity_last);
    buf_put_varint(buf, state->mailbox_next);
    buf_put_varint(buf, state->body_next);
    op_put_signed(buf, state->changed_at.us);
    buf_put_varint(buf, state->garbage);
    buf_put_varint(buf, state->damaged ? 1 : 0);
}

static void decode_base_state(struct reader *reader, const struct op_walk *walk, struct op *op)
{
    struct op_base_state *state = &op->as.base_state;

    read_account(reader, &state->account);
    state->position = reader_varint_max(reader, INT64_MAX);
    state->change.value = reader_varint_max(reader, MODSEQ_MAX);
    state->floor.value = reader_varint_max(reader, MODSEQ_MAX);
    state->uidvalidity_last = read_u32(reader);
    state->mailbox_next = op_read_id32(reader);
    state->body_next = op_read_id64(reader);
    state->changed_at.us = reader_left(reader) == 0 ? 0 : op_read_signed(reader);
    state->garbage = reader_left(reader) == 0 ? 0 : reader_varint_max(reader, INT64_MAX);
    state->damaged = reader_left(reader) != 0 && (reader_varint(reader) & 1) != 0;
}

static void encode_base_mailbox(struct buf *buf, const struct op *op)
{
    const struct op_base_mailbox *mailbox = &op->as.base_mailbox;

    assert(mailbox->name.len <= OP_NAME_BYTES_MAX);
    buf_put_varint(buf, mailbox->id.value);
    buf_put_varint(buf, mailbox->uidvalidity);
    buf_put_varint(buf, mailbox->uidnext);
    buf_put_varint(buf, mailbox->uses);
    buf_put_varint(buf, mailbox->recent_floor);
    buf_put_varint(buf, mailbox->highest.value);
    buf_put_varint(buf, mailbox->vanished_since.value);
    buf_put_bytes(buf, mailbox->name);
    op_put_names(buf, &mailbox->keywords);
}

static void decode_base_mailbox(struct reader *reader, const struct op_walk *walk, struct op *op)
{
    struct op_base_mailbox *mailbox = &op->as.base_mailbox;

    mailbox->id.value = op_read_id32(reader);
    mailbox->uidvalidity = op_read_id32(reader);
    mailbox->uidnext = op_read_id32(reader);
    mailbox->uses = read_u32(reader);
    mailbox->recent_floor = op_read_id32(reader);
    mailbox->highest.value = reader_varint_max(reader, MODSEQ_MAX);
    mailbox->vanished_since.value = reader_varint_max(reader, MODSEQ_MAX);
    mailbox->name = read_text(reader, OP_NAME_BYTES_MAX);
    op_read_names(reader, KEYWORDS_PER_MAILBOX_MAX, &mailbox->keywords);
}

static void encode_base_rows(struct buf *buf, const struct op *op)
{
    op_put_rows(buf, &op->as.base_rows);
}

static void decode_base_rows(struct reader *reader, const struct op_walk *walk, struct op *op)
{
    op_read_rows(reader, &op->as.base_rows);
}

static void encode_base_vanished(struct buf *buf, const struct op *op)
{
    buf_put_varint(buf, op->as.base_vanished.mailbox.value);
    buf_put_varint(buf, op->as.base_vanished.modseq.value);
    op_put_uids(buf, &op->as.base_vanished.uids);
}

static void decode_base_vanished(struct reader *reader, const struct op_walk *walk, struct op *op)
{
    op->as.base_vanished.mailbox.value = op_read_id32(reader);
    op->as.base_vanished.modseq.value = reader_varint_max(reader, MODSEQ_MAX);
    op_read_uids(reader, walk->checked, &op->as.base_vanished.uids);
}

static void encode_base_body(struct buf *buf, const struct op *op)
{
    const struct op_base_body *body = &op->as.base_body;

    assert(body->size <= RECORD_BODY_BYTES_MAX);
    buf_put_varint(buf, body->body.value);
    op_put_place(buf, body->place);
    buf_put_varint(buf, body->size);
}

static void decode_base_body(struct reader *reader, const struct op_walk *walk, struct op *op)
{
    op->as.base_body.body.value = op_read_id64(reader);
    op->as.base_body.place = op_read_place(reader);
    op->as.base_body.size = reader_varint_max(reader, RECORD_BODY_BYTES_MAX);
}

static void encode_base_drop(struct buf *buf, const struct op *op)
{
    assert(op->as.base_drop.segments.count <= OP_DROP_SEGMENTS_MAX);
    op_put_signed(buf, op->as.base_drop.when.us);
    op_put_numbers(buf, &op->as.base_drop.segments);
}

static void decode_base_drop(struct reader *reader, const struct op_walk *walk, struct op *op)
{
    op->as.base_drop.when.us = op_read_signed(reader);
    op_read_numbers(reader, OP_DROP_SEGMENTS_MAX, &op->as.base_drop.segments);
}

static void encode_base_end(struct buf *buf, const struct op *op)
{
    buf_put_varint(buf, op->as.base_end);
}

static void decode_base_end(struct reader *reader, const struct op_walk *walk, struct op *op)
{
    op->as.base_end = op_read_id64(reader);
}

static const struct op_kind {
    enum op_code code;
    void (*encode)(struct buf *buf, const struct op *op);
    void (*decode)(struct reader *reader, const struct op_walk *walk, struct op *op);
} op_kinds[] = {
    { OP_ACCOUNT, encode_account, decode_account },
    { OP_MAILBOX_CREATE, encode_mailbox_create, decode_mailbox_create },
    { OP_MAILBOX_RENAME, encode_mailbox_rename, decode_mailbox_rename },
    { OP_MAILBOX_DELETE, encode_mailbox_delete, decode_mailbox_delete },
    { OP_MAILBOX_USES, encode_mailbox_uses, decode_mailbox_uses },
    { OP_PUT, encode_put, decode_put },
    { OP_FLAGS, encode_flags, decode_flags },
    { OP_COPY, encode_copy, decode_copy },
    { OP_MOVE, encode_copy, decode_copy },
    { OP_EXPUNGE, encode_expunge, decode_expunge },
    { OP_RECENT, encode_recent, decode_recent },
    { OP_THREAD, encode_thread, decode_thread },
    { OP_SUBSCRIBE, encode_subscribe, decode_subscribe },
    { OP_METADATA, encode_metadata, decode_metadata },
    { OP_ACL, encode_acl, decode_acl },
    { OP_QUOTA, encode_quota, decode_quota },
    { OP_OWNER, encode_owner, decode_owner },
    { OP_EPOCH, encode_epoch, decode_epoch },
    { OP_BODY_PLACE, encode_body_place, decode_body_place },
    { OP_BASE_STATE, encode_base_state, decode_base_state },
    { OP_BASE_MAILBOX, encode_base_mailbox, decode_base_mailbox },
    { OP_BASE_ROWS, encode_base_rows, decode_base_rows },
    { OP_BASE_VANISHED, encode_base_vanished, decode_base_vanished },
    { OP_BASE_BODY, encode_base_body, decode_base_body },
    { OP_BASE_DROP, encode_base_drop, decode_base_drop },
    { OP_BASE_END, encode_base_end, decode_base_end },
};

static const struct op_kind *op_kind(unsigned code)
{
    for (size_t i = 0; i < ARRAY_COUNT(op_kinds); i++) {
        if ((unsigned)op_kinds[i].code == code)
            return &op_kinds[i];
    }
    return NULL;
}

void op_encode(struct buf *buf, const struct op *op)
{
    const struct op_kind *kind = op_kind(op->code);
    size_t before = buf->len;

    assert(kind != NULL);
    buf_put_u8(buf, (uint8_t)op->code);
    buf_put_u32(buf, 0);
    kind->encode(buf, op);
    if (!buf->overflowed)
        num_store_u32(buf->at + buf->start + before + 1,
                      (uint32_t)(buf->len - before - OP_HEAD_BYTES));
}

/* What follows the fields that are known here was added by a later version that let us ignore it.
 */
bool op_next(struct op_walk *walk, struct op *out_op)
{
    while (!walk->failed && walk->at < walk->ops.len) {
        struct reader head = reader_make(bytes_from(walk->ops, walk->at));
        uint8_t code = reader_u8(&head);
        struct bytes body = reader_take(&head, reader_u32(&head));
        struct reader reader = reader_make(body);
        const struct op_kind *kind = op_kind(code);

        walk->at += head.offset;
        walk->failed = head.failed || (kind == NULL && code < OP_IGNORABLE);
        if (walk->failed || kind == NULL)
            continue;
        out_op->code = kind->code;
        kind->decode(&reader, walk, out_op);
        walk->failed = reader.failed;
        return !walk->failed;
    }
    return false;
}

bool op_check(struct bytes ops, struct place change)
{
    struct op_walk walk = { .ops = ops, .change = change };
    struct op op;

    while (op_next(&walk, &op))
        continue;
    return !walk.failed;
}
