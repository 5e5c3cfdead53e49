/* Accounts by their ids, as every process says and finds them. Pure. */
#ifndef ROOST_IPC_ROUTE_H
#define ROOST_IPC_ROUTE_H

#include "base/attributes.h"
#include "ipc/messages.h"

enum { IPC_ID_TEXT_BYTES = 2 * IPC_ACCOUNT_ID_BYTES + 1 };

/* Which shard serves an account that was not set apart (IPC_PLACE): always the same one for a
 * number of shards; 0 for none. Auth routes by it; the supervisor holds against it what a shard
 * that died had noted. */
uint16_t ipc_shard_of(const struct ipc_account_id *id, uint16_t shards);

/* Two accounts, or one. */
bool ipc_id_equal(const struct ipc_account_id *a, const struct ipc_account_id *b);

/* 32 hexadecimal digits and a NUL. */
void ipc_id_print(const uint8_t raw[IPC_ACCOUNT_ID_BYTES], char out_hex[IPC_ID_TEXT_BYTES]);

/* The other way. False, and nothing is written, when `hex` is NULL or no such text. */
MUST_USE bool ipc_id_parse(const char *hex, uint8_t out_raw[IPC_ACCOUNT_ID_BYTES]);

#endif
