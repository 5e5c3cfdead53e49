/* Encoding of checkpoints. */
#include "store/checkpoint_format.h"

#include <string.h>

#include "base/crc.h"
#include "base/num.h"
#include "store/state.h"
#include "store/state_encode.h"

enum { CHECKPOINT_VERSION = 3 };

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

void checkpoint_state_encode(struct buf *buf, const struct state *state, uint64_t position)
{
    state_head_encode(buf, state, position);
    for (size_t i = 0; i < state->mailbox_count; i++)
        state_mailbox_encode(buf, state->by_id[i]);
    for (size_t i = 0; i < state->subscription_count; i++)
        state_subscription_encode(buf, state, i);
    state_threads_encode(buf, state);
    state_drops_encode(buf, &state->drops);
}

void checkpoint_section_encode(struct buf *buf, const struct checkpoint_section *section)
{
    buf_put_u32(buf, section->mailbox.value);
    buf_put_u32(buf, section->count);
    buf_put_u64(buf, section->offset);
    buf_put_u32(buf, section->length);
    buf_put_u32(buf, section->crc);
}
