/* Counters as JSON. */
#include "daemon/role/stats.h"

#include <inttypes.h>

const char *role_stats_result(enum ipc_result result)
{
    switch (result) {
    case IPC_OK: return "ok";
    case IPC_DENIED: return "denied";
    case IPC_NOT_FOUND: return "not_found";
    case IPC_EXISTS: return "exists";
    case IPC_INVALID: return "invalid";
    case IPC_UNAVAILABLE: return "unavailable";
    case IPC_LIMIT: return "limit";
    case IPC_OVER_QUOTA: return "over_quota";
    case IPC_TOO_LARGE: return "too_large";
    case IPC_NO_SPACE: return "no_space";
    case IPC_EXPIRED: return "expired";
    case IPC_UNSUPPORTED: return "unsupported";
    case IPC_RESULT_COUNT: break;
    }
    return "unknown";
}

void role_stats_print_results(struct buf *out, const uint64_t counts[IPC_RESULT_COUNT])
{
    buf_add_format(out, "{\"ok\":%" PRIu64, counts[IPC_OK]);
    for (int i = IPC_OK + 1; i < IPC_RESULT_COUNT; i++)
        if (counts[i] > 0)
            buf_add_format(out, ",\"%s\":%" PRIu64, role_stats_result((enum ipc_result)i),
                           counts[i]);
    buf_add_byte(out, '}');
}

void role_stats_answer(const struct role_asker *asker, struct bytes json)
{
    struct ipc_message answer = { IPC_STATS_ANSWER, { .text_answer = { .text = json } } };

    role_answer(asker, &answer, NULL);
}
