/* Encoding of checkpoints. */
#include "store/checkpoint_format.h"

#include <assert.h>
#include <string.h>

#include "base/crc.h"
#include "base/num.h"
#include "store/alloc.h"
#include "store/op.h"
#include "store/state.h"

enum { CHECKPOINT_VERSION = 2 };

void checkpoint_head_encode(const struct checkpoint_head *head, uint8_t raw[CHECKPOINT_HEAD_BYTES])
{
    memcpy(raw, "ROOSTCHK", 8);
    num_store_u32(raw + 8, CHECKPOINT_VERSION);
    num_store_u32(raw + 12, head->sections);
    num_store_u64(raw + 16, head->mark.position);
    num_store_u64(raw + 24, head->mark.segment);
    memcpy(raw + 32, head->mark.segment_id, 16);
    num_store_u64(raw + 48, head->generation);
    num_store_u64(raw + 56, head->length);
    num_store_u32(raw + 64, head->crc);
    num_store_u32(raw + 68, head->body_segments);
    num_store_u32(raw + 72, head->damaged ? 1 : 0);
    num_store_u64(raw + 76, head->mark.base);
    num_store_u32(raw + 84, crc32c(0, bytes_make(raw, 84)));
}

bool checkpoint_head_decode(const uint8_t raw[CHECKPOINT_HEAD_BYTES],
                            struct checkpoint_head *out_head)
{
    if (memcmp(raw, "ROOSTCHK", 8) != 0 || num_load_u32(raw + 8) != CHECKPOINT_VERSION ||
        num_load_u32(raw + 84) != crc32c(0, bytes_make(raw, 84)))
        return false;
    *out_head = (struct checkpoint_head){
        .mark = { .position = num_load_u64(raw + 16),
                  .segment = num_load_u64(raw + 24),
                  .base = num_load_u64(raw + 76) },
        .generation = num_load_u64(raw + 48),
        .length = num_load_u64(raw + 56),
        .sections = num_load_u32(raw + 12),
        .crc = num_load_u32(raw + 64),
        .body_segments = num_load_u32(raw + 68),
        .damaged = (num_load_u32(raw + 72) & 1) != 0,
    };
    memcpy(out_head->mark.segment_id, raw + 32, 16);
    return out_head->length <= CHECKPOINT_BYTES_MAX;
}

void checkpoint_rows_head_encode(const struct account_id *account, uint64_t generation,
                                 uint8_t raw[CHECKPOINT_ROWS_HEAD_BYTES])
{
    memcpy(raw, "ROOSTROW", 8);
    num_store_u64(raw + 8, generation);
    memcpy(raw + 16, account->raw, 16);
}

uint32_t checkpoint_section_crc(uint64_t generation, uint64_t offset, struct bytes bytes)
{
    uint8_t place[16];

    num_store_u64(place, generation);
    num_store_u64(place + 8, offset);
    return crc32c(crc32c(0, bytes_make(place, sizeof(place))), bytes);
}

static void encode_mailbox(struct buf *buf, const struct mailbox *mailbox)
{
    struct op op = { .code = OP_BASE_MAILBOX };

    op.as.base_mailbox = (struct op_base_mailbox){
        .id = mailbox->id,
        .uidvalidity = mailbox->uidvalidity,
        .uidnext = mailbox->uidnext,
        .uses = mailbox->uses,
        .recent_floor = mailbox->recent_floor,
        .highest = mailbox->highest,
        .vanished_since = { mailbox->vanished.complete_since },
        .name = mailbox_name_bytes(mailbox),
        .keywords = { .list = mailbox->keywords.names, .count = mailbox->keywords.count },
    };
    op_encode(buf, &op);
}

/* How many ranges from `first` on can stand in one set: one change, ascending, with gaps between.
 */
static size_t vanished_run(const struct vanished *vanished, size_t first)
{
    size_t end = first + 1;

    while (end < vanished->count &&
           vanished->ranges[end].modseq == vanished->ranges[first].modseq &&
           vanished->ranges[end].uids.first > vanished->ranges[end - 1].uids.last + UINT64_C(1))
        end++;
    return end - first;
}

static void encode_vanished(struct buf *buf, const struct mailbox *mailbox)
{
    const struct vanished *vanished = &mailbox->vanished;
    struct uid_range *ranges = store_alloc(vanished->count, sizeof(*ranges));

    for (size_t first = 0, run; first < vanished->count; first += run) {
        struct op op = { .code = OP_BASE_VANISHED };

        run = vanished_run(vanished, first);
        for (size_t i = 0; i < run; i++)
            ranges[i] = vanished->ranges[first + i].uids;
        op.as.base_vanished = (struct op_vanished){
            .mailbox = mailbox->id,
            .modseq = { vanished->ranges[first].modseq },
            .uids = { .set = { ranges, (uint32_t)run } },
        };
        op_encode(buf, &op);
    }
    free(ranges);
}

static void encode_threads(struct buf *buf, const struct thread_table *threads)
{
    struct op op = { .code = OP_THREAD };

    for (size_t i = 0; i < threads->count; i++) {
        struct thread_entry entry = thread_table_at(threads, i);
        struct op_thread *thread = &op.as.thread;

        if (thread->count == OP_THREAD_HASHES_MAX ||
            (thread->count > 0 && thread->thread.value != entry.thread.value)) {
            op_encode(buf, &op);
            thread->count = 0;
        }
        thread->thread = entry.thread;
        thread->hashes[thread->count++] = entry.hash;
    }
    if (op.as.thread.count > 0)
        op_encode(buf, &op);
}

static void encode_subscriptions(struct buf *buf, const struct state *state)
{
    for (size_t i = 0; i < state->subscription_count; i++) {
        struct op op = { .code = OP_SUBSCRIBE,
                         .as.setting = { .on = true, .name = state->subscriptions[i] } };

        op_encode(buf, &op);
    }
}

static void encode_drops(struct buf *buf, const struct drops *drops)
{
    for (size_t at = 0; at < drops->count; at += OP_DROP_SEGMENTS_MAX) {
        size_t left = drops->count - at;
        struct op op = { .code = OP_BASE_DROP };

        op.as.base_drop.when = drops->when;
        op.as.base_drop.segments = (struct op_numbers){
            .list = drops->segments + at,
            .count = (uint32_t)(left < OP_DROP_SEGMENTS_MAX ? left : OP_DROP_SEGMENTS_MAX),
        };
        op_encode(buf, &op);
    }
}

void checkpoint_state_encode(struct buf *buf, const struct state *state, uint64_t position)
{
    struct op op = { .code = OP_BASE_STATE };

    op.as.base_state = (struct op_base_state){
        .account = state->id,
        .position = position,
        .change = state->change,
        .floor = state->floor,
        .uidvalidity_last = state->uidvalidity_last,
        .mailbox_next = state->mailbox_next,
        .body_next = state->body_next,
    };
    op_encode(buf, &op);
    for (size_t i = 0; i < state->mailbox_count; i++) {
        encode_mailbox(buf, state->by_id[i]);
        encode_vanished(buf, state->by_id[i]);
    }
    encode_subscriptions(buf, state);
    encode_threads(buf, &state->threads);
    encode_drops(buf, &state->drops);
}

void checkpoint_rows_encode(struct buf *buf, const struct state *state,
                            const struct checkpoint_section *section)
{
    struct row *rows = store_alloc(section->count, sizeof(*rows));
    struct place *places = store_alloc(section->count, sizeof(*places));
    struct op op = { .code = OP_BASE_ROWS };

    for (uint32_t i = 0; i < section->count; i++) {
        const struct body_entry *body;

        block_row(section->block, i, &rows[i]);
        body = body_table_find(&state->bodies, rows[i].body);
        assert(body != NULL);
        places[i] = body->place;
    }
    op.as.base_rows = (struct op_rows){
        .mailbox = section->mailbox, .list = rows, .places = places, .count = section->count
    };
    op_encode(buf, &op);
    free(rows);
    free(places);
}

void checkpoint_section_encode(struct buf *buf, const struct checkpoint_section *section)
{
    buf_put_u32(buf, section->mailbox.value);
    buf_put_u32(buf, section->count);
    buf_put_u64(buf, section->offset);
    buf_put_u32(buf, section->length);
    buf_put_u32(buf, section->crc);
}
