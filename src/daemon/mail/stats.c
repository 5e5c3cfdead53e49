/* Counters of a shard, as JSON. */
#include "daemon/mail/stats.h"

#include <inttypes.h>

#include "daemon/mail/shard.h"
#include "daemon/role/stats.h"

static void print_stats(const struct shard *shard, struct buf *out)
{
    const struct shard_counts *counts = &shard->counts;

    buf_add_format(out, "{\"shard\":%u,\"sessions\":%" PRIu64 ",\"accounts_open\":%" PRIu64,
                   shard->role->start.index, counts->sessions, counts->accounts_open);
    buf_add_format(out,
                   ",\"deliveries\":%" PRIu64 ",\"logins_total\":%" PRIu64
                   ",\"delivered_total\":%" PRIu64,
                   counts->deliveries, counts->logins, counts->delivered);
    buf_add_format(out, ",\"sessions_by_tls\":{\"no\":%" PRIu64 ",\"yes\":%" PRIu64 "}",
                   counts->sessions - counts->sessions_tls, counts->sessions_tls);
    buf_add_format(out,
                   ",\"accounts_opened_total\":%" PRIu64 ",\"failures_total\":{\"open\":%" PRIu64
                   ",\"log\":%" PRIu64 "}",
                   counts->accounts_opened, counts->open_failures, counts->log_failures);
    buf_add_format(out,
                   ",\"log_syncs_total\":%" PRIu64 ",\"log_bytes_total\":%" PRIu64
                   ",\"held_output_bytes\":%" PRIu64 ",\"deliveries_total\":",
                   counts->log_syncs, counts->log_bytes, counts->held_bytes);
    role_stats_print_results(out, counts->answered);
    buf_add_byte(out, '}');
}

void mail_on_stats(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    const struct shard *shard = from->role->context;
    struct role_asker asker = role_asker_of(from, message);
    struct buf text = buf_make(ROLE_STATS_BYTES_MAX);

    print_stats(shard, &text);
    role_stats_answer(&asker, buf_bytes(&text));
    buf_done(&text);
}
