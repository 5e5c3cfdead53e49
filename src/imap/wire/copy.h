/* copy, move (RFC 9051 s6.4.7, s6.4.8) and uid-expunge (s6.4.9). */
#ifndef ROOST_IMAP_WIRE_COPY_H
#define ROOST_IMAP_WIRE_COPY_H

#include "imap/wire/command.h"
#include "imap/wire/mailbox.h"
#include "imap/wire/seqset.h"

struct imap_copy_args {
    struct imap_seqset set;
    struct imap_mailbox mailbox;
};

/* COPY, MOVE, UID COPY, UID MOVE. */
imap_args_parser imap_copy_parse;

struct imap_expunge_args {
    struct imap_seqset set;
};

/* UID EXPUNGE; EXPUNGE itself takes no arguments. */
imap_args_parser imap_uid_expunge_parse;

#endif
