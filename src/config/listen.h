/* Where a server listens, as a person writes it. Pure: nothing is looked up or bound.
 *
 *     127.0.0.1:1143   [::1]:1143   localhost:1143   *:1143
 *     unix:/run/roost/lmtp   unix:/run/roost/lmtp,mode=0660,user=postfix,group=postfix */
#ifndef ROOST_CONFIG_LISTEN_H
#define ROOST_CONFIG_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "base/bytes.h"

enum {
    LISTEN_MODE_STANDARD = 0666,
    LISTEN_PATH_BYTES_MAX = 107,
    LISTEN_HOST_BYTES_MAX = 255,
    LISTEN_ADDRESSES_MAX = 16, /* in one setting */
};

/* Strings are NUL-terminated and live as long as the arena. */
struct listen_address {
    bool is_unix;
    const char *host; /* TCP: an address without brackets, a name, or "*"; else NULL */
    uint16_t port; /* TCP: 1 to 65535, or 0 for a free one */
    const char *path; /* unix: absolute; else NULL */
    uint32_t mode; /* unix: permission bits */
    const char *user; /* unix: owner, a name or a number; NULL: leave */
    const char *group; /* likewise */
};

/* False with what was wrong in `*out_expected` (a static string, "a port after the last colon"). */
MUST_USE bool listen_address_parse(struct bytes text, struct arena *arena,
                                   struct listen_address *out_address, const char **out_expected);

/* Can only one of the two listen? So it is for the same path, and for the same port (but 0) of the
 * same host or when one has all hosts ("*"). False says nothing: names are not looked up. */
MUST_USE bool listen_address_clashes(const struct listen_address *a,
                                     const struct listen_address *b);

#endif
