/* An account at work, moment by moment. */
#include "kit/moments.h"

#include <stdlib.h>

#include "kit/assert_bytes.h"

void moments_set_up(struct desk *desk, uint32_t linger_ms)
{
    desk->options.checkpoint_bytes = 3000;
    desk->options.log_segment_bytes = 20000;
    desk->options.log_ahead_bytes = 12000;
    desk->options.log_ahead_syncs = 1;
    desk->options.compact = (struct compact_policy){
        .enabled = true,
        .keep_us = INT64_C(20) * 1000000,
        .linger_ms = linger_ms,
        .garbage_bytes_min = 1,
        .check_ms = 100,
    };
}

void moments_act(struct shadow *shadow, struct desk *desk, struct test_random *random)
{
    shadow_act(shadow, desk);
    if (test_random_below(random, 3) == 0)
        desk_sync(desk);
    for (uint64_t i = test_random_below(random, 12); i > 0; i--) {
        (void)desk_tick(desk);
        desk_settle(desk);
    }
}

void moments_note(struct moment *moment, const struct desk *desk, const struct shadow *shadow)
{
    moment->change = account_change_number(desk->account).value;
    moment->shadow = malloc(sizeof(*moment->shadow));
    assert_non_null(moment->shadow);
    *moment->shadow = *shadow;
}

void moments_forget(struct moment *moments, unsigned *count)
{
    while (*count > 0)
        free(moments[--*count].shadow);
}
