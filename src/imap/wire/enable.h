/* enable (RFC 9051 s6.3.1) and id (RFC 2971). */
#ifndef ROOST_IMAP_WIRE_ENABLE_H
#define ROOST_IMAP_WIRE_ENABLE_H

#include <stdint.h>

#include "base/bytes.h"
#include "imap/wire/command.h"

struct imap_enable_args {
    const struct bytes *capabilities; /* as written, at least one */
    uint32_t count;
};

imap_args_parser imap_enable_parse;

struct imap_id_pair {
    struct bytes field;
    struct bytes value; /* at NULL: NIL */
};

struct imap_id_args {
    const struct imap_id_pair *pairs;
    uint32_t count; /* 0: NIL or () */
};

imap_args_parser imap_id_parse;

#endif
