/* Small whole files, for configuration and certificates. The store uses sys/vfs.h instead. */
#ifndef ROOST_SYS_FILES_H
#define ROOST_SYS_FILES_H

#include <stdint.h>
#include <sys/types.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

/* Appends all of the file to `out`, whose `max` bounds it (ERR_LIMIT). Regular files only. */
MUST_USE enum err file_read(const char *path, struct buf *out, struct note *why);

/* Writes a new file with `mode` beside `path`, syncs it, renames it over `path`, syncs the
 * directory. */
MUST_USE enum err file_write(const char *path, struct bytes bytes, mode_t mode, struct note *why);

/* Gives it those permission bits, whatever the umask. */
MUST_USE enum err file_set_mode(const char *path, mode_t mode, struct note *why);

/* Removes the name, if it is there. */
void file_remove(const char *path);

/* Removes the files in that directory whose names begin with `prefix` and that were last written
 * more than `age_seconds` ago. What cannot be removed, or listed, stays. */
void files_remove_old(const char *directory, const char *prefix, int64_t age_seconds);

/* Makes the directory and its missing parents with `mode`, whatever the umask; an existing one is
 * ERR_OK. */
MUST_USE enum err file_make_directory(const char *path, mode_t mode, struct note *why);

/* O_DIRECTORY | O_CLOEXEC, to be passed to a role. */
MUST_USE enum err file_open_directory(const char *path, int *out_fd, struct note *why);

#endif
