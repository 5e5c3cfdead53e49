/* Requests for the page of metrics, and what a process of ours might answer for it. */
#include "daemon/control/http.h"
#include "daemon/control/metrics.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_make(data, size);
    struct metrics_process gate = { IPC_ROLE_GATE, 0, metrics_parse(in) };
    json_t *status = metrics_parse(in);
    struct buf out = buf_make(1024 * 1024);
    struct http_request request;

    if (http_request_parse(in, &request) == HTTP_DONE)
        buf_add(&out, request.path);
    metrics_print(&out, status, &gate, 1);
    json_decref(gate.stats);
    json_decref(status);
    buf_done(&out);
    return 0;
}
