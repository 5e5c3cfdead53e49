/* create (RFC 9051 s6.3.4), USE (RFC 6154 s3), and rename (RFC 9051 s6.3.6). */
#ifndef ROOST_IMAP_WIRE_CREATE_H
#define ROOST_IMAP_WIRE_CREATE_H

#include <stdbool.h>
#include <stdint.h>

#include "imap/wire/command.h"
#include "imap/wire/mailbox.h"

struct imap_create_args {
    struct imap_mailbox mailbox;
    uint32_t special_use; /* bits of IMAP_ATTRIBUTE_SPECIAL_USE */
    bool unknown_use; /* an attribute we do not know: NO [USEATTR] */
};

imap_args_parser imap_create_parse;

struct imap_rename_args {
    struct imap_mailbox from;
    struct imap_mailbox to;
};

imap_args_parser imap_rename_parse;

#endif
