/* Output that waits for the log (commit gating, promise 1): bytes in order, each free to leave once
 * the account's log is durable up to a place that was taken when the byte was made. Pure.
 *
 * Two runs are enough: those that wait for one place, and those made since. When the first run may
 * leave, the second becomes the first, with the place that its last byte needs: output of a busy
 * account waits for two syncs at most. */
#ifndef ROOST_DAEMON_MAIL_HELD_H
#define ROOST_DAEMON_MAIL_HELD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"

struct held {
    struct buf bytes;
    size_t first_len; /* bytes of the first run; 0 only when nothing is held */
    uint64_t first_gate;
    uint64_t later_gate; /* of the second run */
};

static inline struct held held_make(size_t bytes_max)
{
    return (struct held){ .bytes = buf_make(bytes_max) };
}

void held_done(struct held *held);

static inline size_t held_len(const struct held *held)
{
    return held->bytes.len;
}

/* Adds bytes that may leave once the log is durable up to `gate`. False when the maximum is passed:
 * nothing was added. */
MUST_USE bool held_add(struct held *held, struct bytes bytes, uint64_t gate);

/* The bytes that may leave now; drop them with held_consume. */
struct bytes held_ready(struct held *held, uint64_t durable);
void held_consume(struct held *held, size_t count);

#endif
