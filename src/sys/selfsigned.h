/* A certificate that a server makes for itself until an administrator brings a real one. */
#ifndef ROOST_SYS_SELFSIGNED_H
#define ROOST_SYS_SELFSIGNED_H

#include "base/attributes.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/time.h"

struct selfsigned {
    struct buf certificate_pem;
    struct buf key_pem;
};

/* ECDSA P-256, signed by itself, from a day before `now` for `days`, for `host_name` and the names
 * and addresses of loopback. PEM is appended to both bufs. */
MUST_USE enum err selfsigned_make(const char *host_name, struct wall now, int days,
                                  struct selfsigned *out_pair, struct note *why);

#endif
