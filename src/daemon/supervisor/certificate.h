/* The certificate and key in use: from the administrator's files, or made by the server itself. */
#ifndef ROOST_DAEMON_SUPERVISOR_CERTIFICATE_H
#define ROOST_DAEMON_SUPERVISOR_CERTIFICATE_H

#include "base/buf.h"
#include "config/config.h"

/* Reads the pair that `config` names, or the self-made one in data/tls (made when it is missing or
 * not usable), and tries it. Chain and key are appended to `out_pem` as one PEM text. */
MUST_USE enum err certificate_load(const struct config *config, struct buf *out_pem,
                                   struct note *why);

/* Wipes and frees. */
void certificate_forget(struct buf *secret);

#endif
