/* The shared tally. */
#include "crash/tally.h"

#include <assert.h>
#include <stddef.h>
#include <sys/mman.h>

static unsigned this_worker;

struct tally *tally_new(void)
{
    void *at =
        mmap(NULL, sizeof(struct tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert(at != MAP_FAILED);
    return at;
}

void tally_be(unsigned worker)
{
    assert(worker < TALLY_WORKERS_MAX);
    this_worker = worker;
}

struct tally_place *tally_mine(struct tally *tally)
{
    return &tally->places[this_worker];
}

/* Open addressing; 0 marks a free slot. */
bool tally_add(struct tally *tally, uint64_t hash)
{
    hash += hash == 0;
    for (uint64_t i = hash;; i++) {
        _Atomic uint64_t *slot = &tally->slots[i % TALLY_SLOTS];
        uint64_t found = 0;

        if (atomic_compare_exchange_strong(slot, &found, hash)) {
            assert(atomic_fetch_add(&tally->different, 1) < TALLY_SLOTS / 2);
            return true;
        }
        if (found == hash)
            return false;
    }
}
