/* Reads every record of an account's log and says what does not hold (docs/format.md).
 *
 * For jobs: it opens files anew, reads only, takes no lock and needs no account, so that it runs
 * beside the owner, on any thread, one thread at a time. Work comes in pieces, so that nobody waits
 * long. What was appended behind `durable` meanwhile is not looked at; a segment that goes away
 * meanwhile because a base took its place is no damage, nor is a base or a body that somebody is
 * just writing. */
#ifndef ROOST_STORE_VERIFY_H
#define ROOST_STORE_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/err.h"
#include "base/time.h"

struct verify;
struct vfs;

enum { VERIFY_FINDINGS_MAX = 10000 };

enum verify_kind {
    VERIFY_SEGMENT, /* no copy of the header of a segment holds: nothing in it can be read */
    VERIFY_COPY, /* one of the two copies; costs nothing while the other holds */
    VERIFY_MISSING, /* a segment that should be there is not; no bytes */
    VERIFY_SHORT, /* a segment ends before what it should hold does */
    VERIFY_STRETCH, /* no record where one should begin */
    VERIFY_BODY, /* a record whose payload does not hold, by its type */
    VERIFY_CHANGE,
    VERIFY_BASE,
};

/* "body"; static. */
const char *verify_kind_text(enum verify_kind kind);

struct verify_finding {
    enum verify_kind kind;
    uint64_t segment;
    uint64_t offset; /* in the segment, of the first byte that is lost */
    uint64_t length; /* bytes */
    uint64_t number; /* of a CHANGE; id of a body; 0 where the record does not tell */
    struct wall when; /* of the record; 0 likewise */
};

struct verify_counts {
    uint64_t bytes; /* gone through so far */
    uint64_t bytes_total; /* as far as is known now; at the end the same */
    uint64_t segments;
    uint64_t records; /* that hold */
    uint64_t bodies; /* of them */
    uint64_t findings; /* those not kept included */
};

/* `vfs` is the account's directory, borrowed; `durable` what account_durable says. */
struct verify *verify_new(struct vfs *vfs, uint64_t durable);
void verify_free(struct verify *verify); /* NULL is allowed */

/* Reads on for about `bytes_max` bytes; blocks. ERR_IO and the like: the disk fails, and the note
 * says where; what was found until then stays. */
MUST_USE enum err verify_read(struct verify *verify, uint64_t bytes_max, struct note *why);

/* True when all has been read. */
bool verify_is_done(const struct verify *verify);

struct verify_counts verify_counts(const struct verify *verify);

/* In the order of the segments' numbers; at most VERIFY_FINDINGS_MAX. Borrowed until the next call
 * of verify_read. */
const struct verify_finding *verify_findings(const struct verify *verify, size_t *out_count);

#endif
