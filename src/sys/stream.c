/* Byte streams: shared input buffer, direct output, water marks. */
#include "sys/stream.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static void update_watch(struct stream *stream)
{
    unsigned wanted = 0;

    if (!stream->is_broken && stream->reading && !stream->input_ended)
        wanted |= LOOP_READ;
    if (!stream->is_broken && stream->out.len > 0)
        wanted |= LOOP_WRITE;
    loop_fd_want(&stream->watch, wanted);
}

static void break_off(struct stream *stream)
{
    stream->is_broken = true;
    buf_clear(&stream->out);
    buf_trim(&stream->out);
    update_watch(stream);
    loop_defer(stream->watch.loop, &stream->late);
}

static void lose_output(struct stream *stream)
{
    if (!stream->input_survives) {
        break_off(stream);
        return;
    }
    stream->is_deaf = true;
    buf_clear(&stream->out);
}

/* Looks at what output has come to; the owner hears of it at the end of the turn. */
static void settle_output(struct stream *stream)
{
    if (stream->is_broken)
        return;
    if (stream->out.len == 0) {
        buf_trim(&stream->out);
        if (stream->shutting_down && !stream->shut_down) {
            stream->shut_down = true;
            (void)shutdown(stream->watch.fd, SHUT_WR); /* fails only where the peer is gone */
            loop_defer(stream->watch.loop, &stream->late);
        }
    }
    if (stream->out.len > stream->out_high)
        stream->congested = true;
    if (stream->congested && stream->out.len <= stream->out_low)
        loop_defer(stream->watch.loop, &stream->late);
    update_watch(stream);
}

static void on_late(struct loop_task *task)
{
    struct stream *stream = CONTAINER_OF(task, struct stream, late);

    if (stream->is_broken) {
        stream->ops->broken(stream);
        return;
    }
    if (stream->congested && stream->out.len > stream->out_low)
        return; /* filled again meanwhile */
    stream->congested = false;
    if (stream->ops->drained != NULL)
        stream->ops->drained(stream);
}

/* Sends the pieces as far as the socket goes; answers the bytes taken. */
static size_t send_some(struct stream *stream, struct iovec *pieces, size_t count)
{
    struct msghdr message = { .msg_iov = pieces, .msg_iovlen = count };
    ssize_t sent;

    do {
        sent = sendmsg(stream->watch.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return (size_t)sent;
    if (errno != EAGAIN && errno != ENOBUFS)
        lose_output(stream);
    return 0;
}

static void send_waiting(struct stream *stream)
{
    struct bytes waiting = buf_bytes(&stream->out);
    struct iovec piece = { .iov_base = (void *)(uintptr_t)waiting.at, .iov_len = waiting.len };
    size_t sent = send_some(stream, &piece, 1);

    if (!stream->is_broken && !stream->is_deaf)
        buf_consume(&stream->out, sent);
}

static void read_some(struct stream *stream)
{
    uint8_t *buffer = loop_buffer(stream->watch.loop);
    size_t max = stream->read_max == 0 ? LOOP_BUFFER_BYTES : stream->read_max;
    ssize_t got = recv(stream->watch.fd, buffer, max, MSG_DONTWAIT);

    if (got > 0) {
        stream->ops->input(stream, bytes_make(buffer, (size_t)got));
    } else if (got == 0) {
        stream->input_ended = true;
        update_watch(stream);
        stream->ops->input_end(stream);
    } else if (errno != EAGAIN && errno != EINTR) {
        break_off(stream);
    }
}

static void on_ready(struct loop_fd *watch, unsigned what)
{
    struct stream *stream = CONTAINER_OF(watch, struct stream, watch);

    if ((what & LOOP_WRITE) != 0 && stream->out.len > 0) {
        send_waiting(stream);
        settle_output(stream);
    }
    if ((what & LOOP_READ) != 0 && (stream->watch.wanted & LOOP_READ) != 0)
        read_some(stream);
}

void stream_init(struct stream *stream, struct loop *loop, int fd, const struct stream_ops *ops,
                 struct stream_limits limits)
{
    const int on = 1;

    assert(limits.out_low <= limits.out_high && limits.out_high <= limits.out_max);
    *stream = (struct stream){
        .ops = ops,
        .out = buf_make(limits.out_max),
        .out_high = limits.out_high,
        .out_low = limits.out_low,
        .late = { .run = on_late },
    };
    loop_fd_init(&stream->watch, loop, fd, on_ready);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* unix sockets refuse */
}

static void leave(struct stream *stream)
{
    loop_undefer(&stream->late);
    loop_fd_done(&stream->watch);
    buf_done(&stream->out);
}

void stream_done(struct stream *stream)
{
    if (stream->watch.loop == NULL)
        return;
    leave(stream);
    (void)close(stream->watch.fd);
    stream->watch.fd = -1;
}

int stream_take_fd(struct stream *stream)
{
    int fd = stream->watch.fd;

    assert(stream->watch.loop != NULL && stream->out.len == 0);
    leave(stream);
    stream->watch.fd = -1;
    return fd;
}

void stream_acknowledge(struct stream *stream)
{
    const int on = 1;

    (void)setsockopt(stream->watch.fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on)); /* unix: no */
}

void stream_read_start(struct stream *stream)
{
    stream->reading = true;
    update_watch(stream);
}

void stream_read_stop(struct stream *stream)
{
    stream->reading = false;
    update_watch(stream);
}

enum err stream_send(struct stream *stream, struct bytes bytes)
{
    return stream_send_pieces(stream, &bytes, 1);
}

/* Copies what was not sent of the pieces. */
static void keep_rest(struct stream *stream, const struct bytes *pieces, size_t count, size_t sent)
{
    for (size_t i = 0; i < count; i++) {
        size_t skip = sent < pieces[i].len ? sent : pieces[i].len;

        buf_add(&stream->out, bytes_from(pieces[i], skip));
        sent -= skip;
    }
}

enum err stream_send_pieces(struct stream *stream, const struct bytes *pieces, size_t count)
{
    struct iovec vector[STREAM_PIECES_MAX];
    size_t total = 0;
    size_t sent = 0;

    assert(count <= STREAM_PIECES_MAX);
    if (stream->is_broken || stream->is_deaf || stream->shutting_down)
        return ERR_CLOSED;
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].len > stream->out.max - stream->out.len - total)
            return ERR_LIMIT;
        total += pieces[i].len;
        vector[i].iov_base = (void *)(uintptr_t)pieces[i].at;
        vector[i].iov_len = pieces[i].len;
    }
    if (total == 0)
        return ERR_OK;
    if (stream->out.len == 0)
        sent = send_some(stream, vector, count);
    if (stream->is_broken || stream->is_deaf)
        return ERR_CLOSED;
    keep_rest(stream, pieces, count, sent);
    settle_output(stream);
    return ERR_OK;
}

void stream_flush(struct stream *stream)
{
    if (stream->is_broken || stream->is_deaf)
        return;
    if (stream->out.overflowed) {
        break_off(stream);
        return;
    }
    /* While the socket is known to be full, the loop will tell when it is not. */
    if (stream->out.len > 0 && (stream->watch.wanted & LOOP_WRITE) == 0)
        send_waiting(stream);
    settle_output(stream);
}

void stream_shutdown(struct stream *stream)
{
    if (stream->is_broken || stream->is_deaf || stream->shutting_down)
        return;
    stream->shutting_down = true;
    stream_flush(stream);
}
