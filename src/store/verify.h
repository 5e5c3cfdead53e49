/* Reads every record of an account's log and says what does not hold (docs/format.md), then looks
 * whether the body of every message stands where it should, and what messages each finding costs.
 *
 * For jobs: it opens files anew, reads only, takes no lock and needs no account, so that it runs
 * beside the owner, on any thread, one thread at a time. Work comes in pieces, so that nobody waits
 * long: verify_read until verify_is_done, then the messages (store/verify_messages.h). What was
 * appended behind `durable` meanwhile is not looked at; a segment that goes away meanwhile because
 * a base took its place is no damage, nor is a base or a body that somebody is just writing. */
#ifndef ROOST_STORE_VERIFY_H
#define ROOST_STORE_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/err.h"
#include "base/time.h"
#include "store/summary_file.h"
#include "store/types.h"

struct account;
struct verify;
struct vfs;

enum { VERIFY_FINDINGS_MAX = 10000 };

enum verify_kind {
    VERIFY_SEGMENT, /* no copy of the header of a segment holds: nothing in it can be read */
    VERIFY_FOREIGN, /* its header says that it is another account's: nothing in it counts */
    VERIFY_COPY, /* one of the two copies; costs nothing while the other holds */
    VERIFY_MISSING, /* a segment that should be there is not; no bytes */
    VERIFY_SHORT, /* a segment ends before what it should hold does */
    VERIFY_STRETCH, /* no record where one should begin */
    VERIFY_UNREADABLE, /* likewise, because the disk does not give the bytes */
    VERIFY_BODY, /* a record whose payload does not hold, by its type */
    VERIFY_CHANGE,
    VERIFY_BASE,
    VERIFY_LOST, /* what stands where a message has its body is not that body; no bytes */
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
    bool is_known; /* an opening has met it before, and has set it aside */
    uint64_t messages; /* that it costs, as far as is known, once they were looked at */
    /* CHANGEs that are lost with it, or may be. */
    uint64_t batch; /* bodies from here to `offset` nothing else names; `offset`: there are none */
    uint64_t change_first; /* their numbers; 0: there are none */
    uint64_t change_last;
};

struct verify_counts {
    uint64_t bytes; /* gone through so far */
    uint64_t bytes_total; /* as far as is known now; at the end the same */
    uint64_t segments;
    uint64_t records; /* that hold */
    uint64_t bodies; /* of them */
    uint64_t findings; /* those not kept included */
    uint64_t messages; /* of the account, looked at */
    uint64_t losses; /* those not kept included */
};

/* What there is to be verified. */
struct verify_extent {
    uint64_t durable; /* as account_durable says: the log is read up to there */
    uint64_t
        base; /* number of the newest base that counts; 0: none. Later ones are in the making */
    struct account_id account; /* whose log it is; all 0: not known */
};

/* On the owner's thread. */
struct verify_extent verify_extent_of(const struct account *account);

/* `vfs` is the account's directory, borrowed. */
struct verify *verify_new(struct vfs *vfs, struct verify_extent extent);
void verify_free(struct verify *verify); /* NULL is allowed */

/* Reads on for about `bytes_max` bytes; blocks. ERR_IO and the like: the disk fails, and the note
 * says where; what was found until then stays. */
MUST_USE enum err verify_read(struct verify *verify, uint64_t bytes_max, struct note *why);

/* True when all has been read. */
bool verify_is_done(const struct verify *verify);

struct verify_counts verify_counts(const struct verify *verify);

/* In the order of the segments' numbers, those of VERIFY_LOST behind the others; at most
 * VERIFY_FINDINGS_MAX. Borrowed until the next call that reads. */
const struct verify_finding *verify_findings(const struct verify *verify, size_t *out_count);

/* What is derived, and whether it holds; never damage, as it is made anew when needed. For jobs. */
struct verify_derived {
    bool has_checkpoint;
    bool checkpoint_holds;
    struct summary_check summaries;
    unsigned tries;
    bool done;
};

/* The next part of it, until `done`; zeroed at first. */
void verify_look_at_derived(struct vfs *vfs, struct account_id id, struct verify_derived *derived);

#endif
