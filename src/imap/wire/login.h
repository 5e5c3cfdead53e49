/* login and authenticate (RFC 9051 s6.2.2, s6.2.3; RFC 4959). */
#ifndef ROOST_IMAP_WIRE_LOGIN_H
#define ROOST_IMAP_WIRE_LOGIN_H

#include <stdbool.h>

#include "base/bytes.h"
#include "imap/wire/command.h"

struct imap_login_args {
    struct bytes user;
    struct bytes password; /* wipe after use */
};

imap_args_parser imap_login_parse;

struct imap_authenticate_args {
    struct bytes mechanism; /* as written */
    bool has_initial;
    struct bytes initial; /* decoded; "=" is has_initial with no bytes */
};

imap_args_parser imap_authenticate_parse;

/* A line of the exchange: base64 or "*" alone, which cancels. The data is decoded into the arena.
 */
MUST_USE bool imap_sasl_line_parse(struct cursor *cur, struct arena *arena, struct bytes *out_data,
                                   bool *out_cancelled);

#endif
