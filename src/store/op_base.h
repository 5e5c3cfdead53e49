/* Ops of BASE records: what is, at one position of the log (docs/format.md, "Base segments"). */
#ifndef ROOST_STORE_OP_BASE_H
#define ROOST_STORE_OP_BASE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"
#include "store/op_parts.h"

struct op_base_state {
    struct account_id account;
    uint64_t position; /* of the log: everything before it is in this base */
    struct modseq change; /* number of the last change in it */
    struct modseq floor; /* of MODSEQs, from the last epoch; 0: none */
    uint32_t uidvalidity_last;
    uint32_t mailbox_next;
    uint64_t body_next;
    struct wall changed_at; /* when that change was made; 0: not known */
    uint64_t garbage; /* bytes of segments that stay though nothing needs them, about */
    bool damaged; /* an epoch told of damage */
};

struct op_base_mailbox {
    struct mailbox_id id;
    uint32_t uidvalidity;
    uint32_t uidnext;
    uint32_t uses;
    uint32_t recent_floor;
    struct modseq highest;
    struct modseq vanished_since; /* the vanished UIDs after this change are all in this base */
    struct bytes name;
    struct op_names keywords; /* the table: index by place in it */
};

struct op_vanished {
    struct mailbox_id mailbox;
    struct modseq modseq;
    struct op_uids uids;
};

struct op_base_body {
    struct body_id body;
    struct place place;
    uint64_t size; /* bytes of the message */
};

enum { OP_DROP_SEGMENTS_MAX = 64 * 1024 };

struct op_base_drop {
    struct wall when; /* the base was made */
    struct op_numbers segments; /* of any kind, at most OP_DROP_SEGMENTS_MAX */
};

#endif
