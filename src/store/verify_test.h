/* What the tests of verification share: an account with bodies of every kind. */
#ifndef ROOST_STORE_VERIFY_TEST_H
#define ROOST_STORE_VERIFY_TEST_H

#include <stdio.h>
#include <stdlib.h>

#include "kit/desk.h"
#include "kit/log_bench.h"
#include "kit/random.h"
#include "kit/verify_model.h"
#include "store/record.h"
#include "store/segment.h"
#include "store/verify.h"

enum {
    BASE = 0x42, /* the one that counts, where there is one */
    SMALL = 40,
    ALL = 42, /* messages */
    LARGE_BYTES = 300 * 1000,
    PIECE_BYTES = 10000,
};

static const char log_1[] = "log/0000000000000004.log";

/* All of it, in small pieces. */
static inline struct verify *verify_all(struct vfs *vfs, uint64_t durable)
{
    struct verify *verify =
        verify_new(vfs, (struct verify_extent){ .durable = durable, .base = BASE });
    struct verify_counts counts;

    while (!verify_is_done(verify))
        assert_int_equal(verify_read(verify, PIECE_BYTES, NULL), ERR_OK);
    counts = verify_counts(verify);
    assert_int_equal(counts.bytes, counts.bytes_total);
    return verify;
}

/* An account with small bodies in its log, each flagged by a change of its own, and two in segments
 * of their own. Open. */
static inline void fill_account(struct desk *desk, struct vfs *vfs)
{
    static uint8_t large[LARGE_BYTES];
    struct mailbox *inbox;

    memset(large, 'x', sizeof(large));
    desk_init(desk, vfs);
    assert_int_equal(desk_open(desk), ERR_OK);
    inbox = desk_mailbox(desk, "INBOX");
    for (uint32_t i = 1; i <= SMALL; i++) {
        struct desk_store seen = { .uids = { 1, i }, .mode = FLAGS_ADD, .flags = FLAG_SEEN };

        assert_int_equal(desk_append(desk, inbox, bytes_make(large, i * 37), 0, NULL), ERR_OK);
        assert_int_equal(desk_flags(desk, inbox, seen, NULL), ERR_OK);
    }
    assert_int_equal(desk_append(desk, inbox, bytes_make(large, sizeof(large)), 0, NULL), ERR_OK);
    assert_int_equal(desk_append(desk, inbox, bytes_make(large, 70000), 0, NULL), ERR_OK);
    desk_sync(desk);
}

static inline struct bytes copy_of(struct bytes bytes)
{
    uint8_t *copy = malloc(bytes.len);

    assert_non_null(copy);
    memcpy(copy, bytes.at, bytes.len);
    return bytes_make(copy, bytes.len);
}

static inline struct test_random seed(void)
{
    const char *given = getenv("ROOST_TEST_SEED");
    struct test_random random = { given != NULL ? strtoull(given, NULL, 0) : 20261128 };

    (void)printf("ROOST_TEST_SEED=%llu\n", (unsigned long long)random.state);
    return random;
}

#endif
