/* Ops about messages (store/op.h). */
#ifndef ROOST_STORE_OP_MESSAGE_H
#define ROOST_STORE_OP_MESSAGE_H

#include <stdint.h>

#include "store/op_parts.h"

struct op_put {
    struct mailbox_id mailbox;
    struct uid uid;
    struct body_id body;
    uint64_t
        body_back; /* encoding: bytes back from this CHANGE's header to the BODY's, or 0: `place` */
    struct place place; /* decoding: always resolved */
    uint64_t size;
    struct op_flag_names flags;
    struct zoned_time internal_date;
    int64_t save_date;
    struct thread_id thread;
};

struct op_flags {
    struct mailbox_id mailbox;
    uint32_t owner; /* 0: shared by all */
    uint8_t mode; /* enum flag_mode */
    struct op_flag_names flags;
    struct op_uids uids; /* those that it changes */
};

struct op_copy { /* COPY and MOVE: the n-th UID of `uids` (from 0) becomes first + n, there or not
                  */
    struct mailbox_id from;
    struct mailbox_id to;
    struct uid first;
    int64_t save_date;
    struct op_uids uids; /* those that were there */
};

struct op_expunge {
    struct mailbox_id mailbox;
    struct op_uids uids;
};

struct op_recent {
    struct mailbox_id mailbox;
    uint32_t floor;
};

enum { OP_THREAD_HASHES_MAX = 4 };

struct op_thread { /* hashes as store/thread_table.h makes them; those known already are ignored */
    struct thread_id thread;
    uint32_t count; /* 1 to OP_THREAD_HASHES_MAX */
    uint64_t hashes[OP_THREAD_HASHES_MAX];
};

#endif
