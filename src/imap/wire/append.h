/* append (RFC 9051 s6.3.12, s9), MULTIAPPEND (RFC 3502), UTF8 literals (RFC 6855 s4).
 *
 * Not an imap_args_parser: a message is too large to wait for. The session parses at the framer's
 * IMAP_FRAME_LITERAL, diverts the literal, takes its bytes, and parses what comes next with
 * imap_append_next_parse until that says the command has ended. */
#ifndef ROOST_IMAP_WIRE_APPEND_H
#define ROOST_IMAP_WIRE_APPEND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "base/cursor.h"
#include "imap/wire/date.h"
#include "imap/wire/flag.h"
#include "imap/wire/grammar.h"
#include "imap/wire/mailbox.h"

/* What stands before one message. */
struct imap_append_message {
    struct imap_flags flags;
    bool has_date;
    struct imap_date_time date;
    uint64_t bytes; /* of the literal; 0 aborts the whole command (RFC 3502 s6.3.11) */
    bool synchronising;
    bool literal8; /* "~{n}": may hold NUL (RFC 3516 s4.4) */
    bool utf8; /* UTF8 (~{n}: a ")" follows the literal (RFC 6855 s4) */
};

struct imap_append_args {
    struct imap_mailbox mailbox;
    struct imap_append_message message; /* the first one */
};

/* Behind the name of an APPEND that stopped at a literal: whether that literal is the mailbox's
 * name (an argument to accept into memory) and not a message. */
bool imap_append_names_mailbox(const struct cursor *cur);

/* SP mailbox [SP flag-list] [SP date-time] SP literal, up to the announcement and its CRLF, which
 * must be the end of the input. */
MUST_USE bool imap_append_parse(struct cursor *cur, const struct imap_grammar *grammar,
                                struct arena *arena, struct imap_append_args *out_args);

/* What follows `message`'s literal: the end of the command (*out_ended, `message` stays), or
 * [SP flag-list] [SP date-time] SP literal of the next one, which then takes its place. */
MUST_USE bool imap_append_next_parse(struct cursor *cur, const struct imap_grammar *grammar,
                                     struct arena *arena, struct imap_append_message *message,
                                     bool *out_ended);

#endif
