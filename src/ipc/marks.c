/* One word says whether a mark counts; it is set after the id and cleared first. */
#include "ipc/marks.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "ipc/route.h"

enum { MARK_FREE, MARK_TAKEN, MARK_SET };

struct mark {
    _Atomic uint32_t state;
    uint32_t unused;
    struct ipc_account_id id;
};

struct marks {
    struct mark at[MARKS_MAX];
};

static_assert(sizeof(struct mark) == 24 && sizeof(struct marks) <= MARKS_BYTES,
              "the marks fit in the memory that a shard is given");

static void set(struct mark *mark, const struct ipc_account_id *id)
{
    mark->id = *id;
    atomic_store_explicit(&mark->state, MARK_SET, memory_order_release);
}

void marks_enter_loop(struct marks *marks, const struct ipc_account_id *id)
{
    set(&marks->at[MARKS_LOOP], id);
}

unsigned marks_enter(struct marks *marks, const struct ipc_account_id *id)
{
    for (unsigned i = MARKS_LOOP + 1; i < MARKS_MAX; i++) {
        uint32_t free = MARK_FREE;

        if (!atomic_compare_exchange_strong_explicit(&marks->at[i].state, &free, MARK_TAKEN,
                                                     memory_order_acquire, memory_order_relaxed))
            continue;
        set(&marks->at[i], id);
        return i;
    }
    return MARKS_NONE;
}

void marks_leave(struct marks *marks, unsigned mark)
{
    assert(mark <= MARKS_NONE);
    if (mark != MARKS_NONE)
        atomic_store_explicit(&marks->at[mark].state, MARK_FREE, memory_order_release);
}

static bool is_known(const struct ipc_account_id *ids, size_t count,
                     const struct ipc_account_id *id)
{
    for (size_t i = 0; i < count; i++)
        if (ipc_id_equal(&ids[i], id))
            return true;
    return false;
}

size_t marks_read(const struct marks *marks, struct ipc_account_id out_ids[MARKS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < MARKS_MAX; i++) {
        const struct mark *mark = &marks->at[i];

        if (atomic_load_explicit(&mark->state, memory_order_acquire) == MARK_SET &&
            !is_known(out_ids, count, &mark->id))
            out_ids[count++] = mark->id;
    }
    return count;
}

void marks_clear(struct marks *marks)
{
    memset(marks, 0, sizeof(*marks));
}
