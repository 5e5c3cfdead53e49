/* The mail role: what it is told, what it has, its walls. */
#include <jansson.h>
#include <stdlib.h>

#include "base/log.h"
#include "daemon/mail/connection.h"
#include "daemon/mail/delivery.h"
#include "daemon/mail/home.h"
#include "daemon/mail/maintenance.h"
#include "daemon/mail/mark.h"
#include "daemon/mail/shard.h"
#include "daemon/mail/stats.h"
#include "ipc/request_table.h"
#include "message/charset.h"
#include "search/texts.h"
#include "store/packed_body.h"
#include "sys/clock.h"
#include "sys/entropy.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "sys/sandbox.h"
#include "sys/vfs_posix.h"

enum {
    QUIET_LOOK_MS = 10 * 1000,
    STOP_SESSIONS_MS = 2000, /* for last words and deliveries that are running */
    FDS_OTHERS = 128, /* channels, the loop's own, what jobs open */
    FDS_PER_AWAKE = 5, /* beyond HOME_FDS: the segment, two to be read, the two of summaries */
    FDS_MIN = 64, /* for homes, sessions and deliveries, however few there are */
    AWAKE_MIN = 8,
    AWAKE_MAX = 256,
    AWAKE_SHARE = 64, /* of the descriptors */
    IDLE_THREADS = 1,
};

static struct shard *shard_of(const struct role *role)
{
    return role->context;
}

struct shard *shard_new(struct executor *executor)
{
    struct shard *shard = calloc(1, sizeof(*shard));

    if (shard == NULL)
        abort();
    shard->executor = executor;
    shard->background = executor;
    shard->scratch = buf_make(SHARD_SCRATCH_BYTES_MAX);
    shard->turn.run = shard_turn;
    list_init(&shard->quiet);
    list_init(&shard->awake);
    list_init(&shard->touched);
    list_init(&shard->busy);
    list_init(&shard->fresh);
    list_init(&shard->queued);
    list_init(&shard->ready);
    list_init(&shard->maintenances);
    list_init(&shard->maintaining);
    return shard;
}

void shard_free(struct shard *shard)
{
    pool_free(shard->idle_pool);
    pool_free(shard->pool);
    homes_free(shard);
    loop_undefer(&shard->turn);
    loop_timer_done(&shard->quiet_timer);
    loop_timer_done(&shard->stop_timer);
    if (shard->role != NULL)
        tickets_done(&shard->tickets);
    vfs_posix_free(shard->vfs);
    packing_free(shard->packing);
    search_texts_free(shard->texts);
    mark_done(shard);
    buf_done(&shard->scratch);
    config_done(&shard->config);
    free(shard);
}

struct shard_counts shard_counts(const struct shard *shard)
{
    return shard->counts;
}

static void on_ticket(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    struct shard *shard = shard_of(from->role);
    struct role_asker asker = role_asker_of(from, message);
    struct ipc_message answer = { .type = IPC_TICKET_ANSWER };

    answer.answer.result =
        (uint8_t)(shard->stopping
                      ? IPC_UNAVAILABLE
                      : tickets_announce(&shard->tickets, &message->ticket_announce, clock_mono()));
    role_answer(&asker, &answer, NULL);
}

/* When there are too many, or the shard ends, who shows it is refused. */
static void on_delivery_ticket(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    struct shard *shard = shard_of(from->role);
    const struct ipc_ticket_announce *announce = &message->ticket_announce;
    enum ipc_result result = IPC_UNAVAILABLE;

    if (!ipc_service_delivers(announce->service))
        result = IPC_INVALID;
    else if (!shard->stopping)
        result = tickets_announce(&shard->tickets, announce, clock_mono());
    if (result != IPC_OK)
        log_event(LOG_LEVEL_WARNING, "ticket-dropped", "why", ipc_result_text(result));
}

/* A ticket for a delivery may still lie in the channel from auth. */
static enum ipc_result claim_late(struct role_peer *gate, const struct ipc_ticket *shown,
                                  const struct ticket_claim *claim, struct ticket **out_ticket)
{
    struct tickets *tickets = &shard_of(gate->role)->tickets;
    struct role_peer *auth = role_peer_find(gate->role, IPC_ROLE_AUTH, 0);

    if (auth != NULL)
        channel_receive_now(&auth->channel);
    return tickets_claim(tickets, shown, claim, clock_mono(), out_ticket);
}

static enum ipc_result claim(struct role_peer *gate, const struct ipc_ticket *shown,
                             uint8_t service, bool keeps, struct ticket **out_ticket)
{
    struct ticket_claim claim = { .gate = gate->index,
                                  .gate_incarnation = gate->incarnation,
                                  .service = service,
                                  .keeps = keeps };
    struct log_line line;
    enum ipc_result result =
        tickets_claim(&shard_of(gate->role)->tickets, shown, &claim, clock_mono(), out_ticket);

    if (result == IPC_DENIED && ipc_service_delivers(service))
        result = claim_late(gate, shown, &claim, out_ticket);
    if (result == IPC_OK)
        return IPC_OK;
    /* Whose ticket was to be kept asks auth for another one. */
    log_begin(&line, keeps ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, "ticket-refused");
    log_number(&line, "gate", gate->index);
    log_string(&line, "why", ipc_result_text(result));
    log_end(&line);
    return result;
}

static size_t connections_of(const struct home *home)
{
    size_t count = 0;

    LIST_EACH (node, after, &home->connections)
        count++;
    return count;
}

static enum ipc_result take_connection(struct role_peer *gate, const struct ipc_handoff *handoff,
                                       int *fd)
{
    struct shard *shard = shard_of(gate->role);
    struct ticket *ticket;
    struct home *home;
    enum ipc_result result;

    if (handoff->service != IPC_SERVICE_IMAP || !fd_check(*fd, FD_KIND_SOCKET_STREAM))
        return IPC_INVALID;
    result = claim(gate, &handoff->ticket, handoff->service, false, &ticket);
    if (result != IPC_OK)
        return result;
    home = home_for(shard, ticket->account_id, ticket->quota_bytes);
    if (home == NULL)
        result = IPC_UNAVAILABLE;
    else if (connections_of(home) >= shard->config.mail_sessions_per_account_max)
        result = IPC_LIMIT;
    else
        connection_new(home, handoff, ticket_account(ticket), fd_take(fd), gate->index);
    free(ticket);
    return result;
}

static void on_handoff(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    struct role_asker asker = role_asker_of(from, message);
    struct ipc_message answer = { .type = IPC_HANDOFF_ANSWER };

    answer.answer.result = (uint8_t)take_connection(from, &message->handoff, fd);
    role_answer(&asker, &answer, NULL);
}

/* All of what the packet tells of, in there or in a descriptor that nobody can change any more. */
static bool has_message(const struct ipc_deliver *deliver, int fd)
{
    uint64_t size;

    if (fd < 0)
        return deliver->content.len == deliver->size;
    return deliver->content.len == 0 && fd_check_spooled(fd) && fd_size(fd, &size) == ERR_OK &&
           size == deliver->size;
}

/* IPC_OK: the delivery will answer. */
static enum ipc_result take_delivery(struct role_peer *gate, const struct role_asker *asker,
                                     const struct ipc_deliver *deliver, int *fd)
{
    struct shard *shard = shard_of(gate->role);
    struct ticket *ticket;
    struct home *home;
    enum ipc_result result;

    if (!ipc_service_delivers(deliver->service) || !has_message(deliver, *fd))
        return IPC_INVALID;
    if (deliver->size > shard->config.mail_message_bytes_max)
        return IPC_TOO_LARGE;
    result = claim(gate, &deliver->ticket, deliver->service, deliver->keeps_ticket, &ticket);
    if (result != IPC_OK)
        return result;
    home = shard->counts.deliveries < SHARD_DELIVERIES_MAX
               ? home_for(shard, ticket->account_id, ticket->quota_bytes)
               : NULL;
    if (home == NULL)
        result = IPC_UNAVAILABLE;
    else
        delivery_new(home, asker, deliver, ticket_account(ticket), fd_take(fd));
    free(ticket);
    return result;
}

static void on_deliver(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    struct role_asker asker = role_asker_of(from, message);
    enum ipc_result result = take_delivery(from, &asker, &message->deliver, fd);
    struct ipc_message answer = { IPC_DELIVER_ANSWER,
                                  { .deliver_answer = {
                                        .result = (uint8_t)result,
                                        .text = bytes_from_string(ipc_result_text(result)) } } };

    if (result == IPC_OK)
        return;
    shard_of(from->role)->counts.answered[result]++;
    role_answer(&asker, &answer, NULL);
}

static void on_drop(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    struct role_asker asker = role_asker_of(from, message);
    struct ipc_message answer = { IPC_ACCOUNT_DROP_ANSWER,
                                  { .answer = { .result = IPC_UNAVAILABLE } } };

    tickets_void(&shard_of(from->role)->tickets, message->account_drop.account_id.raw, false);
    if (!home_trash(shard_of(from->role), message->account_drop.account_id.raw, &asker))
        role_answer(&asker, &answer, NULL);
}

static void on_logout(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    struct home *home = home_find(shard_of(from->role), message->account_drop.account_id.raw);

    tickets_void(&shard_of(from->role)->tickets, message->account_drop.account_id.raw, true);
    if (home != NULL)
        home_bye(home, "The password was changed: please log in again");
}

static struct imap_session_limits limits_of(const struct config *config)
{
    struct imap_session_limits limits = imap_session_limits_default;
    struct imap_grammar_limits *grammar = &limits.grammar;

    limits.frame.line_bytes_max = config->imap_line_bytes_max;
    limits.frame.literal_bytes_max = config->imap_literal_bytes_max;
    limits.frame.command_bytes_max = config->imap_command_bytes_max;
    grammar->ranges_max = (uint32_t)config->imap_ranges_max;
    grammar->fetch_atts_max = (uint32_t)config->imap_fetch_items_max;
    grammar->header_fields_max = (uint32_t)config->imap_header_fields_max;
    grammar->search_keys_max = (uint32_t)config->imap_search_keys_max;
    grammar->search_depth_max = (uint32_t)config->imap_search_depth_max;
    grammar->patterns_max = (uint32_t)config->imap_list_patterns_max;
    grammar->keywords_max = (uint32_t)config->mail_keywords_max;
    grammar->mailbox_bytes_max = (uint32_t)config->mail_name_bytes_max;
    grammar->mailbox_component_bytes_max = (uint32_t)config->mail_name_level_bytes_max;
    grammar->mailbox_depth_max = (uint32_t)config->mail_name_levels_max;
    limits.message_bytes_max = config->mail_message_bytes_max;
    limits.append_messages_max = (uint32_t)config->imap_append_messages_max;
    limits.append_small_bytes_max = config->imap_append_small_bytes_max;
    limits.bad_commands_max = (uint32_t)config->imap_bad_commands_max;
    limits.idle_ms_max = (int64_t)config->imap_idle_timeout_ms;
    limits.unauthenticate = config->imap_unauthenticate;
    return limits;
}

static enum err read_config(struct shard *shard, struct note *why)
{
    struct config config = { 0 };
    enum err err = config_parse(buf_bytes(&shard->role->config), &config, why);

    if (err != ERR_OK)
        return err;
    config_done(&shard->config);
    shard->config = config;
    shard->limits = limits_of(&config);
    return ERR_OK;
}

static void on_config(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    struct note why = { .text = "" };

    if (read_config(shard_of(from->role), &why) != ERR_OK)
        log_event(LOG_LEVEL_ERROR, "reload-refused", "why", why.text);
}

static const struct sandbox_set *const mail_sets[] = { &sandbox_base, &sandbox_sockets,
                                                       &sandbox_files, &sandbox_idle, NULL };

void mail_profile(int directory_fd, struct sandbox_profile *out_profile)
{
    static struct sandbox_path path;

    path = (struct sandbox_path){ directory_fd, SANDBOX_READ | SANDBOX_WRITE };
    out_profile->sets = mail_sets;
    out_profile->paths = &path;
    out_profile->path_count = 1;
}

static void share_descriptors(struct shard *shard, uint64_t fds)
{
    uint64_t awake = fds / AWAKE_SHARE;
    uint64_t others;

    if (awake < AWAKE_MIN)
        awake = AWAKE_MIN;
    if (awake > AWAKE_MAX)
        awake = AWAKE_MAX;
    shard->awake_max = (size_t)awake;
    others = FDS_OTHERS + FDS_PER_AWAKE * awake;
    shard->fds_max = fds > others + FDS_MIN ? fds - others : FDS_MIN;
}

static enum err prepare(struct role *role, struct sandbox_profile *out_profile, struct note *why)
{
    struct shard *shard = shard_of(role);
    enum err err;

    shard->role = role;
    json_object_seed((size_t)entropy_u64() | 1); /* jansson would open /dev/urandom for it */
    tickets_init(&shard->tickets, role->start.incarnation, entropy_u64());
    shard->homes = map_make(entropy_u64());
    share_descriptors(shard, process_raise_fd_limit());
    if (role->directory_fd < 0)
        return note_fail(why, ERR_INVALID, "the accounts directory was not given");
    (void)charset_open_all(); /* glibc loads converters from files */
    mail_profile(role->directory_fd, out_profile);
    /* Before the walls: it reads which machine and which boot this is. */
    shard->vfs = vfs_posix_new(fd_take(&role->directory_fd));
    err = mark_init(shard, role->memory_fd, why);
    return err == ERR_OK ? read_config(shard, why) : err;
}

static void on_quiet_timer(struct loop_timer *timer)
{
    struct shard *shard = CONTAINER_OF(timer, struct shard, quiet_timer);

    homes_look_round(shard);
    loop_timer_set_in(timer, QUIET_LOOK_MS);
}

static enum err begin(struct role *role, struct note *why)
{
    struct shard *shard = shard_of(role);

    shard->packing = packing_new();
    shard->texts = search_texts_new(SHARD_TEXTS_BYTES_MAX);
    if (shard->executor == NULL) {
        shard->pool = pool_new(role->loop, (size_t)shard->config.mail_workers);
        shard->executor = pool_executor(shard->pool);
        shard->idle_pool = pool_new_idle(role->loop, IDLE_THREADS);
        shard->background = pool_executor(shard->idle_pool);
    }
    loop_timer_init(&shard->quiet_timer, role->loop, on_quiet_timer);
    loop_timer_set_in(&shard->quiet_timer, QUIET_LOOK_MS);
    return ERR_OK;
}

/* Who has not ended by now is ended, so that accounts can be closed in order. */
static void on_stop_late(struct loop_timer *timer)
{
    struct shard *shard = CONTAINER_OF(timer, struct shard, stop_timer);
    size_t position = 0;
    void *home;

    while (map_next(&shard->homes, &position, NULL, &home))
        home_evict(home);
}

static void stop(struct role *role)
{
    struct shard *shard = shard_of(role);
    size_t position = 0;
    void *home;

    shard->stopping = true;
    loop_timer_init(&shard->stop_timer, role->loop, on_stop_late);
    loop_timer_set_in(&shard->stop_timer, STOP_SESSIONS_MS);
    if (shard->homes.count == 0)
        role_end(role, EXIT_SUCCESS);
    while (map_next(&shard->homes, &position, NULL, &home)) {
        home_bye(home, "The server is going down");
        home_end_maintenance(home, IPC_UNAVAILABLE, "the server is going down");
        home_left(home);
    }
}

static const struct role_handler handlers[] = {
    { IPC_TICKET, on_ticket },
    { IPC_DELIVERY_TICKET, on_delivery_ticket },
    { IPC_HANDOFF, on_handoff },
    { IPC_DELIVER, on_deliver },
    { IPC_ACCOUNT_DROP, on_drop },
    { IPC_ACCOUNT_LOGOUT, on_logout },
    { IPC_STATS, mail_on_stats },
    { IPC_MAINTAIN, mail_on_maintain },
    { IPC_MAINTAIN_CONTINUE, mail_on_maintain_continue },
    { IPC_MAINTAIN_CANCEL, mail_on_maintain_cancel },
    { IPC_CONFIG, on_config },
};

const struct role_spec mail_role = {
    .role = IPC_ROLE_MAIL,
    .handlers = handlers,
    .handler_count = ARRAY_COUNT(handlers),
    .prepare = prepare,
    .begin = begin,
    .stop = stop,
};

int mail_main(void)
{
    return role_main(&mail_role, shard_new(NULL));
}
