/* select, examine (RFC 9051 s6.3.2, s6.3.3, s9) with CONDSTORE and QRESYNC (RFC 7162 s7). */
#ifndef ROOST_IMAP_WIRE_SELECT_H
#define ROOST_IMAP_WIRE_SELECT_H

#include <stdbool.h>
#include <stdint.h>

#include "imap/wire/command.h"
#include "imap/wire/mailbox.h"
#include "imap/wire/seqset.h"

struct imap_select_args {
    struct imap_mailbox mailbox;
    bool condstore;
    bool qresync; /* then the rest is meant */
    uint32_t uidvalidity;
    uint64_t modseq;
    struct imap_seqset known_uids; /* count 0: not given, all */
    struct imap_seqset match_seqnos; /* seq-match-data: ascending; count 0: not given */
    struct imap_seqset match_uids; /* as many, ascending */
};

/* SELECT and EXAMINE. */
imap_args_parser imap_select_parse;

#endif
