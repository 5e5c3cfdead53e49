/* The tls role: certificates and ticket keys from the supervisor, sockets from the gates. */
#include "daemon/tls/tls_role.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "config/config.h"
#include "daemon/role/stats.h"
#include "daemon/tls/sandbox.h"
#include "sys/fd.h"
#include "sys/process.h"

enum {
    CERTIFICATE_BYTES_MAX = 1024 * 1024,
    FDS_RESERVED = 64, /* channels, the loop, handshakes under way */
    FDS_EACH = 2,
};

static struct tls_role *role_of(struct role_peer *peer)
{
    return peer->role->context;
}

static enum err use_settings(struct role *role, struct note *why)
{
    struct tls_role *tls = role->context;
    struct tls_settings settings = { .certificate_pem = buf_bytes(&tls->certificate),
                                     .key_pem = buf_bytes(&tls->certificate),
                                     .ticket_keys = buf_bytes(&tls->ticket_keys) };
    struct tls_context *context = NULL;
    struct config config = { 0 };
    enum err err = config_parse(buf_bytes(&role->config), &config, why);

    if (err == ERR_OK) {
        tls->house.handshake_ms = (int64_t)config.tls_handshake_timeout_ms;
        settings.tls13_only = config.tls_version_min == CONFIG_TLS_1_3;
        err = tls_context_new(&settings, &context, why);
    }
    config_done(&config);
    if (err != ERR_OK)
        return err;
    tls_context_free(tls->house.context); /* running connections keep their hold on it */
    tls->house.context = context;
    return ERR_OK;
}

/* After the start. What does not work leaves the old as it was. */
static void renew(struct role *role, enum log_level level, const char *what)
{
    struct note why = { "" };

    if (!role->started)
        return;
    if (use_settings(role, &why) == ERR_OK)
        log_event(level, "tls-renewed", "what", what);
    else
        log_event(LOG_LEVEL_ERROR, "tls-not-renewed", "why", why.text);
}

static void on_config(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    renew(from->role, LOG_LEVEL_DEBUG, "settings");
}

static void on_certificate(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    struct tls_role *tls = role_of(from);
    uint64_t size = 0;
    uint8_t *into;

    if (!fd_check(*fd, FD_KIND_MEMFD_SEALED) || fd_size(*fd, &size) != ERR_OK ||
        size > CERTIFICATE_BYTES_MAX) {
        log_event(LOG_LEVEL_ERROR, "tls-not-renewed", "why", "no usable certificate was sent");
        return;
    }
    if (tls->certificate.at != NULL)
        explicit_bzero(tls->certificate.at, tls->certificate.capacity);
    buf_done(&tls->certificate);
    into = buf_reserve(&tls->certificate, (size_t)size);
    if (fd_read_at(*fd, 0, into, (size_t)size) == ERR_OK)
        buf_commit(&tls->certificate, (size_t)size);
    renew(from->role, LOG_LEVEL_INFO, "certificate");
}

static void on_tickets(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    struct tls_role *tls = role_of(from);

    buf_clear(&tls->ticket_keys);
    buf_add(&tls->ticket_keys, message->tls_tickets.keys);
    renew(from->role, LOG_LEVEL_DEBUG, "ticket keys");
}

static const char *alpn_of(uint8_t service)
{
    if (service == IPC_SERVICE_IMAP)
        return "imap";
    return service == IPC_SERVICE_POP3 ? "pop3" : NULL;
}

static void refuse(const struct role_asker *asker, enum ipc_result result, const char *text)
{
    struct ipc_message answer = { IPC_TLS_ANSWER,
                                  { .tls_answer = { .result = (uint8_t)result,
                                                    .text = bytes_from_string(text) } } };

    role_answer(asker, &answer, NULL);
}

static void on_start(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    struct tls_role *tls = role_of(from);
    const struct relay_request request = { .asker = role_asker_of(from, message),
                                           .alpn = alpn_of(message->tls_start.service) };

    if (!fd_check(*fd, FD_KIND_SOCKET_STREAM))
        refuse(&request.asker, IPC_INVALID, "not a connection");
    else if (tls->stopping)
        refuse(&request.asker, IPC_UNAVAILABLE, "the server is stopping");
    else if (relay_start(&tls->house, fd, &request) != ERR_OK)
        refuse(&request.asker, IPC_LIMIT, "too many TLS connections");
}

static void on_settled(struct relay *relay, const struct tls_facts *facts, int *plain_fd,
                       const char *why)
{
    struct tls_role *tls = CONTAINER_OF(relay->house, struct tls_role, house);
    char text[RELAY_FACTS_BYTES_MAX];
    struct ipc_message answer = { .type = IPC_TLS_ANSWER };

    if (facts != NULL)
        tls->handshakes++;
    else
        tls->handshakes_failed++;
    if (facts == NULL) { /* the gate logs it: it knows the client's address */
        refuse(&relay->asker, IPC_INVALID, why);
        return;
    }
    (void)snprintf(text, sizeof(text), "%s %s", facts->version, facts->cipher);
    answer.tls_answer = (struct ipc_tls_answer){
        .result = IPC_OK,
        .facts = bytes_from_string(text),
        .server_name = bytes_from_string(facts->server_name),
        .channel_binding =
            bytes_make(facts->binding, facts->has_binding ? sizeof(facts->binding) : 0),
    };
    role_answer(&relay->asker, &answer, plain_fd);
}

static void on_stats(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    const struct tls_role *tls = role_of(from);
    struct role_asker asker = role_asker_of(from, message);
    struct buf text = buf_make(ROLE_STATS_BYTES_MAX);

    buf_add_format(&text,
                   "{\"connections\":%zu,\"handshakes_total\":{\"ok\":%" PRIu64
                   ",\"failed\":%" PRIu64 "}}",
                   tls->house.count, tls->handshakes, tls->handshakes_failed);
    role_stats_answer(&asker, buf_bytes(&text));
    buf_done(&text);
}

static const struct role_handler handlers[] = {
    { IPC_CONFIG, on_config },       { IPC_CERTIFICATE, on_certificate },
    { IPC_TLS_TICKETS, on_tickets }, { IPC_TLS_START, on_start },
    { IPC_STATS, on_stats },
};

static enum err prepare(struct role *role, struct sandbox_profile *out_profile, struct note *why)
{
    struct tls_role *tls = role->context;
    uint64_t fds = process_raise_fd_limit();

    relay_house_init(&tls->house, role->loop);
    tls->house.settled = on_settled;
    tls->house.count_max = fds > FDS_RESERVED ? (size_t)(fds - FDS_RESERVED) / FDS_EACH : 1;
    out_profile->sets = tls_sandbox_sets;
    /* OpenSSL reads its own configuration with the first context: before the walls. */
    return use_settings(role, why);
}

static void on_empty(struct relay_house *house)
{
    role_end(CONTAINER_OF(house, struct tls_role, house)->role, 0);
}

static void stop(struct role *role)
{
    struct tls_role *tls = role->context;

    tls->stopping = true;
    tls->role = role;
    relay_house_stop(&tls->house, on_empty);
    if (tls->house.count == 0)
        role_end(role, 0);
}

const struct role_spec tls_role_spec = {
    .role = IPC_ROLE_TLS,
    .handlers = handlers,
    .handler_count = ARRAY_COUNT(handlers),
    .prepare = prepare,
    .stop = stop,
};

void tls_role_init(struct tls_role *tls)
{
    *tls = (struct tls_role){
        .certificate = buf_make(CERTIFICATE_BYTES_MAX),
        .ticket_keys = buf_make((size_t)TLS_TICKET_KEY_BYTES * 2),
    };
}

void tls_role_done(struct tls_role *tls)
{
    if (tls->house.loop != NULL)
        relay_house_done(&tls->house);
    buf_done(&tls->certificate);
    buf_done(&tls->ticket_keys);
}

int tls_role_main(void)
{
    struct tls_role tls;

    tls_role_init(&tls);
    return role_main(&tls_role_spec, &tls);
}
