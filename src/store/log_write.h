/* A CHANGE that may be large, written in pieces: in place of log_add_change and log_append.
 *
 * From log_write_begin to its last piece no batch is begun, and nobody sees anything of it: the end
 * of the log is where it was. What is in the batch goes before it. Jobs of the log may come and go
 * between two pieces. While nothing may be written yet (store/log.h) the pieces wait in memory. */
#ifndef ROOST_STORE_LOG_WRITE_H
#define ROOST_STORE_LOG_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/log.h"

struct log_change {
    struct modseq number;
    struct wall when;
    struct bytes payload; /* op_origin_encode, then ops; stays where it is until it is through */
    bool gated;
};

/* ERR_LIMIT as log_add_change; ERR_CLOSED. */
MUST_USE enum err log_write_begin(struct log *log, const struct log_change *change,
                                  struct log_record *out_record);

/* Writes about `bytes_max` more of it, and at least a little. ERR_BUSY: there is more to write.
 * ERR_OK: it is in the log. Others as log_append, and it is given up. */
enum { LOG_PIECE_BYTES_MIN = 64 };
MUST_USE enum err log_write(struct log *log, uint64_t bytes_max);

#endif
