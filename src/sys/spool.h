/* A message on its way in: bytes appended, then frozen and passed to other processes by descriptor.
 *
 * Small ones live in a memfd that is sealed at the end; past `memory_bytes_max` they move to an
 * unnamed file (O_TMPFILE) in the spool directory. Nothing is left behind by a crash. */
#ifndef ROOST_SYS_SPOOL_H
#define ROOST_SYS_SPOOL_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/err.h"

/* The one way a spool opens anything; a sandbox rule for openat names it (sys/sandbox.h). */
enum { SPOOL_OPEN_FLAGS = O_TMPFILE | O_RDWR | O_CLOEXEC };

struct spool {
    int fd; /* -1 before the first byte */
    int dir_fd; /* borrowed; -1: memory only */
    bool in_file;
    uint64_t bytes;
    uint64_t memory_bytes_max;
    uint64_t bytes_max;
};

void spool_init(struct spool *spool, int dir_fd, uint64_t memory_bytes_max, uint64_t bytes_max);

/* ERR_LIMIT past bytes_max, ERR_NO_SPACE, ERR_IO. May block on the disk. */
MUST_USE enum err spool_append(struct spool *spool, struct bytes bytes);

/* Freezes it and gives the descriptor away (fd_check_spooled answers true for it). Readers use
 * fd_size and fd_read_at. The spool is empty and usable again. An empty one gives an empty memfd.
 */
MUST_USE enum err spool_finish(struct spool *spool, int *out_fd);

/* Another descriptor for the same bytes, for the next recipient. */
MUST_USE enum err spool_duplicate(int fd, int *out_fd);

/* Drops what is there. Harmless on one that was finished. */
void spool_done(struct spool *spool);

#endif
