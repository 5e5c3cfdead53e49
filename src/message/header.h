/* Walks the fields of a header block (RFC 5322 s2.2), whatever it looks like.
 *
 * A block is raw bytes: field lines with their folded lines, usually ended by an empty line. Line
 * ends are LF or CR LF; a CR elsewhere is a byte like others. A line that is no field (no colon, no
 * name, blanks first in the block) is given as a field without a name, so that the fields' raw
 * bytes put together are always the block up to its empty line. Everything borrows from the block.
 */
#ifndef ROOST_MESSAGE_HEADER_H
#define ROOST_MESSAGE_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"

struct header_field {
    struct bytes raw; /* all its lines, line ends included */
    struct bytes name; /* before the colon, blanks cut; empty when the line is no field */
    struct bytes
        value; /* after the colon: folds inside kept, blanks and line ends cut at both ends */
};

struct header_reader {
    struct bytes block;
    size_t offset; /* of the next field */
};

static inline struct header_reader header_reader_make(struct bytes block)
{
    return (struct header_reader){ .block = block };
}

/* The next field. False at the empty line or the end of the block; reader->offset is then where the
 * fields end. `out_field` is untouched on false. */
MUST_USE bool header_next(struct header_reader *reader, struct header_field *out_field);

/* The next one of that name (ASCII case does not matter); false when there is none behind. */
MUST_USE bool header_next_named(struct header_reader *reader, struct bytes name,
                                struct header_field *out_field);

/* The first field of that name (ASCII case does not matter); false when there is none. */
MUST_USE bool header_find(struct bytes block, struct bytes name, struct header_field *out_field);

/* The value as one line, for the protocol: without its line ends, white space stays as it is (RFC
 * 5322 s2.2.3), a bare CR is a blank. Borrows `value` when there is nothing to do, else a copy in
 * the arena. `at` is NULL when the arena is over budget. */
MUST_USE struct bytes header_unfold(struct arena *arena, struct bytes value);

/* The same for people and for searches: a fold with the white space around it is one space, since
 * mailers replace the space that they fold at by what they please. */
MUST_USE struct bytes header_flatten(struct arena *arena, struct bytes value);

/* BODY[HEADER.FIELDS (names)] of that block, or of HEADER.FIELDS.NOT when `exclude` is set: the raw
 * fields in their order, then the block's empty line if it has one (RFC 9051 s6.4.5.1). Lines that
 * are no field have no name: they are in no FIELDS and in every FIELDS.NOT. */
void header_filter(struct bytes block, const struct bytes *names, size_t name_count, bool exclude,
                   struct buf *out);

/* Names of fields made ready to be looked for in many messages. Borrows the names. */
enum { HEADER_NAMES_MAX = 255, HEADER_NAME_CHAINS = 64 };
struct header_names {
    const struct bytes *names;
    const uint8_t *next; /* of a name, from 1: the next one in its chain, 0: none */
    uint8_t first[HEADER_NAME_CHAINS];
};

/* False when the arena is over budget, or there are more than HEADER_NAMES_MAX. */
MUST_USE bool header_names_make(struct arena *arena, const struct bytes *names, size_t count,
                                struct header_names *out_names);

/* What header_filter gives, as pieces of the block in its order, as few as can be. Answers how many
 * there are; when they are more than `pieces_max` only so many are set. */
size_t header_pick(struct bytes block, const struct header_names *names, struct bytes *pieces,
                   size_t pieces_max);

/* True when the block ends with its empty line. */
MUST_USE bool header_has_end(struct bytes block);

#endif
