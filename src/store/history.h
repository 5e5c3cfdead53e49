/* The past of an account: its base and log, replayed up to a point into a state that is nobody's.
 *
 * Takes no lock, writes nothing, and may run on any thread while the owner works: given a position
 * that is durable it reads nothing behind it. The segments that it reads must stay while it runs.
 * What is damaged is left out, as recovery leaves it out.
 *
 * The state starts with the newest base (what was before the horizon is forgotten) and goes through
 * the changes one by one. Memory: as the open account, and what its bodies table holds of messages
 * that went. */
#ifndef ROOST_STORE_HISTORY_H
#define ROOST_STORE_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/time.h"

struct history;
struct log_record;
struct state;
struct vfs;

/* A CHANGE, and the state without it or with it; its body table is settled. Both are borrowed until
 * the callback returns. An error ends the history. */
typedef enum err history_change_fn(void *context, const struct state *state,
                                   const struct log_record *record);

struct history_options {
    struct vfs *vfs; /* the account's directory; borrowed until history_close */
    uint64_t position; /* stop before the first record at or behind this position of the log;
                        * UINT64_MAX: at the end of what is whole */
    struct wall until; /* stop before the first CHANGE with a later wall time; INT64_MAX: never */
    history_change_fn *before; /* called before a CHANGE is applied; may be NULL */
    history_change_fn *after; /* called when it has been; may be NULL */
    void *context;
};

/* Finds the segments and reads through the newest base to see that it is whole. Blocks.
 * ERR_NOT_FOUND: there is no log. ERR_CONFLICT: the base is of a later position. ERR_UNSUPPORTED: a
 * newer version wrote it. */
MUST_USE enum err history_open(const struct history_options *options, struct history **out_history,
                               struct note *why);

/* Goes on for about `bytes` of log (at least one record); *out_done: the end is reached. Blocks as
 * long as reading takes. After an error only history_close works. */
MUST_USE enum err history_step(struct history *history, uint64_t bytes, bool *out_done,
                               struct note *why);

/* The state as far as it has come; borrowed until the next step. Before the first CHANGE or the end
 * was reached a base may be half read. */
const struct state *history_state(const struct history *history);

/* The same at its end, for who changes it: only history_close may follow. */
struct state *history_own(struct history *history);

/* From when on the history is complete: the last change in the base, or the first of the account.
 * With `until` before that the state is the one of this moment. Known once a CHANGE or the end was
 * reached; 0 before. */
struct wall history_since(const struct history *history);

/* How far it has come: a position of the log. */
uint64_t history_position(const struct history *history);

/* Records, and stretches where none could be made out, that were left out. */
uint64_t history_damaged(const struct history *history);

/* NULL is allowed. */
void history_close(struct history *history);

#endif
