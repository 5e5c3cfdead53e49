/* What only a copy of an account's directory can have: messages whose bodies did not come along.
 *
 * A directory is copied file by file while its owner goes on. The log may be copied after a message
 * came whose body segment was made after log/ was listed, or was still being written when its turn
 * came. Nobody who had an answer before the copy began can miss such a message. */
#ifndef ROOST_STORE_ACCOUNT_COPY_H
#define ROOST_STORE_ACCOUNT_COPY_H

#include <stdint.h>

#include "base/err.h"

struct account;
struct change;

/* Adds the EXPUNGE of these messages to the change; *out_count of them. Bodies that are missing for
 * another reason (their segment is older than the last log segment) are not touched: they are
 * damage. Blocks; for an account that is being opened. */
MUST_USE enum err account_copy_leave_out(struct account *account, struct change *change,
                                         uint64_t *out_count);

#endif
