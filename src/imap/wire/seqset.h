/* sequence-set (RFC 9051 s9): parse, resolve against a mailbox, print compactly.
 *
 * Whether the numbers are UIDs or message sequence numbers is the command's knowledge, so they are
 * plain here. */
#ifndef ROOST_IMAP_WIRE_SEQSET_H
#define ROOST_IMAP_WIRE_SEQSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "base/buf.h"
#include "base/cursor.h"
#include "imap/wire/grammar.h"

/* `*`, the highest number in use. 0 is no message's number. */
#define IMAP_STAR UINT32_C(0)

struct imap_range {
    uint32_t first; /* as written: may be above last, either may be IMAP_STAR */
    uint32_t last;
};

struct imap_seqset {
    const struct imap_range *ranges;
    uint32_t count;
    bool saved; /* "$", the saved search result (RFC 9051 s6.4.4.1); then count is 0 */
};

/* "1:4,7,*" or "$". Order and overlaps are kept. At most limits->ranges_max ranges. False on 0,
 * overflow or too many ranges. */
MUST_USE bool imap_seqset_parse(struct cursor *cur, const struct imap_grammar *grammar,
                                struct arena *arena, struct imap_seqset *out_set);

/* Same without "*" and "$", for known UIDs (RFC 7162 s3.2.5). */
MUST_USE bool imap_seqset_parse_plain(struct cursor *cur, const struct imap_grammar *grammar,
                                      struct arena *arena, struct imap_seqset *out_set);

/* The set with `star` for IMAP_STAR, ascending, disjoint, neighbours joined; first <= last in each
 * range. `star` is the highest number in use; when it is 0 (an empty mailbox, no UIDNEXT wanted)
 * ranges that name only `*` vanish and others end at their number. Not for a `saved` set. Takes at
 * most count ranges from `arena`; false when its budget is spent. */
MUST_USE bool imap_seqset_resolve(const struct imap_seqset *set, uint32_t star, struct arena *arena,
                                  struct imap_seqset *out_set);

/* For resolved sets. */
bool imap_seqset_contains(const struct imap_seqset *resolved, uint32_t number);
uint64_t imap_seqset_size(const struct imap_seqset *resolved); /* numbers in it */

/* As written: "1:4,7,*". Nothing for an empty set, which the grammar cannot express. */
void imap_seqset_print(struct buf *out, const struct imap_seqset *set);

/* Prints numbers given one by one, in any order: runs that go up by one become "a:b". For COPYUID,
 * ESEARCH ALL, EXPUNGE lists that never exist as a set. */
struct imap_seqset_printer {
    struct buf *out;
    uint32_t first; /* of the run held back; 0: none yet */
    uint32_t last;
    bool printed; /* a run went out before */
};

static inline struct imap_seqset_printer imap_seqset_printer_make(struct buf *out)
{
    return (struct imap_seqset_printer){ .out = out };
}

void imap_seqset_printer_add(struct imap_seqset_printer *printer, uint32_t number);
/* All of first..last; numbers come in any order, and are joined where they ascend by one. */
void imap_seqset_printer_add_range(struct imap_seqset_printer *printer, uint32_t first,
                                   uint32_t last);
void imap_seqset_printer_end(struct imap_seqset_printer *printer);

#endif
