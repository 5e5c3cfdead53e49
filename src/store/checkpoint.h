/* Checkpoints: the state at one durable position of the log, so that opening replays only what came
 * after it (docs/format.md, "Checkpoint"). Derived: damaged, missing or foreign, it is ignored.
 *
 * Two files. `checkpoint` is small, replaced as a whole, and says which sections of the rows file
 * count; the rows file has one section for each block of rows and for each page of bodies. Those
 * that have not changed since the last checkpoint keep their sections. Made in steps: what is
 * written is as it was at the beginning, whatever happens meanwhile, because blocks and pages are
 * held. */
#ifndef ROOST_STORE_CHECKPOINT_H
#define ROOST_STORE_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "store/log.h"
#include "store/types.h"

struct checkpoint;
struct state;
struct vfs;

/* Reads the checkpoint into `state`, which is empty, and answers where replay goes on. Blocks.
 * Without a checkpoint that is whole, state and mark are left empty; an object for the next one is
 * made all the same. */
struct checkpoint *checkpoint_load(struct vfs *vfs, struct state *state, struct log_mark *out_mark);

/* NULL is allowed. Not while checkpoint_write is running. */
void checkpoint_free(struct checkpoint *checkpoint);

/* What was loaded is not to be built upon: the next one is written from scratch. */
void checkpoint_forget(struct checkpoint *checkpoint);

/* The change number of the last one that is complete; 0: none. */
struct modseq checkpoint_change(const struct checkpoint *checkpoint);

/* Between checkpoint_begin and checkpoint_end. */
bool checkpoint_is_running(const struct checkpoint *checkpoint);

/* Holds on to the state as it is now, which is the state at `mark`. */
void checkpoint_begin(struct checkpoint *checkpoint, const struct state *state,
                      const struct log_mark *mark);

/* Writes a few sections, some milliseconds of work; true when all are written. */
MUST_USE bool checkpoint_step(struct checkpoint *checkpoint);

/* Syncs and puts the new checkpoint in the place of the old. Blocks: on any thread, nothing else
 * being called meanwhile. */
void checkpoint_write(struct checkpoint *checkpoint);

/* After checkpoint_write, on the owner's thread. */
void checkpoint_end(struct checkpoint *checkpoint);

#endif
