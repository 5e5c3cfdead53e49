/* Bodies that a copy lacks, and the messages that go with them. */
#include "store/account_copy.h"

#include <stdlib.h>

#include "base/arena.h"
#include "store/account_state.h"
#include "store/alloc.h"
#include "store/change.h"
#include "store/segment.h"
#include "store/uid_set.h"
#include "sys/vfs.h"

enum { ARENA_BYTES_MAX = 16 * 1024 * 1024 };

struct absent {
    struct vfs *vfs;
    uint64_t log_last; /* number of the last log segment */
    uint64_t *bodies; /* ascending */
    size_t count;
    size_t capacity;
};

static void see_name(void *context, struct bytes name)
{
    struct absent *absent = context;
    uint64_t number;

    if (segment_name_parse(name, &number) && segment_kind(number) == SEGMENT_LOG &&
        number > absent->log_last)
        absent->log_last = number;
}

/* Only a segment that is younger than the last one of the log may have been made after log/ was
 * listed; only one that was being written is shorter than a change says. */
static enum err look(const struct absent *absent, struct place place, bool *out_is_absent)
{
    char path[SEGMENT_PATH_BYTES];
    struct vfs_file *file;
    uint64_t size;
    enum err err;

    segment_path(place.segment, path);
    err = absent->vfs->open(absent->vfs, path, VFS_OPEN_READ, &file);
    if (err == ERR_NOT_FOUND) {
        *out_is_absent = place.segment > absent->log_last;
        return ERR_OK;
    }
    if (err != ERR_OK)
        return err;
    err = file->calls->size(file, &size);
    vfs_close(file);
    *out_is_absent =
        err == ERR_OK && (size < RECORD_HEADER_BYTES || size - RECORD_HEADER_BYTES < place.offset);
    return err;
}

static enum err find(struct absent *absent, const struct body_table *table)
{
    enum err err = absent->vfs->list(absent->vfs, "log", see_name, absent);
    struct body_entry entry = { .id = { 0 } };

    while (err == ERR_OK && body_table_next(table, entry.id, &entry)) {
        bool is_absent = false;

        if (entry.messages == 0 || segment_kind(entry.place.segment) == SEGMENT_LOG)
            continue;
        err = look(absent, entry.place, &is_absent);
        if (!is_absent)
            continue;
        absent->bodies =
            store_grow(absent->bodies, absent->count, &absent->capacity, sizeof(*absent->bodies));
        absent->bodies[absent->count++] = entry.id.value;
    }
    return err;
}

static int by_value(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

static bool is_absent(const struct absent *absent, struct body_id body)
{
    return bsearch(&body.value, absent->bodies, absent->count, sizeof(*absent->bodies), by_value) !=
           NULL;
}

static enum err leave_out(const struct absent *absent, const struct mailbox *mailbox,
                          struct change *change, uint64_t *count)
{
    const struct uid_range everything = { 1, UINT32_MAX };
    struct rows_walk walk = rows_walk_make(&mailbox->rows, (struct uid_set){ &everything, 1 });
    struct op op = { .code = OP_EXPUNGE, .as.expunge.mailbox = mailbox->id };
    struct arena arena = arena_make(ARENA_BYTES_MAX);
    struct uid_set_builder builder = uid_set_builder_make(&arena);
    struct row row;
    enum err err = ERR_OK;

    while (rows_walk_next(&walk, &row)) {
        if (!is_absent(absent, row.body))
            continue;
        uid_set_add(&builder, row.uid.value, row.uid.value);
        ++*count;
    }
    if (!uid_set_finish(&builder, &op.as.expunge.uids.set))
        err = ERR_LIMIT;
    else if (op.as.expunge.uids.set.count > 0)
        change_add(change, &op);
    arena_done(&arena);
    return err;
}

enum err account_copy_leave_out(struct account *account, struct change *change, uint64_t *out_count)
{
    struct absent absent = { .vfs = account->vfs };
    const struct state *state = &account->state;
    uint64_t count = 0;
    enum err err = find(&absent, &state->bodies);

    for (size_t i = 0; err == ERR_OK && absent.count > 0 && i < state->mailbox_count; i++)
        err = leave_out(&absent, state->by_id[i], change, &count);
    free(absent.bodies);
    if (err == ERR_OK)
        *out_count = count;
    return err;
}
