/* The batch of a log and what becomes of it, for log.c, log_write.c and log_work.c. Private to
 * them. */
#ifndef ROOST_STORE_LOG_BATCH_H
#define ROOST_STORE_LOG_BATCH_H

#include "store/log_private.h"

/* Where what is added to the batch next will stand. */
static inline uint64_t log_batch_tail(const struct log *log)
{
    return log_tail(log) + log->writing.written + log->batch.len;
}

/* A record with a payload of that length may be added to the batch. */
bool log_batch_has_room(const struct log *log, uint64_t length);

/* A write has failed with `err` and may have left a part: it is cut off again, or the log has
 * failed, because nothing more can be written. */
void log_cut_off(struct log *log, enum err err);

/* log_work.c */
void log_work_start(struct log *log); /* what is to be done next; when busy or idle: nothing */
MUST_USE enum err log_work_all_now(struct log *log, struct note *why); /* on this thread */
/* `why` NULL: the caller tells. */
void log_fail(struct log *log, enum err err, const struct note *why);

/* What is pending is what the next job writes; nothing else is so far. */
void log_let_leave(struct log *log);

/* Nobody hears of a log before some of it is on the disk: an opening that finds nothing begins it
 * anew, without an epoch, and gives out the same numbers again. */
static inline bool log_is_unheard(const struct log *log)
{
    return log->durable <= log->unheard;
}

#endif
