/* What an act is made of; for the files of this room. One verb_*.c an act, one row in maintain.c.
 */
#ifndef ROOST_MAINTAIN_VERB_H
#define ROOST_MAINTAIN_VERB_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "maintain/maintain.h"
#include "store/account_compact.h"
#include "store/types.h"

enum maintain_type { MAINTAIN_TEXT, MAINTAIN_NUMBER, MAINTAIN_FLAG };

struct maintain_argument {
    const char *name;
    enum maintain_type type; /* a number is an integer, not negative */
    bool required;
};

struct maintain_verb {
    const char *name;
    bool changes; /* the account: see maintain_changes */
    bool has_time; /* its jobs come after what clients wait for */
    const struct maintain_argument *arguments;
    size_t argument_count;
    /* The arguments are all known, of the right types, and the required ones there; they live until
     * `end`. Sets act->state. May be refused, with a note; `end` is not called then. */
    enum err (*begin)(struct maintain *act, const json_t *arguments, struct note *why);
    /* As maintain_step; never called while a job of maintain_run is out. */
    enum maintain_want (*step)(struct maintain *act, struct buf *out);
    /* Frees act->state; no job is running. */
    void (*end)(struct maintain *act);
};

struct maintain {
    const struct maintain_verb *verb;
    struct account *account;
    struct vfs *vfs;
    struct executor *executor;
    struct waker *waker;
    struct origin origin; /* for store/act.h; `now` is that of the step */
    void *state; /* the verb's own */
    /* The rest belongs to maintain.c. */
    json_t *arguments;
    struct job job;
    void (*run)(void *state);
    bool is_running; /* the job */
    bool is_dropped; /* freed by the job's end */
    bool is_done;
    struct account_pause pause;
    struct modseq paused_at; /* change number of the account then */
    enum err err;
    struct note why;
    uint8_t actor[MAINTAIN_ACTOR_BYTES_MAX];
};

/* Runs `run` on another thread: it may block, gets act->state and touches nothing that is not in
 * there; reading files through a vfs that is named there is allowed. One at a time. The step
 * answers MAINTAIN_WAIT, and the next step finds it done. */
void maintain_run(struct maintain *act, void (*run)(void *state));

/* For acts that read the log's past: from the moment that this answers true until the act is over
 * or given up nothing of the log is compacted or removed. False: not yet; the step answers
 * MAINTAIN_WAIT, and the next one asks again. */
MUST_USE bool maintain_hold_log(struct maintain *act);

/* Adds a line. Takes `line`; out of memory aborts. */
void maintain_put(struct buf *out, json_t *line);
void maintain_progress(struct buf *out, uint64_t done, uint64_t total);

/* A text of any bytes; what is no UTF-8 (damage, other people's directories) becomes a word. */
json_t *maintain_text(struct bytes text);

/* The two ends of an act, as answers of a step. The first takes `result`, an object. */
MUST_USE enum maintain_want maintain_succeed(struct maintain *act, struct buf *out, json_t *result);
MUST_USE enum maintain_want maintain_fail(struct maintain *act, enum err err, const char *format,
                                          ...) PRINTF_LIKE(3, 4);

/* The argument "mailbox" as the store spells it (INBOX in any case); empty: it is not there.
 * Borrowed from the arguments. */
struct bytes maintain_mailbox_name(const json_t *arguments);

/* The id of the mailbox that has that name now; 0: none has, or the name is empty. */
struct mailbox_id maintain_mailbox_id(const struct maintain *act, struct bytes name);

/* An argument in seconds since 1970; 0: it is not there. */
struct wall maintain_time(const json_t *arguments, const char *name);

/* Memory of a verb: zeroed, never NULL. */
void *maintain_alloc(size_t bytes);

/* The table's rows. */
extern const struct maintain_verb maintain_verb_hold;
extern const struct maintain_verb maintain_verb_log;
extern const struct maintain_verb maintain_verb_purge;
extern const struct maintain_verb maintain_verb_rewind;
extern const struct maintain_verb maintain_verb_undelete;
extern const struct maintain_verb maintain_verb_verify;

#endif
