/* A conversation in lines over a unix socket, for administrator's commands: each call blocks until
 * it is done or `timeout_ms` (of the whole call) is over. */
#ifndef ROOST_SYS_DIALOG_H
#define ROOST_SYS_DIALOG_H

#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

enum { DIALOG_LINE_BYTES_MAX = 1024 * 1024 };

struct dialog {
    int fd; /* -1: closed */
    int timeout_ms;
    struct buf in; /* received, not yet taken */
    size_t taken; /* bytes of the line that was given last */
};

/* ERR_NOT_FOUND when nobody listens there, ERR_DENIED when we may not. */
MUST_USE enum err dialog_open_unix(struct dialog *dialog, const char *path, int timeout_ms,
                                   struct note *why);

/* Takes a connected stream socket. */
void dialog_init(struct dialog *dialog, int fd, int timeout_ms);

/* Closes. Harmless on a zeroed struct with fd -1. */
void dialog_done(struct dialog *dialog);

/* Sends all of it. ERR_CLOSED when the other side is gone, ERR_BUSY when the time is over. */
MUST_USE enum err dialog_send(struct dialog *dialog, struct bytes bytes);

/* The next line without LF or CRLF, valid until the next call. ERR_CLOSED at the end, ERR_BUSY when
 * the time is over, ERR_LIMIT for a longer line. */
MUST_USE enum err dialog_receive_line(struct dialog *dialog, struct bytes *out_line);

#endif
