/* An account on a test disk, with what a test needs around it: an executor, a waker that counts,
 * acts that must succeed. */
#ifndef ROOST_TEST_KIT_DESK_H
#define ROOST_TEST_KIT_DESK_H

#include "base/arena.h"
#include "base/buf.h"
#include "kit/jobs.h"
#include "store/account.h"
#include "store/act.h"
#include "store/body.h"
#include "store/mailbox.h"
#include "store/types.h"
#include "store/view.h"

struct desk {
    struct vfs *vfs; /* borrowed */
    struct jobs jobs;
    struct account_options options;
    struct account_report report; /* of the last opening */
    struct note why;
    struct account *account; /* NULL: not open */
    struct waker waker;
    unsigned wakes;
    struct wall now; /* moves a second with each act */
    struct mono mono; /* moves with each desk_tick */
};

/* On that disk; nothing is opened yet. */
void desk_init(struct desk *desk, struct vfs *vfs);

/* Opens; `create` is set in desk->options. */
enum err desk_open(struct desk *desk);

/* Runs all jobs, closes. */
void desk_close(struct desk *desk);

/* The answer of an act that has answered `err` so far: goes on with it to its end. */
enum err desk_finish(struct desk *desk, enum err err);

/* Goes on with what the account is at, and runs all jobs. */
void desk_settle(struct desk *desk);

/* Until all that was done is durable. */
void desk_sync(struct desk *desk);

/* Housekeeping, 100 ms later than the last time. */
struct mono desk_tick(struct desk *desk);

struct origin desk_origin(struct desk *desk);

struct mailbox *desk_mailbox(struct desk *desk, const char *name);

/* A finished body of that text; the jobs of a large one are run. */
enum err desk_body(struct desk *desk, struct bytes text, struct body_writer **out_writer);

/* Appends one message; the error of body or act. `out_uid` may be NULL. */
enum err desk_append(struct desk *desk, struct mailbox *mailbox, struct bytes text, uint16_t flags,
                     struct uid *out_uid);

/* STORE of system flags and at most one keyword (empty: none). */
struct desk_store {
    struct uid_range uids;
    enum flag_mode mode;
    uint16_t flags;
    struct bytes keyword;
};
enum err desk_flags(struct desk *desk, struct mailbox *mailbox, struct desk_store store,
                    struct modseq *out_modseq);

/* The whole body into `out`, running jobs as long as it is ERR_BUSY. */
enum err desk_read(struct desk *desk, struct body_id body, struct buf *out);

#endif
