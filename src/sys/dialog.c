/* Blocking lines over a socket. */
#include "sys/dialog.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/sockets.h"

enum { DIALOG_READ_BYTES = 16 * 1024 };

void dialog_init(struct dialog *dialog, int fd, int timeout_ms)
{
    *dialog = (struct dialog){
        .fd = fd,
        .timeout_ms = timeout_ms,
        .in = buf_make(DIALOG_LINE_BYTES_MAX + DIALOG_READ_BYTES),
    };
}

enum err dialog_open_unix(struct dialog *dialog, const char *path, int timeout_ms, struct note *why)
{
    int fd;
    enum err err = socket_connect_unix(path, &fd, why);

    if (err == ERR_OK)
        dialog_init(dialog, fd, timeout_ms);
    return err;
}

void dialog_done(struct dialog *dialog)
{
    fd_close(&dialog->fd);
    buf_done(&dialog->in);
}

/* Waits until the socket is ready for `events`. ERR_BUSY at `end_ms` of the monotonic clock. */
static enum err wait_for(const struct dialog *dialog, short events, int64_t end_ms)
{
    for (;;) {
        struct pollfd poll_fd = { .fd = dialog->fd, .events = events };
        int64_t left = end_ms - clock_mono().ms;
        int ready;

        if (left <= 0)
            return ERR_BUSY;
        ready = poll(&poll_fd, 1, (int)left);
        if (ready > 0)
            return ERR_OK;
        if (ready < 0 && errno != EINTR)
            return fd_err(errno);
    }
}

static enum err gone_or(int error_number)
{
    return error_number == EPIPE || error_number == ECONNRESET ? ERR_CLOSED : fd_err(error_number);
}

enum err dialog_send(struct dialog *dialog, struct bytes bytes)
{
    int64_t end_ms = clock_mono().ms + dialog->timeout_ms;

    while (bytes.len > 0) {
        ssize_t sent = send(dialog->fd, bytes.at, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        enum err err = ERR_OK;

        if (sent >= 0)
            bytes = bytes_from(bytes, (size_t)sent);
        else if (errno == EAGAIN)
            err = wait_for(dialog, POLLOUT, end_ms);
        else if (errno != EINTR)
            err = gone_or(errno);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

static enum err receive_more(struct dialog *dialog, int64_t end_ms)
{
    uint8_t *room = buf_reserve(&dialog->in, DIALOG_READ_BYTES);
    ssize_t len;

    if (room == NULL)
        return ERR_LIMIT;
    len = recv(dialog->fd, room, DIALOG_READ_BYTES, MSG_DONTWAIT);
    if (len == 0)
        return ERR_CLOSED;
    if (len > 0)
        buf_commit(&dialog->in, (size_t)len);
    else if (errno == EAGAIN)
        return wait_for(dialog, POLLIN, end_ms);
    else if (errno != EINTR)
        return gone_or(errno);
    return ERR_OK;
}

enum err dialog_receive_line(struct dialog *dialog, struct bytes *out_line)
{
    int64_t end_ms = clock_mono().ms + dialog->timeout_ms;
    size_t searched = 0;

    buf_consume(&dialog->in, dialog->taken);
    dialog->taken = 0;
    for (;;) {
        struct bytes in = buf_bytes(&dialog->in);
        size_t end = bytes_find_byte(in, searched, '\n');
        enum err err;

        if (end < in.len) {
            struct bytes line = bytes_slice(in, 0, end);

            dialog->taken = end + 1;
            if (bytes_ends_with(line, BYTES("\r")))
                line.len--;
            *out_line = line;
            return ERR_OK;
        }
        if (in.len > DIALOG_LINE_BYTES_MAX)
            return ERR_LIMIT;
        searched = in.len;
        err = receive_more(dialog, end_ms);
        if (err != ERR_OK)
            return err;
    }
}
