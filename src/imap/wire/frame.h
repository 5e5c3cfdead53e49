/* The framer: finds whole commands in what a client sends, in any chunks (RFC 9051 s2.2, s4.3).
 *
 * A command is a line, or several lines with a literal between each two. The framer knows nothing
 * else of the grammar: a line that ends in {n}, {n+}, ~{n} or ~{n+} announces a literal; the
 * session decides what becomes of it; the framer never replies. What it hands out is contiguous,
 * literals inline behind their "{n}" CRLF, the last line's own line break left out.
 *
 * Line ends: CRLF as the RFC has it. A bare LF ends a line as well (hand-typed sessions, broken
 * clients); a CR elsewhere stays in the line for the grammar to refuse. Behind a literal's
 * announcement the frame always holds CRLF.
 *
 * Memory: at most command_bytes_max, nothing while idle after imap_framer_trim. */
#ifndef ROOST_IMAP_WIRE_FRAME_H
#define ROOST_IMAP_WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"

enum imap_frame {
    IMAP_FRAME_MORE, /* the input is used up, no command is whole yet */
    IMAP_FRAME_DONE, /* imap_framer_bytes is a whole command, or the end of a diverted one */
    IMAP_FRAME_LITERAL, /* imap_framer_literal is announced: accept, divert or refuse it */
    IMAP_FRAME_BAD, /* imap_framer_trouble says why; see there for what may follow */
};

enum imap_frame_trouble {
    IMAP_FRAME_LINE_TOO_LONG, /* the framer skips the rest of the command and can go on */
    IMAP_FRAME_COMMAND_TOO_LONG, /* same */
    IMAP_FRAME_LITERAL_TOO_LONG, /* non-synchronising, size beyond 63 bits: only close is left */
};

struct imap_frame_limits {
    size_t line_bytes_max; /* of each line, its line break not counted */
    size_t literal_bytes_max; /* of one literal that is accepted into memory */
    size_t command_bytes_max; /* of lines and accepted literals together */
};

/* A literal announced at the end of imap_framer_bytes. */
struct imap_literal {
    uint64_t bytes; /* up to 2^63 - 1 */
    bool synchronising; /* the client waits for "+ " before it sends the bytes */
    bool literal8; /* "~{": may hold NUL (RFC 3516, RFC 9051 s4.3) */
    bool fits; /* within literal_bytes_max and command_bytes_max: may be accepted */
};

enum imap_framer_state {
    IMAP_FRAMER_LINE,
    IMAP_FRAMER_ANNOUNCED, /* waits for accept, divert or refuse */
    IMAP_FRAMER_LITERAL_BYTES,
    IMAP_FRAMER_SKIP_LITERAL,
    IMAP_FRAMER_SKIP_LINE,
    IMAP_FRAMER_HANDED_OUT, /* the next call starts a new command */
    IMAP_FRAMER_STUCK, /* LITERAL_TOO_LONG */
};

/* Private, here only so that a session can embed it. */
struct imap_framer {
    const struct imap_frame_limits *limits;
    struct buf frame;
    size_t line_at; /* offset in frame of the current line */
    uint64_t literal_left;
    struct imap_literal literal;
    enum imap_framer_state state;
    enum imap_frame_trouble trouble;
    bool continues; /* what is read follows a diverted literal */
};

/* `limits` must outlive the framer. */
void imap_framer_init(struct imap_framer *framer, const struct imap_frame_limits *limits);
void imap_framer_done(struct imap_framer *framer);

/* Takes bytes off the front of `in` until something can be said. Never takes a byte behind the end
 * of a command or behind an announcement. After IMAP_FRAME_LITERAL one of accept, divert and refuse
 * must come before the next call. */
MUST_USE enum imap_frame imap_framer_next(struct imap_framer *framer, struct bytes *in);

/* Same for one line in which braces mean nothing: AUTHENTICATE's answers, DONE of IDLE. Never
 * answers IMAP_FRAME_LITERAL. `line_bytes_max` instead of the limit at init, not above it. */
MUST_USE enum imap_frame imap_framer_next_line(struct imap_framer *framer, struct bytes *in,
                                               size_t line_bytes_max);

/* The command after DONE; what there is of it after LITERAL (its announcement and CRLF included)
 * and BAD (enough for the tag). Valid until the next call that changes the framer. */
struct bytes imap_framer_bytes(const struct imap_framer *framer);

struct imap_literal imap_framer_literal(const struct imap_framer *framer);
enum imap_frame_trouble imap_framer_trouble(const struct imap_framer *framer);

/* The literal goes into the frame; only when it `fits`. The session sends "+ " if synchronising. */
void imap_framer_accept(struct imap_framer *framer);

/* The session takes the literal's bytes out of the input itself. The framer forgets what it has:
 * the next DONE or LITERAL holds only what follows the literal (of APPEND: nothing, ")" or the
 * next message of a MULTIAPPEND). */
void imap_framer_divert(struct imap_framer *framer);

/* The command is refused; the session answers NO or BAD. After a synchronising literal the client
 * starts a new command (RFC 9051 s4.3). After another one the framer skips its bytes and the rest
 * of the command (RFC 7888 s4); the session may rather close. */
void imap_framer_refuse(struct imap_framer *framer);

/* True between commands: nothing of a next one has been taken. */
bool imap_framer_is_idle(const struct imap_framer *framer);

/* Drops a handed-out frame and gives its memory back. Only when idle. */
void imap_framer_trim(struct imap_framer *framer);

/* Overwrites what is held, for frames with passwords in them, and gives the memory back. Only when
 * idle or at the end. */
void imap_framer_wipe(struct imap_framer *framer);

#endif
