/* Lines of the control socket. */
#include "daemon/control/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct control_request request = { .json = NULL };
    const char *complaint = NULL;
    struct buf out = buf_make(1024 * 1024);

    if (!control_request_parse(bytes_make(data, size), &request, &complaint))
        control_print_refusal(&out, IPC_INVALID, bytes_from_string(complaint));
    control_print_result(&out, bytes_make(data, size), false);
    control_request_done(&request);
    buf_done(&out);
    return 0;
}
