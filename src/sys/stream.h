/* A connected, non-blocking byte stream (TCP, unix, one end of a socketpair) on a loop.
 *
 * Input is read 64 KB at a time into the loop's shared buffer and handed over; what the owner does
 * not use at once it copies. Output goes out at once as far as the socket takes it, the rest waits
 * in a buf. A stream that is idle holds no memory but this struct. The descriptor may be shared
 * with another process: every call carries MSG_DONTWAIT | MSG_NOSIGNAL.
 *
 * Callbacks come from the loop, never from inside a call to this module, and may call anything
 * here, stream_done and freeing the struct included. */
#ifndef ROOST_SYS_STREAM_H
#define ROOST_SYS_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "sys/loop.h"

struct stream;

struct stream_ops {
    /* Bytes came in, at least one. `in` is in the loop's buffer: valid until return. */
    void (*input)(struct stream *stream, struct bytes in);
    /* The peer will send no more. Called once; output is still possible. */
    void (*input_end)(struct stream *stream);
    /* Output that was congested is down to the low mark; or, after stream_shutdown, all is out. */
    void (*drained)(struct stream *stream);
    /* The connection broke (reset, time-out of TCP). Nothing follows; call stream_done. */
    void (*broken)(struct stream *stream);
};

struct stream {
    struct loop_fd watch;
    struct loop_task late; /* tells the owner what a call of its own has brought about */
    const struct stream_ops *ops;
    struct buf out; /* waiting to be sent; `max` bounds it */
    size_t out_high; /* above: congested */
    size_t out_low; /* at or below: no longer */
    size_t read_max; /* most bytes handed over at once; 0: LOOP_BUFFER_BYTES. The owner sets it */
    bool reading, input_ended, congested, shutting_down, shut_down, is_broken, is_deaf;
    /* Set by an owner that wants what the peer has sent before it went: a failed send then only
     * drops the output, and the end is told when the input ends. */
    bool input_survives;
};

struct stream_limits {
    size_t out_low, out_high, out_max; /* bytes */
};

/* Takes `fd`, a connected socket; sets TCP_NODELAY where it applies. Reading is off until
 * stream_read_start. `ops` is borrowed for the stream's life. */
void stream_init(struct stream *stream, struct loop *loop, int fd, const struct stream_ops *ops,
                 struct stream_limits limits);

/* Closes the descriptor at once; unsent output is lost. Harmless on a zeroed struct. */
void stream_done(struct stream *stream);

/* Takes the descriptor out and ends the stream without closing it. All output must be sent. */
MUST_USE int stream_take_fd(struct stream *stream);

void stream_read_start(struct stream *stream);
void stream_read_stop(struct stream *stream); /* back-pressure: the kernel's buffer fills */

/* Sends now what the socket takes, keeps a copy of the rest. ERR_LIMIT when `bytes` and what waits
 * are more than out_max (nothing is sent then), ERR_CLOSED after a break or a shutdown. */
MUST_USE enum err stream_send(struct stream *stream, struct bytes bytes);

/* The output buf, to be formatted into directly; then stream_flush. */
static inline struct buf *stream_out(struct stream *stream)
{
    return &stream->out;
}

/* Sends what the socket takes. An overflowed buf breaks the stream. */
void stream_flush(struct stream *stream);

/* Several pieces with one system call, as stream_send; at most STREAM_PIECES_MAX. */
enum { STREAM_PIECES_MAX = 16 };
MUST_USE enum err stream_send_pieces(struct stream *stream, const struct bytes *pieces,
                                     size_t count);

/* True from more than out_high waiting until `drained`. Stop producing meanwhile. */
static inline bool stream_is_congested(const struct stream *stream)
{
    return stream->congested;
}

/* Asks for `drained` at the low mark even if output was never above the high one. Nothing happens
 * when no output waits. */
static inline void stream_want_drained(struct stream *stream)
{
    stream->congested = stream->congested || stream->out.len > 0;
}

/* The peer is in the middle of something: acknowledge what came at once. A peer that sends its
 * small pieces one by one waits for that (Nagle), and the kernel would take 40 ms. */
void stream_acknowledge(struct stream *stream);

/* Bytes waiting to be sent. */
static inline size_t stream_unsent(const struct stream *stream)
{
    return stream->out.len;
}

/* No more output: once all is sent the peer sees the end (half-close). `drained` follows. */
void stream_shutdown(struct stream *stream);

#endif
