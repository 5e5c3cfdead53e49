/* Sockets and OpenSSL. */
#include "load/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    READ_BYTES = 256 * 1024,
    HELD_BYTES_MAX = 512 * 1024 * 1024,
};

bool wire_open(struct wire *wire, uint16_t port, SSL_CTX *context)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(port),
                                   .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int on = 1;

    *wire = (struct wire){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
                           .in = buf_make(HELD_BYTES_MAX),
                           .out = buf_make(HELD_BYTES_MAX) };
    if (wire->fd < 0 || connect(wire->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        fcntl(wire->fd, F_SETFL, O_NONBLOCK) < 0) {
        wire_close(wire);
        return false;
    }
    (void)setsockopt(wire->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (context == NULL)
        return true;
    wire->ssl = SSL_new(context);
    SSL_set_fd(wire->ssl, wire->fd);
    SSL_set_connect_state(wire->ssl);
    return true;
}

void wire_close(struct wire *wire)
{
    SSL_free(wire->ssl);
    if (wire->fd >= 0)
        (void)close(wire->fd);
    buf_done(&wire->in);
    buf_done(&wire->out);
    *wire = (struct wire){ .fd = -1 };
}

void wire_greet(struct wire *wire)
{
    if (wire->ssl != NULL)
        (void)SSL_do_handshake(wire->ssl);
}

/* Bytes that were moved; 0: none for now; -1: gone. `is_writing` when it stuck on a full socket. */
static ssize_t outcome(struct wire *wire, ssize_t done, bool is_writing)
{
    int error = 0;

    if (done > 0)
        return done;
    if (wire->ssl == NULL) {
        wire->is_stuck = is_writing && done < 0 && errno == EAGAIN;
        return done < 0 && errno == EAGAIN ? 0 : -1;
    }
    error = SSL_get_error(wire->ssl, (int)done);
    wire->is_stuck = error == SSL_ERROR_WANT_WRITE;
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

bool wire_flush(struct wire *wire)
{
    wire->is_stuck = false;
    while (!buf_is_empty(&wire->out)) {
        struct bytes bytes = buf_bytes(&wire->out);
        ssize_t sent;

        if (wire->ssl != NULL)
            sent = SSL_write(wire->ssl, bytes.at, (int)bytes.len);
        else
            sent = send(wire->fd, bytes.at, bytes.len, MSG_NOSIGNAL);
        sent = outcome(wire, sent, true);
        if (sent <= 0)
            return sent == 0;
        buf_consume(&wire->out, (size_t)sent);
    }
    return true;
}

enum wire_got wire_fill(struct wire *wire)
{
    uint8_t *room = buf_reserve(&wire->in, READ_BYTES);
    ssize_t got;

    if (room == NULL)
        return WIRE_GONE;
    if (wire->ssl != NULL)
        got = SSL_read(wire->ssl, room, READ_BYTES);
    else
        got = recv(wire->fd, room, READ_BYTES, 0);
    got = outcome(wire, got, false);
    if (got <= 0)
        return got == 0 ? WIRE_NOTHING : WIRE_GONE;
    buf_commit(&wire->in, (size_t)got);
    return WIRE_GOT;
}

bool wire_answer(struct wire *wire, size_t *used, struct bytes *out_answer)
{
    buf_consume(&wire->in, *used);
    *used = 0;
    if (!answer_next(&wire->scan, buf_bytes(&wire->in), out_answer))
        return false;
    *used = out_answer->len;
    return true;
}
