/* Ops: what CHANGE and BASE records are made of (docs/format.md, "Ops").
 *
 * Pure and allocation-free: an encoded op is decoded into a struct op whose names, sets and lists
 * are iterators over the encoded bytes. Decoding never trusts: an op that comes out has every
 * number within its limits, every set ascending and disjoint, every list whole. It says nothing of
 * whether mailboxes and messages exist: replay applies what fits the state and skips the rest, so
 * that a damaged record costs only what it held. The MODSEQ that ops give is the number of their
 * CHANGE record. */
#ifndef ROOST_STORE_OP_H
#define ROOST_STORE_OP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "store/op_base.h"
#include "store/op_message.h"
#include "store/types.h"

enum op_code { /* on disk */
               OP_ACCOUNT = 0x01, /* first op of the first record: whose log this is */
               OP_MAILBOX_CREATE = 0x02,
               OP_MAILBOX_RENAME = 0x03, /* of one mailbox; its children have ops of their own */
               OP_MAILBOX_DELETE = 0x04, /* with all its rows */
               OP_MAILBOX_USES = 0x05, /* replaces the set of special uses */
               OP_PUT = 0x10, /* one message enters a mailbox */
               OP_FLAGS = 0x11,
               OP_COPY = 0x12,
               OP_MOVE = 0x13, /* COPY and EXPUNGE in one */
               OP_EXPUNGE = 0x14,
               OP_RECENT = 0x15, /* raises the floor of \Recent */
               OP_THREAD = 0x16, /* Message-IDs, hashed, that belong to a thread from now on */
               OP_SUBSCRIBE = 0x20,
               OP_METADATA = 0x21, /* RFC 5464 */
               OP_ACL = 0x22, /* RFC 4314 */
               OP_QUOTA = 0x23, /* RFC 9208: a limit set inside the account */
               OP_OWNER = 0x24, /* names the owner of flags that are not shared */
               OP_EPOCH = 0x30, /* something may have been lost or repeated: see struct op_epoch */
               OP_BODY_PLACE = 0x31, /* a body has been copied elsewhere (compaction) */
               OP_BASE_STATE = 0x40, /* 0x40 to 0x4f stand in BASE records only */
               OP_BASE_MAILBOX = 0x41,
               OP_BASE_ROWS = 0x42,
               OP_BASE_VANISHED = 0x43,
               OP_BASE_BODY = 0x44, /* a body without a row that changes behind the base name */
               OP_BASE_DROP = 0x45, /* segments that nothing needs from this base on */
               OP_BASE_END = 0x4f, /* last op of a complete base segment */
               OP_IGNORABLE = 0x80, /* from here on a reader may skip what it does not know */
};

enum {
    OP_NAME_BYTES_MAX = 1000, /* MAILBOX_NAME_BYTES_MAX */
    OP_ACTOR_BYTES_MAX = 255,
    OP_TEXT_BYTES_MAX = 1 << 20, /* metadata values, identifiers, rights */
};

/* Head of a CHANGE payload: who did it. A BASE payload has none. */
void op_origin_encode(struct buf *buf, const struct origin *origin);
/* Takes it off; `origin.now` is left alone (it is in the record's header). */
MUST_USE bool op_origin_decode(struct bytes payload, struct origin *out_origin,
                               struct bytes *out_ops);

struct op_mailbox { /* CREATE: all; RENAME: id, name; DELETE: id; USES: id, uses */
    struct mailbox_id id;
    uint32_t uidvalidity;
    uint32_t uses;
    struct bytes name;
};

struct op_setting { /* SUBSCRIBE: on, name; METADATA: all; ACL: mailbox, name, value (empty:
                     * removed); QUOTA: on (there is a limit), name (resource), limit; OWNER: owner,
                     * name */
    struct mailbox_id mailbox; /* 0: of the account itself */
    uint32_t owner;
    bool on;
    struct bytes name;
    struct bytes value;
    uint64_t limit;
};

enum op_epoch_reason { /* a set; on disk */
                       EPOCH_TAIL_LOST = 1,
                       EPOCH_SYNC_FAILED = 2,
                       EPOCH_COPIED = 4, /* restored, copied or moved to another machine */
                       EPOCH_DAMAGED = 8,
};

/* Its CHANGE number has jumped over all that may have been given out; that number is from now on
 * the least MODSEQ of every message and mailbox. The gaps are added to every UIDNEXT and to the
 * next mailbox id and body id; the last UIDVALIDITY is raised to `uidvalidity`. */
struct op_epoch {
    uint32_t reasons;
    uint32_t uid_gap;
    uint32_t mailbox_gap;
    uint64_t body_gap;
    uint32_t uidvalidity; /* 0: it stays as it is */
};

struct op_body_place {
    struct body_id body;
    struct place place;
};

struct op {
    enum op_code code;
    union {
        struct account_id account;
        struct op_mailbox mailbox;
        struct op_put put;
        struct op_flags flags;
        struct op_copy copy;
        struct op_expunge expunge;
        struct op_recent recent;
        struct op_thread thread;
        struct op_setting setting;
        struct op_epoch epoch;
        struct op_body_place body_place;
        struct op_base_state base_state;
        struct op_base_mailbox base_mailbox;
        struct op_rows base_rows;
        struct op_vanished base_vanished;
        struct op_base_body base_body;
        struct op_base_drop base_drop;
        uint64_t base_end; /* BASE records of the segment, this one included */
    } as;
};

/* Adds the op. What it holds is within the limits above (asserted). */
void op_encode(struct buf *buf, const struct op *op);

struct op_walk {
    struct bytes ops;
    struct place change; /* of the record that holds them: inline bodies stand before it */
    bool
        checked; /* op_check has said yes, or they are one's own: sets are not gone through again */
    size_t at;
    bool failed; /* something in `ops` makes no sense */
};

/* The next op that this reader knows; false at the end and at nonsense (then `failed`). */
MUST_USE bool op_next(struct op_walk *walk, struct op *out_op);

/* True when every op makes sense: asked once before any is applied, so that a CHANGE is applied
 * whole or not at all. */
MUST_USE bool op_check(struct bytes ops, struct place change);

#endif
