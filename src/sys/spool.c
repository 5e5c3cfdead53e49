/* Spooling to a sealed memfd or an unnamed file. */
#include "sys/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sys/fd.h"

void spool_init(struct spool *spool, int dir_fd, struct spool_limits limits)
{
    *spool = (struct spool){
        .fd = -1,
        .dir_fd = dir_fd,
        .held = buf_make(limits.held_max),
        .limits = limits,
    };
}

/* What was held goes along. */
static enum err open_memory(struct spool *spool)
{
    FD_LOCAL int fd = memfd_create("roost-spool", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    enum err err = fd < 0 ? fd_err(errno) : fd_write_all(fd, buf_bytes(&spool->held));

    if (err != ERR_OK)
        return err;
    spool->fd = fd_take(&fd);
    buf_done(&spool->held);
    return ERR_OK;
}

static enum err copy_all(int from, int to, uint64_t len)
{
    uint8_t piece[16384];

    for (uint64_t offset = 0; offset < len;) {
        size_t want = len - offset < sizeof(piece) ? (size_t)(len - offset) : sizeof(piece);
        enum err err = fd_read_at(from, offset, piece, want);

        if (err == ERR_OK)
            err = fd_write_all(to, bytes_make(piece, want));
        if (err != ERR_OK)
            return err;
        offset += want;
    }
    return ERR_OK;
}

/* The sandbox allows exactly these flags: no file that has a name can be opened with them. */
static enum err move_to_file(struct spool *spool)
{
    FD_LOCAL int fd = openat(spool->dir_fd, ".", SPOOL_OPEN_FLAGS, 0600);
    enum err err;

    if (fd < 0)
        return fd_err(errno);
    err = copy_all(spool->fd, fd, spool->bytes);
    if (err != ERR_OK)
        return err;
    fd_close(&spool->fd);
    spool->fd = fd_take(&fd);
    spool->in_file = true;
    return ERR_OK;
}

enum err spool_append(struct spool *spool, struct bytes bytes)
{
    enum err err = ERR_OK;

    if (bytes.len > spool->limits.bytes_max - spool->bytes)
        return ERR_LIMIT;
    if (spool->fd < 0 && bytes.len <= spool->limits.held_max - spool->held.len) {
        buf_add(&spool->held, bytes);
        spool->bytes += bytes.len;
        return ERR_OK;
    }
    if (spool->fd < 0)
        err = open_memory(spool);
    if (err == ERR_OK && !spool->in_file && spool->dir_fd >= 0 &&
        bytes.len + spool->bytes > spool->limits.memory_max)
        err = move_to_file(spool);
    if (err == ERR_OK)
        err = fd_write_all(spool->fd, bytes);
    if (err == ERR_OK)
        spool->bytes += bytes.len;
    return err;
}

enum err spool_finish(struct spool *spool, int *out_fd)
{
    const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
    enum err err = ERR_OK;

    if (spool->fd < 0)
        err = open_memory(spool);
    if (err == ERR_OK && !spool->in_file && fcntl(spool->fd, F_ADD_SEALS, seals) < 0)
        err = fd_err(errno);
    if (err != ERR_OK)
        return err;
    *out_fd = fd_take(&spool->fd);
    spool_done(spool);
    return ERR_OK;
}

enum err spool_duplicate(int fd, int *out_fd)
{
    int again = fcntl(fd, F_DUPFD_CLOEXEC, 3);

    if (again < 0)
        return fd_err(errno);
    *out_fd = again;
    return ERR_OK;
}

void spool_done(struct spool *spool)
{
    fd_close(&spool->fd);
    buf_done(&spool->held);
    spool->in_file = false;
    spool->bytes = 0;
}
