/* A run: one workload on many connections, in one thread. */
#ifndef ROOST_BENCH_LOAD_RUN_H
#define ROOST_BENCH_LOAD_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "load/check.h"
#include "load/workloads.h"

struct run_options {
    const struct workload *workload;
    struct mail_plan plan;
    SSL_CTX *context; /* NULL: plain */
    const char *user; /* account names are this with 0 to accounts - 1 behind it */
    const char *password; /* without quotes, backslashes and per cents */
    uint16_t port;
    const char *mailbox; /* that is read */
    uint64_t connections; /* connection i works for account i modulo accounts */
    uint64_t accounts;
    uint64_t operations; /* of all connections together, at least */
    uint64_t least_ms; /* operations go on to be begun for so long */
    bool until_told; /* instead of both: says "ready" at the start, and goes on until the end of
                        standard input, which is a pipe */
    uint64_t messages; /* in the mailbox that is read */
    uint64_t block; /* messages that a command of many is about */
    uint64_t recipients; /* of one delivery */
};

struct spans {
    uint64_t *ns; /* owned */
    size_t count;
    size_t room;
};

void spans_add(struct spans *spans, uint64_t ns);

/* The one below which `part` of 100 lie, after sorting them; 0 without any. */
uint64_t spans_percentile(struct spans *spans, unsigned part);

struct run_result {
    uint64_t operations; /* that were right */
    uint64_t items; /* messages (deliveries) they were about */
    uint64_t added; /* messages that a mailbox has now because of them */
    uint64_t errors;
    uint64_t bytes; /* of messages, sent or compared */
    struct spans spans; /* how long each operation took */
    struct spans own; /* of WORKLOAD_HEAR: until the OK of each APPEND */
    struct spans heard; /* until each EXISTS of each session, from the same moment */
    struct spans beside; /* the same, without what the APPEND took */
    uint64_t wall_ns; /* from the start of the first to the end of the last, without preparations
                         and verifying */
    uint64_t cpu_ns; /* of this process, between the same moments, with all of that */
    uint64_t busy_ns; /* between the same moments: what cpu_ns is a share of */
    char why[CHECK_WHY_BYTES]; /* the first error, NUL-terminated */
};

/* False when it could not be carried through (nobody listens, silence for RUN_SILENCE_MS, a
 * connection that goes): then `why` tells, and errors is above 0. `out_result` is filled in any
 * case, and is given up with run_result_done. A workload that prepares, verifies or pauses takes
 * one connection. */
bool run_workload(const struct run_options *options, struct run_result *out_result);

void run_result_done(struct run_result *result);

enum { RUN_SILENCE_MS = 120 * 1000 };

#endif
