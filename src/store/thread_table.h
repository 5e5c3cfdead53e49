/* Which thread a Message-ID belongs to (RFC 8474 section 5.2): decided when a message comes in, by
 * the newest THREAD_TABLE_MAX ids that were seen. The ids are kept as keyed hashes. */
#ifndef ROOST_STORE_THREAD_TABLE_H
#define ROOST_STORE_THREAD_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "store/types.h"

enum { THREAD_TABLE_MAX = 64 * 1024 };

struct thread_entry {
    uint64_t hash;
    struct thread_id thread;
};

struct thread_table {
    struct thread_entry *ring; /* in the order of adding; the oldest at `start` once it is full */
    size_t count;
    size_t capacity;
    size_t start;
    uint32_t *slots; /* hash table of ring places + 1; 0: free */
    size_t slot_count; /* a power of two, or 0 */
};

void thread_table_done(struct thread_table *table);

/* The hash of a Message-ID under the account's id, so that a stranger cannot aim at another's. */
uint64_t thread_hash(const struct account_id *account, struct bytes message_id);

/* False when that id is not known (any more). */
bool thread_table_find(const struct thread_table *table, uint64_t hash,
                       struct thread_id *out_thread);

/* The first thread that an id was given to stays. The oldest id is forgotten when it is full. */
void thread_table_add(struct thread_table *table, uint64_t hash, struct thread_id thread);

/* The n-th oldest; n below count. */
static inline struct thread_entry thread_table_at(const struct thread_table *table, size_t n)
{
    return table->ring[(table->start + n) % table->count];
}

#endif
