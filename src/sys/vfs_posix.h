/* The real disk behind sys/vfs.h: everything is opened relative to one directory descriptor, so it
 * works inside Landlock and below parents that the process may not read. Directories are made 0700
 * and files 0600. Locks are OFD locks: they belong to the open file, not to the process. */
#ifndef ROOST_SYS_VFS_POSIX_H
#define ROOST_SYS_VFS_POSIX_H

#include "base/attributes.h"
#include "sys/vfs.h"

/* Takes `dir_fd`, an open directory. */
struct vfs *vfs_posix_new(int dir_fd);

/* The directory `path` below `vfs`, as a vfs of its own. */
MUST_USE enum err vfs_posix_below(struct vfs *vfs, const char *path, struct vfs **out_vfs);

/* All files must be closed. NULL is allowed. */
void vfs_posix_free(struct vfs *vfs);

#endif
