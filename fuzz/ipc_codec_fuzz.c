/* Packets from another process: whatever decodes must encode to the very same bytes. */
#include <stdlib.h>

#include "ipc/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes packet = bytes_make(data, size);
    struct buf again = buf_make(IPC_BYTES_MAX);
    struct ipc_message message;

    if (ipc_decode(packet, &message)) {
        if (!ipc_encode(&message, &again) || again.len > size)
            abort();
        if (again.len == size && !bytes_equal(buf_bytes(&again), packet))
            abort();
    }
    buf_done(&again);
    return 0;
}
