/* Held output, in two runs. */
#include "daemon/mail/held.h"

#include <assert.h>

void held_done(struct held *held)
{
    buf_done(&held->bytes);
    held->first_len = 0;
}

bool held_add(struct held *held, struct bytes bytes, uint64_t gate)
{
    bool one_run = held->first_len == held->bytes.len;

    if (bytes.len == 0)
        return true;
    buf_add(&held->bytes, bytes);
    if (held->bytes.overflowed)
        return false;
    if (held->first_len == 0 || (one_run && held->first_gate == gate)) {
        held->first_len += bytes.len;
        held->first_gate = gate;
    } else {
        held->later_gate = gate;
    }
    return true;
}

struct bytes held_ready(struct held *held, uint64_t durable)
{
    if (held->first_len > 0 && held->first_gate <= durable && held->first_len < held->bytes.len &&
        held->later_gate <= durable)
        held->first_len = held->bytes.len;
    if (held->first_len == 0 || held->first_gate > durable)
        return bytes_make(NULL, 0);
    return bytes_slice(buf_bytes(&held->bytes), 0, held->first_len);
}

void held_consume(struct held *held, size_t count)
{
    assert(count <= held->first_len);
    buf_consume(&held->bytes, count);
    buf_trim(&held->bytes);
    held->first_len -= count;
    if (held->first_len > 0)
        return;
    held->first_len = held->bytes.len;
    held->first_gate = held->later_gate;
}
