/* command = tag SP name [SP arguments] (RFC 9051 s9), and the one type of all argument parsers.
 *
 * A parser stands behind the name, takes the arguments with their leading SP to the very end of the
 * frame, and hands out its own `struct imap_<name>_args`, in the arena; strings in it borrow from
 * the frame or the arena, so both must live as long as the args. False: the cursor holds the
 * complaint (imap_respond_complaint prints it), out_args is untouched. */
#ifndef ROOST_IMAP_WIRE_COMMAND_H
#define ROOST_IMAP_WIRE_COMMAND_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "base/bytes.h"
#include "base/cursor.h"
#include "imap/wire/grammar.h"

typedef bool imap_args_parser(struct cursor *cur, const struct imap_grammar *grammar,
                              struct arena *arena, const void **out_args);

struct imap_command {
    struct bytes tag; /* borrowed from the frame */
    struct bytes name; /* as the client wrote it, "fetch" of "uid fetch"; compare without case */
    bool uid; /* UID came before the name (RFC 9051 s6.4.9) */
};

enum {
    IMAP_TAG_BYTES_MAX = 64,
    IMAP_COMMAND_NAME_BYTES_MAX = 32,
};

/* tag = 1*<any ASTRING-CHAR except "+">, at most IMAP_TAG_BYTES_MAX. */
MUST_USE bool imap_tag_parse(struct cursor *cur, struct bytes *out_tag);

/* Tag and name. `cur` then stands behind the name. On false only `tag` may be set: it is then what
 * the BAD answer bears; an empty tag means there was none ("* BAD"). */
MUST_USE bool imap_command_parse(struct cursor *cur, struct imap_command *out_command);

/* For commands without arguments (CAPABILITY, NOOP, LOGOUT, STARTTLS, CLOSE, UNSELECT, EXPUNGE,
 * CHECK, NAMESPACE, IDLE, UNAUTHENTICATE). out_args becomes NULL. A blank at the end of the line is
 * forgiven. */
imap_args_parser imap_no_args_parse;

/* The end of the command, or a complaint; blanks before it are forgiven. */
MUST_USE bool imap_end_parse(struct cursor *cur);

/* DONE of IDLE (RFC 9051 s6.3.13), the whole line. */
MUST_USE bool imap_done_parse(struct cursor *cur);

#endif
