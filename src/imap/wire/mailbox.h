/* mailbox (RFC 9051 s5.1, s9; RFC 3501 s5.1.3): names as the store holds them and as they travel.
 *
 * Inside, a name is UTF-8 in normal form C, '/' between components, "INBOX" (also as the first of
 * several components) in upper case. On the wire it is modified UTF-7 until ENABLE IMAP4rev2 or
 * UTF8=ACCEPT, UTF-8 afterwards. A name that is good syntax but can never exist here is no syntax
 * error: it is handed out with the reason, and the command answers NO [CANNOT] or [NONEXISTENT]. */
#ifndef ROOST_IMAP_WIRE_MAILBOX_H
#define ROOST_IMAP_WIRE_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/cursor.h"
#include "imap/wire/command.h"
#include "imap/wire/grammar.h"

enum { IMAP_DELIMITER = '/' };

enum imap_name_refusal {
    IMAP_NAME_OK,
    IMAP_NAME_EMPTY,
    IMAP_NAME_TOO_LONG,
    IMAP_NAME_LEVEL_TOO_LONG,
    IMAP_NAME_TOO_DEEP,
    IMAP_NAME_EMPTY_COMPONENT, /* "/a", "a//b" */
    IMAP_NAME_DOTS, /* a component "." or ".." */
    IMAP_NAME_CONTROL, /* C0, DEL, C1, line and paragraph separator (RFC 5198 s2) */
    IMAP_NAME_BOM, /* U+FEFF in front (RFC 5198 s2) */
    IMAP_NAME_WILDCARD, /* '%' or '*' */
    IMAP_NAME_NAMESPACE, /* '#' in front (RFC 9051 s5.1.2.1) */
    IMAP_NAME_BAD_UTF7, /* rev1: not well-formed modified UTF-7 */
    IMAP_NAME_EIGHT_BIT, /* rev1: bytes above 127 before UTF-8 was enabled */
    IMAP_NAME_BAD_UTF8, /* not UTF-8, or holds code points never to be assigned */
};

struct imap_mailbox {
    struct bytes name; /* canonical; the bytes as sent when refused */
    struct bytes given; /* in UTF-8 as the client spelled it, "inbox"; a delimiter at its end is off
                         * here too. For OLDNAME (RFC 9051 s6.3.9.7) */
    enum imap_name_refusal refusal; /* IMAP_NAME_OK: the name may exist */
    bool delimiter_at_end; /* "a/", taken off the name (RFC 9051 s6.3.4) */
};

/* Args of DELETE, SUBSCRIBE, UNSUBSCRIBE. */
struct imap_mailbox_args {
    struct imap_mailbox mailbox;
};

imap_args_parser imap_mailbox_args_parse;

/* astring, decoded and checked. False only for bad syntax or a spent arena. */
MUST_USE bool imap_mailbox_parse(struct cursor *cur, const struct imap_grammar *grammar,
                                 struct arena *arena, struct imap_mailbox *out_mailbox);

/* From the session's encoding to UTF-8, neither normalised nor checked: for patterns. A refusal of
 * IMAP_NAME_BAD_UTF7 or _EIGHT_BIT leaves the name as it came. False when the arena is spent. */
MUST_USE bool imap_mailbox_to_utf8(struct bytes raw, const struct imap_grammar *grammar,
                                   struct arena *arena, struct bytes *out_name,
                                   enum imap_name_refusal *out_refusal);

/* Normal form C; `text` itself where that is no change, or where it is not UTF-8. False when the
 * arena is spent. */
MUST_USE bool imap_mailbox_normalise(struct bytes text, struct arena *arena,
                                     struct bytes *out_text);

/* A sentence for a person, such as "Mailbox name is empty". Static memory. */
const char *imap_name_refusal_text(enum imap_name_refusal refusal);

/* A UTF-8 name from elsewhere (delivery, configuration, administrator) made canonical and checked
 * by the same rules. False when the arena's budget is spent. */
MUST_USE bool imap_mailbox_from_utf8(struct bytes name, const struct imap_grammar_limits *limits,
                                     struct arena *arena, struct imap_mailbox *out_mailbox);

/* A canonical name as astring in the session's encoding: an atom if it can be one, else quoted. */
void imap_mailbox_print(struct buf *out, const struct imap_grammar *grammar, struct bytes name);

#endif
