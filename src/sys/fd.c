/* Small acts on descriptors. */
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

void fd_close(int *fd)
{
    int saved = errno;

    if (*fd >= 0)
        (void)close(*fd); /* EINTR closes as well on Linux; nothing could be done about EIO */
    *fd = -1;
    errno = saved;
}

static bool socket_option_is(int fd, int option, int wanted)
{
    int value = -1;
    socklen_t len = sizeof(value);

    return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 && value == wanted;
}

static bool is_socket(int fd, int type, bool listening)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);

    if (!socket_option_is(fd, SO_TYPE, type) || !socket_option_is(fd, SO_ACCEPTCONN, listening))
        return false;
    if (!socket_option_is(fd, SO_DOMAIN, AF_UNIX) && !socket_option_is(fd, SO_DOMAIN, AF_INET) &&
        !socket_option_is(fd, SO_DOMAIN, AF_INET6))
        return false;
    /* A TCP socket whose peer has reset it has none any more: it is still what it was. */
    return listening || getpeername(fd, (struct sockaddr *)&address, &len) == 0 ||
           errno == ENOTCONN;
}

static bool is_readable_mode(int fd, mode_t type)
{
    struct stat st;
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || (flags & O_PATH) != 0 || (flags & O_ACCMODE) == O_WRONLY)
        return false;
    return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == type;
}

static bool is_sealed(int fd)
{
    const int wanted = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    int seals = fcntl(fd, F_GET_SEALS);

    return seals >= 0 && (seals & wanted) == wanted;
}

enum err fd_duplicate(int fd, int *out_fd)
{
    int again = fcntl(fd, F_DUPFD_CLOEXEC, 3);

    if (again < 0)
        return fd_err(errno);
    *out_fd = again;
    return ERR_OK;
}

bool fd_check(int fd, enum fd_kind kind)
{
    switch (kind) {
    case FD_KIND_SOCKET_STREAM: return is_socket(fd, SOCK_STREAM, false);
    case FD_KIND_SOCKET_CHANNEL:
        return socket_option_is(fd, SO_DOMAIN, AF_UNIX) && is_socket(fd, SOCK_SEQPACKET, false);
    case FD_KIND_SOCKET_LISTENING: return is_socket(fd, SOCK_STREAM, true);
    case FD_KIND_REGULAR: return is_readable_mode(fd, S_IFREG);
    case FD_KIND_MEMFD_SEALED: return is_readable_mode(fd, S_IFREG) && is_sealed(fd);
    case FD_KIND_DIRECTORY: return is_readable_mode(fd, S_IFDIR);
    }
    return false;
}

bool fd_check_spooled(int fd)
{
    struct stat st;

    if (fd_check(fd, FD_KIND_MEMFD_SEALED))
        return true;
    return fd_check(fd, FD_KIND_REGULAR) && fstat(fd, &st) == 0 && st.st_nlink == 0;
}

bool fd_is_hung_up(int fd)
{
    struct pollfd poll_fd = { .fd = fd, .events = 0 };

    return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & (POLLHUP | POLLERR)) != 0;
}

static enum err pair(int type, int out_pair[2])
{
    int made[2];

    if (socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, made) < 0)
        return fd_err(errno);
    out_pair[0] = made[0];
    out_pair[1] = made[1];
    return ERR_OK;
}

enum err fd_pair_stream(int out_pair[2])
{
    return pair(SOCK_STREAM, out_pair);
}

enum err fd_pair_channel(int out_pair[2])
{
    return pair(SOCK_SEQPACKET, out_pair);
}

enum err fd_write_all(int fd, struct bytes bytes)
{
    while (bytes.len > 0) {
        ssize_t sent = write(fd, bytes.at, bytes.len);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return fd_err(errno);
        bytes = bytes_from(bytes, (size_t)sent);
    }
    return ERR_OK;
}

enum err fd_make_sealed(struct bytes bytes, int *out_fd)
{
    FD_LOCAL int fd = memfd_create("roost", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    enum err err;

    if (fd < 0)
        return fd_err(errno);
    err = fd_write_all(fd, bytes);
    if (err != ERR_OK)
        return err;
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
        return fd_err(errno);
    *out_fd = fd_take(&fd);
    return ERR_OK;
}

enum err fd_make_memory(uint64_t size, int *out_fd)
{
    FD_LOCAL int fd = memfd_create("roost-memory", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0 || ftruncate(fd, (off_t)size) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return fd_err(errno);
    *out_fd = fd_take(&fd);
    return ERR_OK;
}

enum err fd_map(int fd, size_t bytes, void **out_at)
{
    uint64_t size = 0;
    void *at;
    enum err err = fd_size(fd, &size);

    if (err != ERR_OK)
        return err;
    if (size < bytes)
        return ERR_CORRUPT;
    at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED)
        return fd_err(errno);
    *out_at = at;
    return ERR_OK;
}

void fd_unmap(void *at, size_t bytes)
{
    if (at != NULL)
        (void)munmap(at, bytes);
}

enum err fd_size(int fd, uint64_t *out_bytes)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return fd_err(errno);
    if (!S_ISREG(st.st_mode))
        return ERR_INVALID;
    *out_bytes = (uint64_t)st.st_size;
    return ERR_OK;
}

enum err fd_read_at(int fd, uint64_t offset, void *into, size_t len)
{
    uint8_t *at = into;

    while (len > 0) {
        ssize_t got = pread(fd, at, len, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fd_err(errno);
        if (got == 0)
            return ERR_CORRUPT;
        at += got;
        offset += (uint64_t)got;
        len -= (size_t)got;
    }
    return ERR_OK;
}

enum err fd_err(int error_number)
{
    switch (error_number) {
    case 0: return ERR_OK;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return ERR_NO_SPACE;
    case ENOENT:
    case ENOTDIR:
    case ESRCH:
    case ENXIO: return ERR_NOT_FOUND;
    case EEXIST:
    case ENOTEMPTY: return ERR_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS: return ERR_DENIED;
    case EAGAIN:
    case EBUSY:
    case EINPROGRESS:
    case ETOOMANYREFS: return ERR_BUSY;
    case EMFILE:
    case ENFILE:
    case ENAMETOOLONG: return ERR_LIMIT;
    case EPIPE:
    case ECONNRESET:
    case ENOTCONN: return ERR_CLOSED;
    case ENOSYS:
    case EOPNOTSUPP: return ERR_UNSUPPORTED;
    case EINVAL:
    case EBADF: return ERR_INVALID;
    default: return ERR_IO;
    }
}

const char *fd_errno_text(int error_number)
{
    const char *text = strerrordesc_np(error_number);

    return text == NULL ? "unknown error" : text;
}
