/* Small acts on descriptors that every other part of sys, and the daemons' mains, need. */
#ifndef ROOST_SYS_FD_H
#define ROOST_SYS_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/err.h"

/* Closes unless negative, and makes it -1. Keeps errno. */
void fd_close(int *fd);

/* A local that closes itself: `FD_LOCAL int fd = -1;` */
#define FD_LOCAL CLEANUP(fd_close)

/* The number, leaving -1 behind: ownership moves to the caller. */
static inline int fd_take(int *fd)
{
    int taken = *fd;

    *fd = -1;
    return taken;
}

/* Another descriptor for the same thing, O_CLOEXEC. */
MUST_USE enum err fd_duplicate(int fd, int *out_fd);

/* What a descriptor from another process may turn out to be. */
enum fd_kind {
    FD_KIND_SOCKET_STREAM, /* connected TCP or unix stream socket */
    FD_KIND_SOCKET_CHANNEL, /* connected unix SOCK_SEQPACKET socket */
    FD_KIND_SOCKET_LISTENING, /* TCP or unix stream socket that listens */
    FD_KIND_REGULAR, /* regular file, readable */
    FD_KIND_MEMFD_SEALED, /* memfd that can neither shrink, grow nor be written any more */
    FD_KIND_DIRECTORY,
};

/* True when `fd` is of that kind. Descriptors from a peer are hostile: ask before the first use. */
MUST_USE bool fd_check(int fd, enum fd_kind kind);

/* FD_KIND_MEMFD_SEALED, or an unnamed (link count 0) regular file: what a gate spools DATA in. */
MUST_USE bool fd_check_spooled(int fd);

/* True when the other end of a unix stream socket is closed, also while bytes wait to be read. */
bool fd_is_hung_up(int fd);

/* A connected pair, both O_CLOEXEC and non-blocking: byte streams, or SOCK_SEQPACKET channels. */
MUST_USE enum err fd_pair_stream(int out_pair[2]);
MUST_USE enum err fd_pair_channel(int out_pair[2]);

/* A memfd with these bytes that nobody can change any more: to be passed to other processes. */
MUST_USE enum err fd_make_sealed(struct bytes bytes, int *out_fd);

/* A memfd of `size` zero bytes that can be written but never changes its size. */
MUST_USE enum err fd_make_memory(uint64_t size, int *out_fd);

/* The first `bytes` of such a memfd as memory that all who map it share. ERR_CORRUPT when it is
 * smaller. Ends with fd_unmap, which takes NULL. */
MUST_USE enum err fd_map(int fd, size_t bytes, void **out_at);
void fd_unmap(void *at, size_t bytes);

/* Size in bytes of a regular file or memfd. */
MUST_USE enum err fd_size(int fd, uint64_t *out_bytes);

/* Writes everything at the descriptor's own position; ERR_IO or ERR_NO_SPACE after a part of it. */
MUST_USE enum err fd_write_all(int fd, struct bytes bytes);

/* Exactly `len` bytes at `offset`. ERR_CORRUPT when the file is shorter, ERR_IO. May block. */
MUST_USE enum err fd_read_at(int fd, uint64_t offset, void *into, size_t len);

/* The enum err that stands for an errno of this house's calls: ENOSPC and EDQUOT are ERR_NO_SPACE,
 * ENOENT is ERR_NOT_FOUND, EACCES and EPERM are ERR_DENIED, EAGAIN is ERR_BUSY, ... else ERR_IO. */
enum err fd_err(int error_number);

/* "No such file or directory". Static memory, any thread. */
const char *fd_errno_text(int error_number);

#endif
