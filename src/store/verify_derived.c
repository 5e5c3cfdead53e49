/* Whether what is derived holds: asked of the code that reads it. */
#include <stdlib.h>

#include "store/checkpoint.h"
#include "store/state.h"
#include "store/summary_file.h"
#include "store/verify.h"
#include "sys/vfs.h"

enum { TRIES = 3 }; /* the owner may be replacing the files */

static bool checkpoint_holds(struct vfs *vfs)
{
    struct log_mark mark = { 0 };
    struct state state;
    struct checkpoint *checkpoint;

    state_init(&state);
    checkpoint = checkpoint_load(vfs, &state, &mark);
    checkpoint_free(checkpoint);
    state_done(&state);
    return mark.segment != 0;
}

static bool has_file(struct vfs *vfs, const char *path)
{
    struct vfs_file *file;

    if (vfs->open(vfs, path, VFS_OPEN_READ, &file) != ERR_OK)
        return false;
    vfs_close(file);
    return true;
}

static void look_at_checkpoint(struct vfs *vfs, struct verify_derived *derived)
{
    derived->has_checkpoint = has_file(vfs, "checkpoint");
    for (int i = 0; i < TRIES && derived->has_checkpoint && !derived->checkpoint_holds; i++)
        derived->checkpoint_holds = checkpoint_holds(vfs);
}

void verify_look_at_derived(struct vfs *vfs, struct account_id id, struct verify_derived *derived)
{
    struct summary_check *summaries = &derived->summaries;

    if (summaries->at == 0 && derived->tries == 0)
        look_at_checkpoint(vfs, derived);
    summary_file_check(vfs, &id, summaries);
    if (!summaries->done)
        return;
    if (summaries->is_there && !summaries->holds && ++derived->tries < TRIES)
        *summaries = (struct summary_check){ .at = 0 };
    else
        derived->done = true;
}
