/* Removal of what a base supersedes, when the linger is over and nobody holds it. */
#include "store/account_compact_state.h"
#include "store/log_base.h"
#include "store/log_body.h"
#include "store/segment.h"
#include "sys/vfs.h"

enum { DROP_SEGMENTS = 64 }; /* removed in one job */

static enum err read_base(const struct compaction *own, struct segment *out_base)
{
    char path[SEGMENT_PATH_BYTES];
    struct vfs_file *file;
    enum err err;

    segment_path(own->number, path);
    err = own->vfs->open(own->vfs, path, VFS_OPEN_READ, &file);
    if (err != ERR_OK)
        return err;
    err = segment_header_read(file, own->number, 0, out_base);
    vfs_close(file);
    return err;
}

/* A list comes from the disk: whatever it says, nothing goes that the base does not supersede. */
static bool is_superseded(uint64_t segment, const struct segment *base)
{
    switch (segment_kind(segment)) {
    case SEGMENT_LOG: return segment <= base->base;
    case SEGMENT_BASE: return segment < base->number;
    case SEGMENT_BODY: return true;
    }
    return false;
}

static void run_drop(struct job *job)
{
    struct compaction *own = CONTAINER_OF(job, struct compaction, job);
    struct segment base;

    own->err = read_base(own, &base);
    for (size_t i = own->dropped; own->err == ERR_OK && i < own->drop_end; i++) {
        char path[SEGMENT_PATH_BYTES];
        enum err err;

        if (!is_superseded(own->drop_segments[i], &base))
            continue;
        segment_path(own->drop_segments[i], path);
        err = own->vfs->unlink(own->vfs, path);
        if (err != ERR_OK && err != ERR_NOT_FOUND)
            own->err = err;
    }
    if (!own->finished || own->err != ERR_OK)
        return;
    summary_file_remove(own->vfs); /* what a purge set aside */
    own->err = own->vfs->sync_dir(own->vfs, "log");
}

/* When it is due, in ms; 0: now. */
int64_t compaction_drop_wait_ms(struct account *account)
{
    struct compaction *own = account->compaction;
    const struct drops *drops = &account->state.drops;
    int64_t check_ms = (int64_t)own->policy.check_ms;
    int64_t left_ms;

    if (account->checkpoint_due || checkpoint_is_running(account->checkpoint))
        return COMPACTION_SOON_MS;
    if (compaction_has_holds(account)) {
        own->waits_since.us = 0;
        return check_ms;
    }
    left_ms = (drops->when.us - account->wall.us) / 1000 + (int64_t)own->policy.linger_ms;
    if (left_ms > 0 && !own->purge.wanted) {
        own->waits_since.us = 0;
        return left_ms < check_ms ? left_ms : check_ms;
    }
    if (own->pauses > 0)
        return compaction_wait(account, (struct mono){ 0 }).ms;
    own->waits_since.us = 0;
    return 0;
}

static void submit_drop(struct account *account)
{
    struct compaction *own = account->compaction;
    const struct drops *drops = &account->state.drops;
    size_t left = drops->count - own->dropped;

    own->drop_end = own->dropped + (left < DROP_SEGMENTS ? left : DROP_SEGMENTS);
    own->finished = own->drop_end == drops->count;
    own->drop_segments = drops->segments;
    own->number = log_base(account->log);
    compaction_went_on(own);
    for (size_t i = own->dropped; i < own->drop_end; i++)
        log_forget(account->log, drops->segments[i]);
    compaction_submit(account, run_drop);
}

void compaction_drop_begin(struct account *account)
{
    account->compaction->dropped = 0;
    account->compaction->state = COMPACTION_DROPPING;
    submit_drop(account);
}

/* The base still lists what could not go, or may come back after a power cut. */
static void fail_dropping(struct compaction *own, struct mono now)
{
    own->state = COMPACTION_REST;
    own->drop_again.ms = now.ms + (int64_t)own->policy.check_ms;
    note_set(&own->why, "cannot remove segments: %s", err_text(own->err));
    compaction_end_purge(own, own->err);
}

void compaction_drop_tick(struct account *account, struct mono now)
{
    struct compaction *own = account->compaction;

    if (own->err != ERR_OK) {
        fail_dropping(own, now);
        return;
    }
    own->dropped = own->drop_end;
    if (own->dropped < account->state.drops.count) {
        submit_drop(account);
        return;
    }
    state_forget_drops(&account->state);
    own->state = COMPACTION_REST;
}
