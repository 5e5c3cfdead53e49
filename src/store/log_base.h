/* The log and its bases: what compaction needs of it. On the owner's thread. */
#ifndef ROOST_STORE_LOG_BASE_H
#define ROOST_STORE_LOG_BASE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/time.h"

struct log;

/* The newest base: what the log begins with. 0: none, it begins with its first segment. */
uint64_t log_base(const struct log *log);
/* There is a newer one, it is on the disk, and nothing needs what it supersedes. */
void log_set_base(struct log *log, uint64_t base);

/* A number for a base that is to be made. */
uint64_t log_number_base(struct log *log);

/* The segment to which batches go: its bytes, header included, and the last change before it. */
uint64_t log_segment_bytes(const struct log *log);
struct wall log_segment_when(const struct log *log);

/* Begins the next segment, so that this one may be superseded. `last`: when its last change was
 * made. False, nothing happens: something of it is not durable yet, or it has no records. It is
 * made when log_tip is durable again and log_is_rolling is false. */
MUST_USE bool log_roll(struct log *log, struct wall last);
bool log_is_rolling(const struct log *log);

#endif
