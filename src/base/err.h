/* What can go wrong with an act on the world, and the one line that tells an administrator about
 * it.
 *
 * Every function that acts (disk, peer process, back end) answers with an `enum err`. Outputs are
 * untouched unless the answer is ERR_OK. The set is small on purpose: a caller decides by it, a
 * person reads the note. */
#ifndef ROOST_BASE_ERR_H
#define ROOST_BASE_ERR_H

#include "base/attributes.h"

enum err {
    ERR_OK = 0,
    ERR_IO, /* the disk or a descriptor failed; see the note */
    ERR_NO_SPACE, /* disk full or file quota of the system reached */
    ERR_NOT_FOUND, /* what was named is not there */
    ERR_EXISTS, /* what was to be made is there already */
    ERR_LIMIT, /* a named limit of ours is reached */
    ERR_OVER_QUOTA, /* the account's own storage limit is reached */
    ERR_CORRUPT, /* stored bytes fail their checksum or make no sense */
    ERR_DENIED, /* not allowed */
    ERR_CONFLICT, /* the state is not the one this act needs */
    ERR_BUSY, /* not now: would block, is locked, or waits for a job */
    ERR_UNSUPPORTED, /* valid, but this build or this version does not do it */
    ERR_INVALID, /* the argument itself makes no sense */
    ERR_CLOSED, /* the other side is gone, or the object failed earlier */
};

/* Lower-case English name, "no space" for ERR_NO_SPACE. Static memory. */
const char *err_text(enum err err);

enum { NOTE_BYTES_MAX = 512 };

/* One line for a person: what was wrong, where, what to do. Empty when `text[0]` is NUL. */
struct note {
    char text[NOTE_BYTES_MAX];
};

/* Writes the line, cut at NOTE_BYTES_MAX - 1 bytes. `note` may be NULL: then nothing happens. */
void note_set(struct note *note, const char *format, ...) PRINTF_LIKE(2, 3);

/* Same, and answers `err`: for `return note_fail(why, ERR_IO, "cannot read %s", path);` */
MUST_USE enum err note_fail(struct note *note, enum err err, const char *format, ...)
    PRINTF_LIKE(3, 4);

#endif
