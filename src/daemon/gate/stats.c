/* Counters of a gate, as JSON. */
#include "daemon/gate/stats.h"

#include <inttypes.h>

#include "daemon/gate/internal.h"
#include "daemon/role/stats.h"

enum { SERVICES = IPC_SERVICE_SMTP + 1 };

typedef uint64_t service_counts[SERVICES][2]; /* without and with TLS */

static void print_counts(struct buf *out, const service_counts counts)
{
    static const struct {
        enum ipc_service service;
        const char *name;
    } services[] = { { IPC_SERVICE_IMAP, "imap" }, { IPC_SERVICE_LMTP, "lmtp" } };

    for (size_t i = 0; i < ARRAY_COUNT(services); i++)
        buf_add_format(out, "%c\"%s\":{\"no\":%" PRIu64 ",\"yes\":%" PRIu64 "}", i == 0 ? '{' : ',',
                       services[i].name, counts[services[i].service][0],
                       counts[services[i].service][1]);
    buf_add_byte(out, '}');
}

void gate_on_stats(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    const struct gate *gate = from->role->context;
    struct role_asker asker = role_asker_of(from, message);
    struct buf text = buf_make(ROLE_STATS_BYTES_MAX);
    service_counts now = { { 0 } };
    service_counts all = { { 0 } };

    (void)fd;
    LIST_EACH (node, after, &gate->clients) {
        const struct client *client = CONTAINER_OF(node, struct client, link);

        now[client->service][client->tls || client->implicit_tls]++;
    }
    LIST_EACH (node, after, &gate->listeners) {
        const struct gate_listener *listener = CONTAINER_OF(node, struct gate_listener, link);

        all[listener->service][listener->implicit_tls] += listener->listener.accepted_total;
    }
    buf_add(&text, BYTES("{\"connections\":"));
    print_counts(&text, now);
    buf_add(&text, BYTES(",\"connections_total\":"));
    print_counts(&text, all);
    buf_add_byte(&text, '}');
    role_stats_answer(&asker, buf_bytes(&text));
    buf_done(&text);
}
