/* A disk in memory behind sys/vfs.h. Every write is durable at once; see crash_vfs.h for one that
 * is not.
 *
 * Paths are kept flat; directories exist when made. Locks belong to the open file. One thread. */
#ifndef ROOST_TEST_KIT_MEM_VFS_H
#define ROOST_TEST_KIT_MEM_VFS_H

#include <stdbool.h>
#include <stdint.h>

#include "sys/vfs.h"

/* An empty disk. `seed` starts vfs->random and the identity. Freed by mem_vfs_free, when all files
 * are closed. */
struct vfs *mem_vfs_new(uint64_t seed);
void mem_vfs_free(struct vfs *vfs); /* NULL is allowed */

/* An empty disk with the identity of another one. */
struct vfs *mem_vfs_new_like(struct vfs *vfs, uint64_t seed);

/* The same names and bytes, the same identity, another seed. Nothing open, nothing locked. */
struct vfs *mem_vfs_copy(struct vfs *vfs, uint64_t seed);

/* Of all names and bytes, whatever the order of their making. */
uint64_t mem_vfs_hash(struct vfs *vfs);

/* Bytes that files of several disks share; who writes to one gets its own. */
struct mem_blob *mem_blob_new(struct bytes bytes);
struct mem_blob *mem_blob_hold(struct mem_blob *blob);
void mem_blob_drop(struct mem_blob *blob); /* NULL is allowed */
struct bytes mem_blob_bytes(const struct mem_blob *blob);

/* Makes a file that is not there yet, unless its directory is missing. Holds the blob. */
void mem_vfs_add(struct vfs *vfs, const char *path, struct mem_blob *blob);

enum mem_identity { MEM_MACHINE = 0, MEM_BOOT = 16, MEM_DIRECTORY = 32 };
/* Becomes another machine, boot or directory. */
void mem_vfs_change_identity(struct vfs *vfs, enum mem_identity part);

/* Becomes the place with that identity: 40 bytes, as vfs->identity gives it. */
void mem_vfs_set_identity(struct vfs *vfs, const uint8_t *identity);

/* The bytes of a file, borrowed until it changes; {NULL, 0} when it is not there. */
struct bytes mem_vfs_file(struct vfs *vfs, const char *path);
/* Makes or replaces a file. */
void mem_vfs_put(struct vfs *vfs, const char *path, struct bytes bytes);
/* Flips bits of one byte. */
void mem_vfs_damage(struct vfs *vfs, const char *path, uint64_t offset, uint8_t bits);
void mem_vfs_remove(struct vfs *vfs, const char *path);

/* From now on a read with VFS_READ_NOWAIT of a file is ERR_BUSY until a blocking one has warmed it.
 */
void mem_vfs_chill(struct vfs *vfs);

/* What is left for more on its disk, as files tell; plenty before. Nothing is refused. */
void mem_vfs_set_room(struct vfs *vfs, uint64_t bytes);

/* Calls that read, so far. */
uint64_t mem_vfs_reads(struct vfs *vfs);

/* Of a file: how many bytes were ever appended that neither a sync nor VFS_HINT_WRITE had reached
 * yet, at most; and whether VFS_HINT_FORGET came for all of it. */
uint64_t mem_vfs_unwritten_most(struct vfs *vfs, const char *path);
bool mem_vfs_is_forgotten(struct vfs *vfs, const char *path);

/* Open handles: 0 when nothing was forgotten. */
unsigned mem_vfs_open_files(const struct vfs *vfs);

/* Walks all paths in the order of their making; NULL at the end. */
const char *mem_vfs_path(const struct vfs *vfs, unsigned index);

#endif
