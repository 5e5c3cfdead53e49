/* The page of metrics: what the processes count, in the text format of OpenMetrics 1.0. Pure.
 *
 * Families, their help and where their numbers come from stand in one table in metrics.c. Each
 * process has series of its own (label `process`, its index in its role): a counter begins at 0
 * again with its process, and sums over processes are for the reader to make. */
#ifndef ROOST_DAEMON_CONTROL_METRICS_H
#define ROOST_DAEMON_CONTROL_METRICS_H

#include <jansson.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "ipc/messages.h"

#define METRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

struct metrics_process {
    enum ipc_role role;
    unsigned index;
    json_t *stats; /* what it answered (daemon/role/stats.h); NULL: nothing in time */
};

/* A JSON object, or NULL. The caller's to json_decref. */
json_t *metrics_parse(struct bytes text);

/* The page. `status` is what the supervisor answered, NULL for nothing. Series of a process that
 * did not answer are left out, and its roost_up is 0; so are numbers that make no sense. */
void metrics_print(struct buf *out, const json_t *status, const struct metrics_process *processes,
                   size_t count);

#endif
