/* A ring of entries and a hash table over it. */
#include "store/thread_table.h"

#include <assert.h>
#include <string.h>

#include "base/num.h"
#include "store/alloc.h"

void thread_table_done(struct thread_table *table)
{
    free(table->ring);
    free(table->slots);
    *table = (struct thread_table){ 0 };
}

static inline uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

/* SipHash-2-4 (Aumasson, Bernstein 2012). */
uint64_t thread_hash(const struct account_id *account, struct bytes message_id)
{
    uint64_t key0 = num_load_u64(account->raw);
    uint64_t key1 = num_load_u64(account->raw + 8);
    uint64_t v[4] = { key0 ^ UINT64_C(0x736f6d6570736575), key1 ^ UINT64_C(0x646f72616e646f6d),
                      key0 ^ UINT64_C(0x6c7967656e657261), key1 ^ UINT64_C(0x7465646279746573) };

    for (size_t at = 0;; at += 8) {
        size_t left = message_id.len - at;
        uint8_t word[8] = { 0 };
        uint64_t value;

        if (left < 8)
            word[7] = (uint8_t)message_id.len;
        if (left > 0)
            memcpy(word, message_id.at + at, left < 8 ? left : 8);
        value = num_load_u64(word);
        v[3] ^= value;
        sip_round(v);
        sip_round(v);
        v[0] ^= value;
        if (left < 8)
            break;
    }
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* The slot that holds the hash, or the free one where it would go. */
static size_t find_slot(const struct thread_table *table, uint64_t hash)
{
    size_t mask = table->slot_count - 1;
    size_t slot = (size_t)hash & mask;

    while (table->slots[slot] != 0 && table->ring[table->slots[slot] - 1].hash != hash)
        slot = (slot + 1) & mask;
    return slot;
}

bool thread_table_find(const struct thread_table *table, uint64_t hash,
                       struct thread_id *out_thread)
{
    size_t slot;

    if (table->count == 0)
        return false;
    slot = find_slot(table, hash);
    if (table->slots[slot] == 0)
        return false;
    *out_thread = table->ring[table->slots[slot] - 1].thread;
    return true;
}

static void grow_slots(struct thread_table *table)
{
    if ((table->count + 1) * 2 <= table->slot_count)
        return;
    free(table->slots);
    table->slot_count = table->slot_count == 0 ? 16 : table->slot_count * 2;
    table->slots = store_alloc(table->slot_count, sizeof(*table->slots));
    for (size_t i = 0; i < table->count; i++)
        table->slots[find_slot(table, table->ring[i].hash)] = (uint32_t)i + 1;
}

/* Frees the slot and moves back those that probed over it. */
static void close_hole(struct thread_table *table, size_t slot)
{
    size_t mask = table->slot_count - 1;

    for (size_t next = (slot + 1) & mask; table->slots[next] != 0; next = (next + 1) & mask) {
        size_t home = (size_t)table->ring[table->slots[next] - 1].hash & mask;

        if (((next - home) & mask) >= ((next - slot) & mask)) {
            table->slots[slot] = table->slots[next];
            slot = next;
        }
    }
    table->slots[slot] = 0;
}

void thread_table_add(struct thread_table *table, uint64_t hash, struct thread_id thread)
{
    struct thread_id known;
    size_t place;

    if (thread_table_find(table, hash, &known))
        return;
    if (table->count < THREAD_TABLE_MAX) {
        grow_slots(table);
        table->ring = store_grow(table->ring, table->count, &table->capacity, sizeof(*table->ring));
        place = table->count++;
    } else {
        place = table->start;
        close_hole(table, find_slot(table, table->ring[place].hash));
        table->start = (table->start + 1) % table->count;
    }
    table->ring[place] = (struct thread_entry){ hash, thread };
    table->slots[find_slot(table, hash)] = (uint32_t)place + 1;
}
