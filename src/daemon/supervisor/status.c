/* The state as JSON. Nothing in it needs quoting. */
#include "daemon/supervisor/status.h"

#include "ipc/request_table.h"
#include "ipc/route.h"

static void print_worker(const struct worker *worker, struct buf *out)
{
    static const char *const states[] = { "down", "starting", "ready" };

    buf_add_format(out, "{\"role\":\"%s\",\"index\":%u,\"pid\":%d,\"state\":\"%s\",",
                   ipc_role_name(worker->role), worker->index, (int)worker->child.pid,
                   states[worker->state]);
    buf_add_format(out, "\"restarts\":%u}", worker->starts == 0 ? 0 : worker->starts - 1);
}

static void print_blame(const struct supervisor *supervisor, const struct blame *blame,
                        struct buf *out)
{
    char hex[IPC_ID_TEXT_BYTES];

    ipc_id_print(blame->id.raw, hex);
    buf_add_format(out, "{\"account_id\":\"%s\",\"crashes\":%u,\"set_apart\":%s,\"shard\":%u}", hex,
                   blame->crashes, blame->apart ? "true" : "false",
                   blames_shard_of(&supervisor->blames, &blame->id, supervisor->shards));
}

void status_print(const struct supervisor *supervisor, struct buf *out)
{
    buf_add_format(out, "{\"version\":\"%s\",\"started\":%lld,\"processes\":[", ROOST_VERSION,
                   (long long)wall_seconds(supervisor->started_at));
    for (size_t i = 0; i < supervisor->worker_count; i++) {
        if (i > 0)
            buf_add_byte(out, ',');
        print_worker(&supervisor->workers[i], out);
    }
    buf_add(out, BYTES("],\"crashed_accounts\":["));
    for (size_t i = 0; i < supervisor->blames.count; i++) {
        if (i > 0)
            buf_add_byte(out, ',');
        print_blame(supervisor, &supervisor->blames.at[i], out);
    }
    buf_add(out, BYTES("]}"));
}
