/* A message on its way in: bytes appended, then frozen and passed to other processes by descriptor.
 *
 * The smallest are held in this process's own memory: whoever can pass them on as bytes needs no
 * descriptor at all. Larger ones live in a memfd that is sealed at the end, the largest move to an
 * unnamed file (O_TMPFILE) in the spool directory. Nothing is left behind by a crash. */
#ifndef ROOST_SYS_SPOOL_H
#define ROOST_SYS_SPOOL_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

/* The one way a spool opens anything; a sandbox rule for openat names it (sys/sandbox.h). */
enum { SPOOL_OPEN_FLAGS = O_TMPFILE | O_RDWR | O_CLOEXEC };

/* In bytes: up to which a message is held, is in a memfd, is taken at all. */
struct spool_limits {
    size_t held_max;
    uint64_t memory_max;
    uint64_t bytes_max;
};

struct spool {
    int fd; /* -1 while all is held */
    int dir_fd; /* borrowed; -1: memory only */
    bool in_file;
    uint64_t bytes;
    struct buf held;
    struct spool_limits limits;
};

void spool_init(struct spool *spool, int dir_fd, struct spool_limits limits);

/* ERR_LIMIT past bytes_max, ERR_NO_SPACE, ERR_IO. May block on the disk. */
MUST_USE enum err spool_append(struct spool *spool, struct bytes bytes);

/* Freezes it and gives the descriptor away (fd_check_spooled answers true for it). Readers use
 * fd_size and fd_read_at. The spool is empty and usable again. An empty one gives an empty memfd.
 */
MUST_USE enum err spool_finish(struct spool *spool, int *out_fd);

/* True when all there is, which may be nothing, is held; then spool_held answers it. It is valid
 * until the next call. */
static inline bool spool_is_held(const struct spool *spool)
{
    return spool->fd < 0;
}

static inline struct bytes spool_held(const struct spool *spool)
{
    return buf_bytes(&spool->held);
}

/* Another descriptor for the same bytes, for the next recipient. */
MUST_USE enum err spool_duplicate(int fd, int *out_fd);

/* Drops what is there. Harmless on one that was finished. */
void spool_done(struct spool *spool);

#endif
