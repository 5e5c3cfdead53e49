/* Records of any content, replayed one after the other: nothing in them may trip the state. */
#include <stddef.h>
#include <stdint.h>

#include "store/apply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes rest = bytes_make(data, size);
    struct state state;
    uint64_t number = 0;

    state_init(&state);
    while (rest.len > 3) {
        size_t len = (size_t)rest.at[1] | (size_t)rest.at[2] << 8;
        struct log_record record = { .type = rest.at[0] % 2 == 0 ? RECORD_CHANGE : RECORD_BASE,
                                     .place = { 1, 4096 },
                                     .number = { ++number },
                                     .payload = bytes_slice(rest, 3, len) };

        (void)apply_record(&state, &record);
        if (state.mailbox_count > 0)
            (void)state_snapshot(state.by_id[0]);
        rest = bytes_from(rest, 3 + len);
    }
    state_done(&state);
    return 0;
}
