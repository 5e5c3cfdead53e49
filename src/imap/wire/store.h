/* store (RFC 9051 s6.4.6, s9; RFC 7162 s3.1.3). */
#ifndef ROOST_IMAP_WIRE_STORE_H
#define ROOST_IMAP_WIRE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "imap/wire/command.h"
#include "imap/wire/flag.h"
#include "imap/wire/seqset.h"

enum imap_store_act {
    IMAP_STORE_REPLACE, /* FLAGS */
    IMAP_STORE_ADD, /* +FLAGS */
    IMAP_STORE_REMOVE, /* -FLAGS */
};

struct imap_store_args {
    struct imap_seqset set;
    enum imap_store_act act;
    bool silent;
    bool has_unchanged_since;
    uint64_t unchanged_since; /* UNCHANGEDSINCE; 0 is a value of its own (RFC 7162 s3.1.3) */
    struct imap_flags flags;
};

/* STORE and UID STORE. */
imap_args_parser imap_store_parse;

#endif
