/* Maintenance of one open account: verify it, and what else an administrator asks for.
 *
 * The account in, lines of JSON out; no socket, no IPC, no clock. Whoever owns the account runs an
 * act step by step on the account's thread: maintain_new, then maintain_step until MAINTAIN_DONE,
 * then maintain_result. The same code serves the running server (daemon/mail) and the command that
 * opens the account itself (cli).
 *
 * Lines, each an object of its own and ended by LF:
 *   {"progress":{"done":n,"total":m}}   in a unit of the act's own; `total` may change
 *   what else the act documents         (verb_*.c)
 *   {"result":{...}}                    the last one, and only of an act that succeeded
 */
#ifndef ROOST_MAINTAIN_MAINTAIN_H
#define ROOST_MAINTAIN_MAINTAIN_H

#include <stdbool.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/job.h"
#include "base/time.h"

struct account;
struct maintain;
struct vfs;

enum {
    MAINTAIN_STEP_BYTES_MAX = 24 * 1024, /* of lines that one step may add */
    MAINTAIN_ARGUMENTS_BYTES_MAX = 16 * 1024,
    MAINTAIN_ACTOR_BYTES_MAX = 255,
};

enum maintain_want {
    MAINTAIN_AGAIN, /* there is more to do at once */
    MAINTAIN_WAIT, /* a job runs; the waker will come */
    MAINTAIN_DONE,
};

struct maintain_options {
    struct account *account; /* open; borrowed, as the following, until maintain_free */
    struct vfs *vfs; /* the account's directory */
    struct executor *executor; /* for jobs */
    struct executor *background; /* for those of acts that read everything; NULL: the same */
    struct waker *waker;
    struct bytes act; /* "verify" */
    struct bytes arguments; /* a JSON object; empty: none */
    struct bytes actor; /* who wants it; cut at MAINTAIN_ACTOR_BYTES_MAX */
};

/* Nothing is done yet. With a note: ERR_UNSUPPORTED: there is no such act; ERR_INVALID: the
 * arguments are no JSON object, one is missing, of the wrong type or none that the act takes. */
MUST_USE enum err maintain_new(const struct maintain_options *options, struct maintain **out_act,
                               struct note *why);

/* Does a bounded amount (at most a few milliseconds, as a command's step) and adds whole lines, at
 * most MAINTAIN_STEP_BYTES_MAX, for which `out` has room. May be called while a job runs, and then
 * does nothing. Not after MAINTAIN_DONE. */
MUST_USE enum maintain_want maintain_step(struct maintain *act, struct wall now, struct buf *out);

/* How it ended, once it is done; on failure with a line for a person. */
MUST_USE enum err maintain_result(const struct maintain *act, struct note *why);

/* True when the act changes the account: its end is true when account_durable has reached what
 * account_gate says after the last step. */
bool maintain_changes(const struct maintain *act);

/* At any time: an act that is not done is given up. A job that runs goes on for a while and then
 * ends unheard; the account's directory must stay until then. NULL is allowed. */
void maintain_free(struct maintain *act);

#endif
