/* One connection to 127.0.0.1, plain or TLS, that never blocks but while it connects. */
#ifndef ROOST_BENCH_LOAD_WIRE_H
#define ROOST_BENCH_LOAD_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "base/buf.h"
#include "load/answer.h"

struct wire {
    int fd; /* -1: closed */
    SSL *ssl; /* NULL: plain */
    struct buf in; /* what came and was not taken */
    struct buf out; /* what is to be sent */
    struct answer_scan scan;
    bool is_stuck; /* the socket takes no more for now: wait until it is writable */
};

enum wire_got {
    WIRE_GOT, /* bytes were added to `in`; there may be more */
    WIRE_NOTHING, /* for now */
    WIRE_GONE, /* closed or failed */
};

/* With `context` NULL it is plain; otherwise the handshake is made along with the first bytes, in
 * full. False: nobody listens. A wire that was closed may be opened again. */
bool wire_open(struct wire *wire, uint16_t port, SSL_CTX *context);
void wire_close(struct wire *wire); /* memory as well */

/* Once after wire_open, when the wire is watched: the first flight of a TLS handshake goes out.
 * Reads nothing that is not of the handshake, so that what is left makes the descriptor readable.
 */
void wire_greet(struct wire *wire);

/* Sends what it can of `out`. False: the connection has gone. */
bool wire_flush(struct wire *wire);

/* Reads once, at most 256 KB. */
enum wire_got wire_fill(struct wire *wire);

/* The next whole answer, until the next call of anything here; false: more bytes are needed. The
 * answer before is given up by the call. `used` starts as 0 and is for this function only. */
bool wire_answer(struct wire *wire, size_t *used, struct bytes *out_answer);

#endif
