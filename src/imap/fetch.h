/* The pieces of a FETCH response (RFC 9051 section 7.5.2), for cmd/fetch.c.
 *
 * Metadata comes from the row and the summary. Sections of the body come in pieces from the log: a
 * short one is read whole before a byte of it is sent, a long one is announced and then streamed,
 * step by step, so that no message is ever held in memory. */
#ifndef ROOST_IMAP_FETCH_H
#define ROOST_IMAP_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/err.h"
#include "imap/wire/fetch.h"
#include "message/header.h"
#include "message/summary.h"
#include "message/transfer.h"
#include "store/types.h"

struct imap_run;
struct imap_session;

/* A range of the stored body, to be sent as it is or decoded (BINARY). */
struct imap_section_range {
    uint64_t offset;
    uint64_t bytes;
    enum transfer_encoding encoding; /* of what the range holds */
    bool is_text; /* lines in a charset that holds ASCII: they end in CRLF once decoded */
};

/* Where the section lies. False: the message has no such part, the answer is NIL. For
 * HEADER.FIELDS(.NOT) the range of the header to be filtered. */
MUST_USE bool imap_section_find(const struct imap_section *section, const struct summary *summary,
                                struct imap_section_range *out_range);

/* A section on its way out; zeroed: none is. */
struct imap_stream {
    bool active;
    bool counted; /* decoding: the first pass has measured the result */
    bool has_nul;
    bool after_cr; /* decoding: the last byte was CR */
    struct imap_section_range range;
    uint64_t at; /* bytes of the range read so far in this pass */
    uint64_t decoded; /* bytes of the result seen so far in this pass */
    uint64_t skip; /* partial: of the result, not to be sent */
    uint64_t left; /* of the result, still to be sent */
    struct transfer_decoder decoder;
};

/* True for items that body_summary must be there for. */
bool imap_fetch_needs_summary(const struct imap_fetch_att *att);

/* True for BODY[HEADER.FIELDS (...)] of names that all summaries keep; *out_names, with memory from
 * `arena`, is then for imap_fetch_kept. */
MUST_USE bool imap_fetch_is_kept(struct arena *arena, const struct imap_fetch_att *att,
                                 struct header_names *out_names);

/* Name and value of such an item, out of the summary. False, and nothing printed: this one does not
 * have all; imap_fetch_section does. */
MUST_USE bool imap_fetch_kept(struct imap_session *session, const struct imap_fetch_att *att,
                              const struct header_names *names, const struct summary *summary);

/* True for BODY[...], RFC822..., BINARY...: they go through imap_fetch_section. */
bool imap_fetch_is_section(const struct imap_fetch_att *att);

/* Name and value of any other item. `summary` is only looked at where it is needed. */
void imap_fetch_print_item(struct imap_session *session, const struct imap_fetch_att *att,
                           const struct row *row, const struct summary *summary);

/* Name and value of a section item. ERR_OK: all is in the output, or the stream has become active:
 * then imap_fetch_stream is to be called until it is not. ERR_BUSY: nothing was printed, call again
 * after the waker. ERR_UNSUPPORTED: the encoding is unknown (UNKNOWN-CTE), nothing was printed.
 * Other errors: NIL was printed. */
MUST_USE enum err imap_fetch_section(struct imap_session *session, struct imap_run *run,
                                     const struct imap_fetch_att *att, const struct row *row,
                                     struct imap_stream *stream);

/* Goes on with an active stream for about one step of output. ERR_BUSY as above. Another error:
 * when the stream is still active the literal that was announced cannot be kept, and the connection
 * must end; else NIL was printed. */
MUST_USE enum err imap_fetch_stream(struct imap_session *session, const struct imap_fetch_att *att,
                                    const struct row *row, struct imap_stream *stream);

#endif
