/* status (RFC 9051 s6.3.11, s9; RFC 7162; RFC 7889; RFC 8474): the command and its answer. */
#ifndef ROOST_IMAP_WIRE_STATUS_H
#define ROOST_IMAP_WIRE_STATUS_H

#include <stdint.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/cursor.h"
#include "imap/wire/command.h"
#include "imap/wire/mailbox.h"

enum imap_status_att {
    IMAP_STATUS_MESSAGES = 1 << 0,
    IMAP_STATUS_RECENT = 1 << 1, /* rev1 */
    IMAP_STATUS_UIDNEXT = 1 << 2,
    IMAP_STATUS_UIDVALIDITY = 1 << 3,
    IMAP_STATUS_UNSEEN = 1 << 4,
    IMAP_STATUS_DELETED = 1 << 5,
    IMAP_STATUS_SIZE = 1 << 6,
    IMAP_STATUS_HIGHESTMODSEQ = 1 << 7,
    IMAP_STATUS_MAILBOXID = 1 << 8,
    IMAP_STATUS_APPENDLIMIT = 1 << 9,
};

struct imap_status_args {
    struct imap_mailbox mailbox;
    uint32_t atts; /* bits of enum imap_status_att, at least one */
};

imap_args_parser imap_status_parse;

/* "(" status-att *(SP status-att) ")" */
MUST_USE bool imap_status_atts_parse(struct cursor *cur, uint32_t *out_atts);

struct imap_status_values {
    uint32_t messages;
    uint32_t recent;
    uint32_t uidnext;
    uint32_t uidvalidity;
    uint32_t unseen;
    uint32_t deleted;
    uint64_t size_bytes;
    uint64_t highestmodseq;
    struct bytes mailboxid;
    uint64_t appendlimit_bytes;
};

/* "* STATUS name (...)" with CRLF; the items of `atts`, in the order of the enum. */
void imap_status_response_print(struct buf *out, const struct imap_grammar *grammar,
                                struct bytes name, uint32_t atts,
                                const struct imap_status_values *values);

#endif
