/* Lines of the control socket: a question, and behind its first LF what auth might say of an
 * account. */
#include "daemon/control/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes all = bytes_make(data, size);
    size_t end = bytes_find_byte(all, 0, '\n');
    struct control_request request = { .json = NULL };
    const char *complaint = NULL;
    struct buf out = buf_make(1024 * 1024);
    unsigned shard;

    if (!control_request_parse(bytes_slice(all, 0, end), &request, &complaint))
        control_print_refusal(&out, IPC_INVALID, bytes_from_string(complaint));
    else if (request.maintain &&
             control_request_maintain(&request, bytes_from(all, end), 0, &shard))
        control_print_result(&out, request.message.maintain.act, true);
    control_print_result(&out, all, false);
    control_request_done(&request);
    buf_done(&out);
    return 0;
}
