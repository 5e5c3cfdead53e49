/* Command lines of SMTP (RFC 5321 s4.1) and LMTP (RFC 2033), parsed. Pure; results borrow from the
 * line.
 *
 * Where the field is more generous than the grammar, so are we: blanks after the colon, local parts
 * with dots anywhere, recipients without a domain, source routes (ignored, RFC 5321 appendix C). */
#ifndef ROOST_SMTP_WIRE_H
#define ROOST_SMTP_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"

enum {
    SMTP_LINE_BYTES_MAX = 4096, /* with CRLF: RFC 5321 s4.5.3.1.4 and room for extensions */
    SMTP_MAILBOX_BYTES_MAX = 1000, /* RFC 5321 s4.5.3.1.3 says 256, in UTF-8 and quotes more */
    SMTP_FOLDER_BYTES_MAX = 1000, /* XMAILBOX, decoded */
};

enum smtp_verb {
    SMTP_VERB_UNKNOWN,
    SMTP_VERB_LHLO,
    SMTP_VERB_HELO,
    SMTP_VERB_EHLO,
    SMTP_VERB_MAIL,
    SMTP_VERB_RCPT,
    SMTP_VERB_DATA,
    SMTP_VERB_BDAT,
    SMTP_VERB_RSET,
    SMTP_VERB_NOOP,
    SMTP_VERB_QUIT,
    SMTP_VERB_VRFY,
    SMTP_VERB_EXPN,
    SMTP_VERB_HELP,
    SMTP_VERB_STARTTLS,
    SMTP_VERB_COUNT,
};

/* The verb at the start of a line without its CRLF, and what follows it, trimmed. */
enum smtp_verb smtp_verb_parse(struct bytes line, struct bytes *out_argument);

enum smtp_parse {
    SMTP_PARSED,
    SMTP_BAD_SYNTAX,
    SMTP_BAD_ADDRESS, /* within <> */
    SMTP_BAD_PARAMETER, /* a right keyword with a wrong value, or twice */
    SMTP_UNKNOWN_PARAMETER,
};

/* The argument of LHLO, EHLO, HELO: a domain, an address literal, or what hosts without a name send
 * in their place; nothing that could not stand in a Received field. UTF-8 (RFC 6531 s3.7.1) too. */
MUST_USE bool smtp_hello_check(struct bytes argument);

struct smtp_mail {
    struct bytes sender; /* without <>; empty: the null reverse-path */
    bool has_size;
    uint64_t size; /* SIZE= (RFC 1870); UINT64_MAX when larger than that */
    bool utf8; /* SMTPUTF8 (RFC 6531) */
};

/* FROM:<...> and its parameters. BODY=7BIT and 8BITMIME are taken note of by nobody: a mail store
 * keeps what comes. */
MUST_USE enum smtp_parse smtp_mail_parse(struct bytes argument, struct smtp_mail *out_mail);

struct smtp_rcpt {
    struct bytes recipient; /* without <> */
    bool has_folder;
    struct bytes folder; /* XMAILBOX=, still in xtext */
};

/* TO:<...> and its parameters; XMAILBOX is unknown unless `with_folder`. */
MUST_USE enum smtp_parse smtp_rcpt_parse(struct bytes argument, bool with_folder,
                                         struct smtp_rcpt *out_rcpt);

struct smtp_bdat {
    uint64_t size;
    bool last;
};

/* RFC 3030 s2. */
MUST_USE enum smtp_parse smtp_bdat_parse(struct bytes argument, struct smtp_bdat *out_bdat);

/* xtext (RFC 3461 s4), decoded to the end of `out`. False when it is none, or holds controls, or is
 * not UTF-8, or is longer than `out` has room for. */
MUST_USE bool smtp_xtext_decode(struct bytes text, struct buf *out);

#endif
