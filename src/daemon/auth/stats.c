/* Logins that were counted, as JSON. */
#include "daemon/auth/stats.h"

#include "daemon/auth/state.h"
#include "daemon/role/stats.h"

static const char *const mechanisms[] = { "PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS",
                                          "other" };

_Static_assert(ARRAY_COUNT(mechanisms) == AUTH_MECHANISMS, "a row for each");

size_t auth_stats_mechanism(struct bytes name)
{
    size_t i = 0;

    while (i < AUTH_MECHANISMS - 1 && !bytes_equal(name, bytes_from_string(mechanisms[i])))
        i++;
    return i;
}

void auth_stats_on_request(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    const struct auth_state *state = from->role->context;
    struct role_asker asker = role_asker_of(from, message);
    struct buf text = buf_make(ROLE_STATS_BYTES_MAX);

    (void)fd;
    for (size_t i = 0; i < AUTH_MECHANISMS; i++) {
        buf_add_format(&text, "%s\"%s\":", i == 0 ? "{\"logins_total\":{" : ",", mechanisms[i]);
        role_stats_print_results(&text, state->logins[i]);
    }
    buf_add(&text, BYTES("}}"));
    role_stats_answer(&asker, buf_bytes(&text));
    buf_done(&text);
}
