/* Responses that many commands share (RFC 9051 s7). All add whole lines with CRLF, save where the
 * name says otherwise. A response that does not fit leaves `out` overflowed. */
#ifndef ROOST_IMAP_WIRE_RESPOND_H
#define ROOST_IMAP_WIRE_RESPOND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/cursor.h"
#include "imap/wire/seqset.h"

/* The tag of an untagged response. */
#define IMAP_UNTAGGED BYTES("*")

enum imap_condition {
    IMAP_OK,
    IMAP_NO,
    IMAP_BAD,
    IMAP_BYE, /* untagged only */
    IMAP_PREAUTH, /* untagged only */
};

/* tag SP condition SP ["[" code "]" SP] text CRLF. `code` without brackets, may be NULL. Text must
 * not hold CR or LF: those become blanks. An empty tag prints "*". */
void imap_respond(struct buf *out, struct bytes tag, enum imap_condition condition,
                  const char *code, const char *text);

/* Same, for a code that is built: begin, add the code to `out`, end. */
void imap_respond_code_begin(struct buf *out, struct bytes tag, enum imap_condition condition);
void imap_respond_code_end(struct buf *out, const char *text);

/* The cursor's complaint: "a1 BAD Expected a number at byte 14", or "a1 NO [LIMIT] At most 100
 * patterns in one LIST" (RFC 5530 section 3). Answers which of the two. */
enum imap_condition imap_respond_complaint(struct buf *out, struct bytes tag,
                                           const struct cursor *complaint);

/* Only the text of it. */
void imap_complaint_print(struct buf *out, const struct cursor *complaint);

/* "+ " text CRLF. */
void imap_respond_continue(struct buf *out, const char *text);

/* "+ " base64 CRLF: a SASL challenge. */
void imap_respond_challenge(struct buf *out, struct bytes challenge);

/* "* " number SP name CRLF: EXISTS, RECENT, EXPUNGE. */
void imap_respond_number(struct buf *out, uint32_t number, const char *name);

/* The code of COPYUID, no brackets: "COPYUID 38505 304,319:320 3956:3958". Both resolved sets are
 * in the order of the copies. */
void imap_copyuid_print(struct buf *out, uint32_t uidvalidity, const struct imap_seqset *from,
                        const struct imap_seqset *to);

/* The code of APPENDUID, no brackets. */
void imap_appenduid_print(struct buf *out, uint32_t uidvalidity, const struct imap_seqset *uids);

/* A literal's announcement and bytes: "{5}" CRLF hello; "~{5}" when `literal8`. */
void imap_literal_print(struct buf *out, struct bytes bytes, bool literal8);

/* Only the announcement with CRLF, for bytes that are streamed behind it. */
void imap_literal_announce(struct buf *out, uint64_t bytes, bool literal8);

/* SEARCH and ESEARCH. Begin, then the parts that apply, then end. */
struct imap_esearch {
    struct bytes tag;
    bool uid;
    uint32_t returns; /* bits of enum imap_search_return; SAVE prints nothing */
    uint32_t min; /* 0: no match, then neither MIN, MAX nor ALL is printed */
    uint32_t max;
    uint32_t count;
    const struct imap_seqset *all; /* resolved */
    uint64_t modseq; /* 0: not printed */
};

void imap_esearch_print(struct buf *out, const struct imap_esearch *result);

/* "* SEARCH 2 84 882" (RFC 3501 s7.2.5); with "(MODSEQ n)" when `modseq` is above 0. */
void imap_search_print(struct buf *out, const struct imap_seqset *resolved, uint64_t modseq);

#endif
