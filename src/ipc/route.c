/* Ids are random: any part of them is a hash. */
#include "ipc/route.h"

#include <string.h>

#include "base/ascii.h"
#include "base/num.h"

uint16_t ipc_shard_of(const struct ipc_account_id *id, uint16_t shards)
{
    if (shards == 0)
        return 0;
    return (uint16_t)(num_load_u64(id->raw) % shards);
}

bool ipc_id_equal(const struct ipc_account_id *a, const struct ipc_account_id *b)
{
    return memcmp(a->raw, b->raw, sizeof(a->raw)) == 0;
}

void ipc_id_print(const uint8_t raw[IPC_ACCOUNT_ID_BYTES], char out_hex[IPC_ID_TEXT_BYTES])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < IPC_ACCOUNT_ID_BYTES; i++) {
        out_hex[2 * i] = digits[raw[i] >> 4];
        out_hex[2 * i + 1] = digits[raw[i] & 15];
    }
    out_hex[IPC_ID_TEXT_BYTES - 1] = '\0';
}

bool ipc_id_parse(const char *hex, uint8_t out_raw[IPC_ACCOUNT_ID_BYTES])
{
    uint8_t raw[IPC_ACCOUNT_ID_BYTES];

    if (hex == NULL || strlen(hex) != 2 * sizeof(raw))
        return false;
    for (size_t i = 0; i < sizeof(raw); i++) {
        int high = ascii_hex_value((uint8_t)hex[2 * i]);
        int low = ascii_hex_value((uint8_t)hex[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        raw[i] = (uint8_t)(high << 4 | low);
    }
    memcpy(out_raw, raw, sizeof(raw));
    return true;
}
