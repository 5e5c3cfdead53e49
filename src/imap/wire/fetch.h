/* fetch, fetch-att (RFC 9051 s6.4.5, s9; RFC 3501 s6.4.5; RFC 3516; RFC 7162; RFC 8474; RFC 8514;
 * RFC 8970). */
#ifndef ROOST_IMAP_WIRE_FETCH_H
#define ROOST_IMAP_WIRE_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "imap/wire/command.h"
#include "imap/wire/section.h"
#include "imap/wire/seqset.h"

enum imap_fetch_kind {
    IMAP_FETCH_UID,
    IMAP_FETCH_FLAGS,
    IMAP_FETCH_INTERNALDATE,
    IMAP_FETCH_RFC822_SIZE,
    IMAP_FETCH_ENVELOPE,
    IMAP_FETCH_BODY, /* BODY without a section: the structure without extension data */
    IMAP_FETCH_BODYSTRUCTURE,
    IMAP_FETCH_BODY_SECTION, /* BODY[...] and BODY.PEEK[...] */
    IMAP_FETCH_RFC822, /* rev1: BODY[] under another name */
    IMAP_FETCH_RFC822_HEADER, /* rev1: BODY.PEEK[HEADER] under another name */
    IMAP_FETCH_RFC822_TEXT, /* rev1: BODY[TEXT] under another name */
    IMAP_FETCH_BINARY, /* BINARY[...] and BINARY.PEEK[...] */
    IMAP_FETCH_BINARY_SIZE,
    IMAP_FETCH_MODSEQ,
    IMAP_FETCH_EMAILID,
    IMAP_FETCH_THREADID,
    IMAP_FETCH_SAVEDATE,
    IMAP_FETCH_PREVIEW,
};

struct imap_fetch_att {
    enum imap_fetch_kind kind;
    bool peek; /* does not set \Seen; set for all that never do */
    bool lazy; /* PREVIEW (LAZY) */
    bool partial; /* <offset.bytes> was given */
    uint64_t partial_offset;
    uint64_t partial_bytes; /* at least 1 */
    struct imap_section section; /* BODY_SECTION, BINARY, BINARY_SIZE and the RFC822 forms */
    struct bytes name; /* in the response: "BODY[1.HEADER.FIELDS (Subject)]<0>", "RFC822.SIZE" */
};

struct imap_fetch_args {
    struct imap_seqset set;
    const struct imap_fetch_att *atts; /* macros written out; as asked, doubles kept */
    uint32_t att_count;
    bool has_changed_since; /* CHANGEDSINCE (RFC 7162 s3.1.4.1); 0 is taken, see fetch.c */
    uint64_t changed_since;
    bool vanished; /* VANISHED (RFC 7162 s3.2.6): only with UID and CHANGEDSINCE */
};

/* FETCH and UID FETCH. VANISHED without CHANGEDSINCE is a complaint; whether UID stood in front
 * is the caller's to check. */
imap_args_parser imap_fetch_parse;

#endif
