/* Reads that must wait for the disk: jobs that bring bodies and summaries into the page cache, or
 * make a summary anew. */
#ifndef ROOST_STORE_BODY_LOAD_H
#define ROOST_STORE_BODY_LOAD_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/job.h"
#include "base/list.h"
#include "store/body_table.h"
#include "store/log_body.h"
#include "store/summary_file.h"
#include "store/summary_index.h"
#include "store/types.h"

struct account;

enum body_load_kind {
    LOAD_CHUNKS, /* of the body into the page cache */
    LOAD_INDEX, /* the summary file's index, whole, for all that wait for it */
    LOAD_SUMMARY, /* an entry of the summary file, into the page cache */
    LOAD_PARSE, /* the whole body, into a summary */
};

/* One read for one waiter. It stays in the account's list after it is done until the waiter asks
 * again; only then the waiter reads without NOWAIT, and finds what was fetched. */
struct body_load {
    struct list link;
    struct job job;
    struct account *account;
    struct waker *waker; /* borrowed; NULL: nobody waits any more */
    enum body_load_kind kind;
    struct body_id body;
    struct place place;
    uint64_t chunk_first;
    uint64_t chunk_count;
    struct summary_place summary_place;
    struct vfs *vfs;
    struct account_id account_id;
    bool done;
    enum err err;
    struct buf summary; /* what LOAD_PARSE made */
    struct summary_index index; /* what LOAD_INDEX read */
};

/* The waiter's load of that body, running or done; NULL when there is none. */
struct body_load *body_load_find(struct account *account, enum body_load_kind kind,
                                 struct body_id body, struct waker *waker);

/* False: the body has moved since it was started. */
bool body_load_is_of(const struct body_load *load, const struct body_entry *entry);

/* Starts one; what it needs beyond body, kind and waker is set by `with`, which is copied. */
void body_load_start(struct account *account, const struct body_load *with);

/* Frees one that is done. */
void body_load_free(struct body_load *load);

/* Frees all; none is running. */
void body_load_free_all(struct account *account);

#endif
