/* A simple idea of what an account should hold, and random acts done to both.
 *
 * The shadow knows nothing of logs, blocks or replay: names, and rows in arrays. Every act is done
 * to the account and to the shadow; shadow_check compares all that sessions can see. */
#ifndef ROOST_TEST_KIT_SHADOW_H
#define ROOST_TEST_KIT_SHADOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "kit/desk.h"
#include "kit/random.h"

enum {
    SHADOW_MAILBOXES_MAX = 24,
    SHADOW_ROWS_MAX = 3000,
    SHADOW_KEYWORDS = 5,
    SHADOW_NAME_BYTES = 64,
};

struct shadow_row {
    uint32_t uid;
    uint16_t flags;
    uint16_t keywords; /* bit i: shadow_keyword(i) */
    uint32_t text; /* seed of the body */
};

struct shadow_mailbox {
    char name[SHADOW_NAME_BYTES]; /* empty: free */
    uint32_t uidnext;
    uint32_t recent_floor;
    uint32_t count;
    struct shadow_row rows[SHADOW_ROWS_MAX];
};

struct shadow {
    struct test_random random;
    struct shadow_mailbox mailboxes[SHADOW_MAILBOXES_MAX];
    uint32_t texts; /* the next seed */
    bool with_large; /* bodies above BODY_INLINE_BYTES_MAX, now and then */
};

/* As a new account is. */
void shadow_init(struct shadow *shadow, uint64_t seed);

/* One random act on both. */
void shadow_act(struct shadow *shadow, struct desk *desk);

/* Asserts that the account is what the shadow says. */
void shadow_check(const struct shadow *shadow, struct desk *desk);

/* All that the account answers, as text, bodies and summaries included; counts are recounted on the
 * way. Without MODSEQs when `modseqs` is false. */
void shadow_describe(struct desk *desk, bool modseqs, struct buf *out);

#endif
