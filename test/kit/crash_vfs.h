/* A disk that loses power: it writes down everything that is done to it, and builds disks as they
 * could stand after a cut at any step. docs/reliability.md has the model in words.
 *
 * Every create, append, write, truncate, sync, rename, unlink, mkdir and sync_dir is one step. What
 * a disk may hold after a cut: of each file, every sector (512 or 4096 bytes) touched since its
 * last sync in any of the states that it went through, old, new or between; the size of any of
 * these states; in space that the file grew by, where no write came through, zeros, what stood
 * there before the file was cut, or sectors of other files; of each directory, any subset of the
 * names made, renamed and removed since its last sync_dir (a rename is atomic). After a sync that
 * failed the pages count as clean: what it did not write is lost, whatever later syncs say. */
#ifndef ROOST_TEST_KIT_CRASH_VFS_H
#define ROOST_TEST_KIT_CRASH_VFS_H

#include <stdbool.h>
#include <stdint.h>

#include "kit/crash_choice.h"
#include "sys/vfs.h"

struct crash_vfs;

/* Starts from what `disk` (kit/mem_vfs.h) holds, all of it durable; takes it and frees it. */
struct crash_vfs *crash_vfs_new(struct vfs *disk);
void crash_vfs_free(struct crash_vfs *crash);

/* The vfs to be used. */
struct vfs *crash_vfs_get(struct crash_vfs *crash);

/* The memory disk underneath: what the page cache holds. Borrowed. */
struct vfs *crash_vfs_cache(struct crash_vfs *crash);

/* Steps taken so far. */
unsigned crash_vfs_steps(const struct crash_vfs *crash);

/* Every step so far, a line for each, to standard output. */
void crash_vfs_print(const struct crash_vfs *crash);

/* A disk as it could stand when the power went after `steps` of them, another boot. The caller
 * frees it. */
struct vfs *crash_vfs_cut(const struct crash_vfs *crash, unsigned steps, uint64_t seed);

/* The same for many disks: goes along the steps, forward only. No step may be added while it
 * lives. */
struct crash_walk;
struct crash_walk *crash_walk_new(const struct crash_vfs *crash);
void crash_walk_free(struct crash_walk *walk);
void crash_walk_to(struct crash_walk *walk, unsigned steps);
/* `seed` starts the disk's own random. */
struct vfs *crash_walk_draw(struct crash_walk *walk, struct crash_choice *choice, uint64_t seed);

enum crash_fault {
    CRASH_FAIL_APPEND, /* or a write: writes `keep` bytes, then ERR_NO_SPACE */
    CRASH_FAIL_SYNC, /* ERR_IO */
    CRASH_FAIL_TRUNCATE, /* ERR_IO, nothing happens */
    CRASH_FAIL_CREATE, /* ERR_NO_SPACE */
    CRASH_FAIL_ANY, /* any step, a directory's among them: as above, or ERR_IO and nothing happens
                     */
    CRASH_FAIL_AGAIN, /* the same, counted from the first fault that struck */
    CRASH_KILL, /* at any step: the process is no more, every call answers ERR_IO from then on */
    CRASH_KILL_AFTER, /* the same, counted from the first fault that struck */
    CRASH_FAULT_COUNT,
};

/* The call of that kind after `skip` others fails, once. */
void crash_vfs_fail(struct crash_vfs *crash, enum crash_fault fault, unsigned skip, size_t keep);

/* Nothing is to fail any more; after a kill another process may begin. */
void crash_vfs_heal(struct crash_vfs *crash);

/* The kill has struck. */
bool crash_vfs_is_dead(const struct crash_vfs *crash);

/* Faults that have struck so far. */
unsigned crash_vfs_faults(const struct crash_vfs *crash);

/* While it is calm no fault strikes, nor is a call counted for one; what a process that is no more
 * has left can be read. */
void crash_vfs_calm(struct crash_vfs *crash, bool calm);

#endif
