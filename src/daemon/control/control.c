/* The control role: who may ask, one question at a time, to whom it goes. */
#include "daemon/control/control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "config/config.h"
#include "daemon/control/page.h"
#include "daemon/control/request.h"
#include "daemon/role/ask.h"
#include "ipc/request_table.h"
#include "sys/entropy.h"
#include "sys/fd.h"
#include "sys/listener.h"
#include "sys/place.h"
#include "sys/process.h"
#include "sys/sandbox.h"
#include "sys/sockets.h"
#include "sys/stream.h"

enum {
    VISITORS_MAX = 64,
    ASK_MS = 25 * 1000, /* below the patience of `roost account` */
    MAINTAIN_MS = 30 * 1000, /* a shard that works says so every few seconds */
    IDLE_MS = 60 * 1000,
    PAGER_MS = 60 * 60 * 1000, /* for a person who reads what maintenance says */
    OUTPUT_BYTES_MAX = 64 * 1024 * 1024, /* a list of accounts */
    STATS_BYTES_MAX = 60 * 1024,
    OWNERS_MAX = 3,
};

struct control {
    struct role *role;
    struct config config;
    struct listener listener;
    int listener_fd; /* until the start; then -1 */
    bool listening;
    struct page *page; /* from the first listener for it on; else NULL */
    struct list visitors;
    size_t visitor_count;
    uid_t owners[OWNERS_MAX]; /* who may ask */
    size_t owner_count;
};

/* Somebody at the socket. */
struct visitor {
    struct list link;
    struct control *control;
    struct stream stream;
    struct loop_timer timer;
    struct buf in;
    uid_t uid; /* who it is */
    struct control_request request; /* zero while nothing is asked */
    struct role_ask ask;
    unsigned next; /* request.each: index of the process to be asked next */
    struct buf gathered; /* request.each: the answers so far, parted by commas */
    bool is_full; /* maintenance goes on when what was said has been taken */
    char actor[32]; /* "uid 1000" */
    bool input_ended;
};

static const struct stream_limits stream_limits = {
    .out_low = 0,
    .out_high = 64 * 1024,
    .out_max = OUTPUT_BYTES_MAX,
};

static void go_on(struct visitor *visitor);

static void wipe_input(struct visitor *visitor)
{
    if (visitor->in.at != NULL)
        explicit_bzero(visitor->in.at, visitor->in.capacity);
}

/* Nobody would read what it says. A shard that cannot be told has gone, or finds out by itself. */
static void cancel_maintenance(struct visitor *visitor)
{
    struct ipc_message cancel = { IPC_MAINTAIN_CANCEL, { .request = { visitor->ask.request } } };

    if (visitor->request.whom == IPC_ROLE_MAIL && visitor->request.maintain &&
        role_ask_is_out(&visitor->ask) && role_tell(visitor->ask.peer, &cancel, NULL) != ERR_OK)
        log_event(LOG_LEVEL_DEBUG, "maintenance-uncancelled", NULL, NULL);
}

static void visitor_free(struct visitor *visitor)
{
    struct control *control = visitor->control;

    cancel_maintenance(visitor);
    role_ask_drop(&visitor->ask);
    control_request_done(&visitor->request);
    stream_done(&visitor->stream);
    loop_timer_done(&visitor->timer);
    wipe_input(visitor);
    buf_done(&visitor->in);
    buf_done(&visitor->gathered);
    list_remove(&visitor->link);
    control->visitor_count--;
    free(visitor);
}

static void end_request(struct visitor *visitor)
{
    control_request_done(&visitor->request);
    buf_done(&visitor->gathered);
    stream_flush(&visitor->stream);
}

static void log_request(const struct visitor *visitor, enum ipc_result result)
{
    struct log_line line;

    log_begin(&line, LOG_LEVEL_INFO, "control");
    log_string(&line, "verb", visitor->request.verb);
    if (visitor->request.name.len > 0)
        log_bytes(&line, "account", visitor->request.name);
    if (visitor->request.maintain)
        log_bytes(&line, "act", visitor->request.act);
    log_number(&line, "uid", visitor->uid);
    log_string(&line, "result", ipc_result_text(result));
    log_end(&line);
}

static void refuse(struct visitor *visitor, enum ipc_result result, struct bytes text)
{
    log_request(visitor, result);
    control_print_refusal(stream_out(&visitor->stream), result, text);
    end_request(visitor);
}

static void accept_result(struct visitor *visitor, struct bytes json)
{
    log_request(visitor, IPC_OK);
    control_print_result(stream_out(&visitor->stream), json, false);
    end_request(visitor);
}

/* The answer of one process: its result and text, whatever its type. */
static enum ipc_result read_answer(const struct ipc_message *answer, struct bytes *out_text)
{
    if (answer->type == IPC_ACCOUNT_ANSWER || answer->type == IPC_MAINTAIN_ANSWER) {
        *out_text = answer->account_answer.text;
        return (enum ipc_result)answer->account_answer.result;
    }
    *out_text = answer->text_answer.text;
    return (enum ipc_result)answer->text_answer.result;
}

static bool ask_next(struct visitor *visitor);
static void continue_maintenance(struct visitor *visitor);
static void start_maintenance(struct visitor *visitor, struct bytes account);

static void gather(struct visitor *visitor, struct bytes text)
{
    struct buf *gathered = &visitor->gathered;

    buf_add(gathered, gathered->len == 0 ? BYTES("[") : BYTES(","));
    buf_add(gathered, text);
    if (ask_next(visitor))
        return;
    buf_add(gathered, BYTES("]"));
    if (gathered->overflowed)
        refuse(visitor, IPC_TOO_LARGE, BYTES(""));
    else
        accept_result(visitor, buf_bytes(gathered));
}

/* A part of what maintenance says: the next one is asked for when this one has been taken. */
static void take_part(struct visitor *visitor, struct bytes lines)
{
    control_print_result(stream_out(&visitor->stream), lines, true);
    stream_flush(&visitor->stream);
    loop_timer_set_in(&visitor->timer, PAGER_MS);
    visitor->is_full = stream_unsent(&visitor->stream) > 0;
    if (visitor->is_full)
        stream_want_drained(&visitor->stream);
    else
        continue_maintenance(visitor);
}

static void on_answer(struct role_ask *ask, const struct ipc_message *answer, int *fd)
{
    struct visitor *visitor = CONTAINER_OF(ask, struct visitor, ask);
    struct bytes text = BYTES("");
    enum ipc_result result = IPC_UNAVAILABLE;

    if (answer == NULL)
        text = BYTES("the process that was asked is gone or does not answer");
    else
        result = read_answer(answer, &text);
    if (result != IPC_OK) {
        refuse(visitor, result, text);
    } else if (role_ask_is_out(ask) && visitor->request.maintain) {
        take_part(visitor, text);
        return;
    } else if (role_ask_is_out(ask)) { /* more will come */
        control_print_result(stream_out(&visitor->stream), text, true);
        stream_flush(&visitor->stream);
        return;
    } else if (visitor->request.maintain && visitor->request.whom == IPC_ROLE_AUTH) {
        start_maintenance(visitor, text);
    } else if (visitor->request.each) {
        gather(visitor, text);
    } else {
        accept_result(visitor, text);
    }
    go_on(visitor);
}

static enum err ask(struct visitor *visitor, struct role_peer *peer)
{
    int64_t timeout_ms = visitor->request.message.type == IPC_MAINTAIN ? MAINTAIN_MS : ASK_MS;

    visitor->ask.answered = on_answer;
    return peer == NULL
               ? ERR_CLOSED
               : role_ask(peer, &visitor->ask, &visitor->request.message, NULL, timeout_ms);
}

static void refuse_unasked(struct visitor *visitor, enum err err)
{
    if (err == ERR_INVALID)
        refuse(visitor, IPC_INVALID, BYTES("a text in the question is too long"));
    else if (err != ERR_OK)
        refuse(visitor, IPC_UNAVAILABLE, BYTES("the process that would know is not there now"));
}

/* The account is known, and so is the shard that serves it. */
static void start_maintenance(struct visitor *visitor, struct bytes account)
{
    struct control *control = visitor->control;
    struct control_request *request = &visitor->request;
    unsigned shard;

    if (!control_request_maintain(request, account, control->config.mail_quota_bytes, &shard)) {
        refuse(visitor, IPC_UNAVAILABLE, BYTES("auth's answer cannot be understood"));
        return;
    }
    (void)snprintf(visitor->actor, sizeof(visitor->actor), "uid %u", (unsigned)visitor->uid);
    request->message.maintain.actor = bytes_from_string(visitor->actor);
    refuse_unasked(visitor, ask(visitor, role_peer_find(control->role, IPC_ROLE_MAIL, shard)));
}

static void continue_maintenance(struct visitor *visitor)
{
    struct ipc_message message = { .type = IPC_MAINTAIN_CONTINUE };

    visitor->is_full = false;
    if (role_ask_follow(&visitor->ask, &message) == ERR_OK)
        return;
    role_ask_drop(&visitor->ask);
    refuse(visitor, IPC_UNAVAILABLE, BYTES("the process that serves the account does not listen"));
    go_on(visitor);
}

/* Asks the next process of a role of many; false when there is none left. */
static bool ask_next(struct visitor *visitor)
{
    struct role *role = visitor->control->role;
    unsigned all = role->start.shards + (unsigned)IPC_SHARDS_APART_MAX;

    while (visitor->next < all) {
        struct role_peer *peer = role_peer_find(role, visitor->request.whom, visitor->next++);

        if (ask(visitor, peer) == ERR_OK)
            return true;
    }
    return false;
}

static void start_request(struct visitor *visitor)
{
    struct role *role = visitor->control->role;
    enum err err;

    if (visitor->request.each) {
        visitor->next = 0;
        visitor->gathered = buf_make(STATS_BYTES_MAX);
        err = ask_next(visitor) ? ERR_OK : ERR_CLOSED;
    } else {
        err = ask(visitor, visitor->request.whom == IPC_ROLE_SUPERVISOR
                               ? &role->supervisor
                               : role_peer_find(role, visitor->request.whom, 0));
    }
    refuse_unasked(visitor, err);
}

/* Takes the next line, if a whole one is there. */
static bool take_line(struct visitor *visitor)
{
    struct bytes in = buf_bytes(&visitor->in);
    size_t end = bytes_find_byte(in, 0, '\n');
    const char *complaint;

    if (end == in.len)
        return false;
    if (control_request_parse(bytes_slice(in, 0, end), &visitor->request, &complaint))
        start_request(visitor);
    else
        control_print_refusal(stream_out(&visitor->stream), IPC_INVALID,
                              bytes_from_string(complaint));
    buf_consume(&visitor->in, end + 1);
    if (buf_is_empty(&visitor->in)) {
        wipe_input(visitor);
        buf_trim(&visitor->in);
    }
    stream_flush(&visitor->stream);
    return true;
}

static void go_on(struct visitor *visitor)
{
    while (!role_ask_is_out(&visitor->ask) && take_line(visitor))
        ;
    loop_timer_set_in(&visitor->timer, visitor->request.maintain ? PAGER_MS : IDLE_MS);
    if (role_ask_is_out(&visitor->ask))
        stream_read_stop(&visitor->stream);
    else if (visitor->in.len >= CONTROL_LINE_BYTES_MAX) /* no line may be that long */
        visitor_free(visitor);
    else if (visitor->input_ended)
        stream_shutdown(&visitor->stream);
    else
        stream_read_start(&visitor->stream);
}

static struct visitor *visitor_of(struct stream *stream)
{
    return CONTAINER_OF(stream, struct visitor, stream);
}

static void on_input(struct stream *stream, struct bytes in)
{
    struct visitor *visitor = visitor_of(stream);

    buf_add(&visitor->in, in);
    if (visitor->in.overflowed)
        visitor_free(visitor);
    else
        go_on(visitor);
}

static void on_input_end(struct stream *stream)
{
    struct visitor *visitor = visitor_of(stream);

    visitor->input_ended = true;
    go_on(visitor);
}

static void on_drained(struct stream *stream)
{
    struct visitor *visitor = visitor_of(stream);

    if (stream->shut_down)
        visitor_free(visitor);
    else if (visitor->is_full)
        continue_maintenance(visitor);
}

static void on_broken(struct stream *stream)
{
    visitor_free(visitor_of(stream));
}

static const struct stream_ops visitor_stream_ops = {
    .input = on_input,
    .input_end = on_input_end,
    .drained = on_drained,
    .broken = on_broken,
};

static void on_timer(struct loop_timer *timer)
{
    visitor_free(CONTAINER_OF(timer, struct visitor, timer));
}

static bool may_ask(const struct control *control, int fd, uid_t *out_uid)
{
    struct log_line line;
    uid_t uid;

    if (socket_peer_uid(fd, &uid) != ERR_OK)
        return false;
    for (size_t i = 0; i < control->owner_count; i++)
        if (control->owners[i] == uid) {
            *out_uid = uid;
            return true;
        }
    log_begin(&line, LOG_LEVEL_WARNING, "control-refused");
    log_number(&line, "uid", uid);
    log_end(&line);
    return false;
}

static void on_accepted(struct listener *listener, int fd, const struct address *peer)
{
    struct control *control = CONTAINER_OF(listener, struct control, listener);
    struct visitor *visitor;
    uid_t uid;

    if (control->visitor_count == VISITORS_MAX || !may_ask(control, fd, &uid)) {
        fd_close(&fd);
        return;
    }
    visitor = calloc(1, sizeof(*visitor));
    if (visitor == NULL)
        abort();
    visitor->control = control;
    visitor->uid = uid;
    visitor->in = buf_make(2 * CONTROL_LINE_BYTES_MAX);
    stream_init(&visitor->stream, control->role->loop, fd, &visitor_stream_ops, stream_limits);
    visitor->stream.read_max = CONTROL_LINE_BYTES_MAX;
    loop_timer_init(&visitor->timer, control->role->loop, on_timer);
    list_push_back(&control->visitors, &visitor->link);
    control->visitor_count++;
    go_on(visitor);
}

static void on_listener(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    struct control *control = from->role->context;

    if (!fd_check(*fd, FD_KIND_SOCKET_LISTENING))
        return;
    if (message->listener.service == IPC_SERVICE_METRICS) {
        if (control->page == NULL)
            control->page = page_new(from->role);
        page_add_listener(control->page, fd);
    }
    if (message->listener.service != 0)
        return;
    fd_close(&control->listener_fd);
    control->listener_fd = fd_take(fd);
}

static enum err read_config(struct control *control, struct note *why)
{
    struct config config = { 0 };
    enum err err = config_parse(buf_bytes(&control->role->config), &config, why);

    if (err != ERR_OK)
        return err;
    config_done(&control->config);
    control->config = config;
    return ERR_OK;
}

static void on_config(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    struct note why = { .text = "" };

    if (read_config(from->role->context, &why) != ERR_OK)
        log_event(LOG_LEVEL_ERROR, "reload-refused", "why", why.text);
}

static const struct sandbox_set *const control_sets[] = { &sandbox_base, &sandbox_sockets,
                                                          &sandbox_listeners, NULL };

void control_profile(int directory_fd, struct sandbox_profile *out_profile)
{
    out_profile->sets = control_sets;
}

static enum err prepare(struct role *role, struct sandbox_profile *out_profile, struct note *why)
{
    struct control *control = role->context;
    struct place data;
    enum err err;

    control->role = role;
    json_object_seed((size_t)entropy_u64() | 1); /* jansson would open /dev/urandom for it */
    control_profile(role->directory_fd, out_profile);
    err = read_config(control, why);
    if (err != ERR_OK)
        return err;
    /* Root, the owner of the data, and who we are ourselves: the socket's mode says the same. */
    control->owners[control->owner_count++] = 0;
    control->owners[control->owner_count++] = process_uid();
    if (place_look(control->config.data, &data, NULL) == ERR_OK)
        control->owners[control->owner_count++] = data.uid;
    return ERR_OK;
}

static enum err begin(struct role *role, struct note *why)
{
    struct control *control = role->context;

    if (control->listener_fd < 0)
        return note_fail(why, ERR_INVALID, "the control socket was not given");
    listener_init(&control->listener, role->loop, fd_take(&control->listener_fd), on_accepted);
    control->listening = true;
    if (control->page != NULL)
        page_begin(control->page);
    return ERR_OK;
}

struct control *control_new(void)
{
    struct control *control = calloc(1, sizeof(*control));

    if (control == NULL)
        abort();
    list_init(&control->visitors);
    control->listener_fd = -1;
    return control;
}

void control_free(struct control *control)
{
    while (!list_is_empty(&control->visitors))
        visitor_free(CONTAINER_OF(list_first(&control->visitors), struct visitor, link));
    page_free(control->page);
    if (control->listening)
        listener_done(&control->listener);
    fd_close(&control->listener_fd);
    config_done(&control->config);
    free(control);
}

static const struct role_handler handlers[] = {
    { IPC_LISTENER, on_listener },
    { IPC_CONFIG, on_config },
};

const struct role_spec control_role = {
    .role = IPC_ROLE_CONTROL,
    .handlers = handlers,
    .handler_count = ARRAY_COUNT(handlers),
    .prepare = prepare,
    .begin = begin,
};

int control_main(void)
{
    return role_main(&control_role, control_new());
}
