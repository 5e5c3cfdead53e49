/* Deliveries: copy, commit, answer. */
#include "daemon/mail/delivery.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/mail/home.h"
#include "daemon/mail/shard.h"
#include "ipc/request_table.h"
#include "store/act.h"
#include "store/acting.h"
#include "store/body.h"
#include "store/mailbox.h"
#include "sys/clock.h"
#include "sys/fd.h"

enum { STEP_BYTES = 256 * 1024 };

static void on_wake(struct waker *waker)
{
    struct delivery *delivery = CONTAINER_OF(waker, struct delivery, waker);
    struct shard *shard = delivery->home->shard;

    if (delivery->phase != DELIVERY_COPYING && delivery->phase != DELIVERY_FINISHING)
        return;
    list_remove(&delivery->run_link);
    list_push_back(&shard->ready, &delivery->run_link);
    shard_turn_soon(shard);
}

static bool is_begun(const struct delivery *delivery)
{
    return delivery->phase == DELIVERY_COPYING || delivery->phase == DELIVERY_FINISHING;
}

static struct bytes put(char **at, struct bytes bytes)
{
    struct bytes copy = bytes_make(*at, bytes.len);

    if (bytes.len > 0)
        memcpy(*at, bytes.at, bytes.len);
    *at += bytes.len;
    return copy;
}

void delivery_new(struct home *home, const struct role_asker *asker,
                  const struct ipc_deliver *deliver, struct bytes user, int fd)
{
    struct delivery *delivery = calloc(1, sizeof(*delivery));
    size_t text_len = deliver->trace.len + deliver->content.len + deliver->mailbox.len +
                      deliver->recipient.len + user.len;
    char *at = malloc(text_len + 1);

    if (delivery == NULL || at == NULL)
        abort();
    delivery->home = home;
    delivery->asker = *asker;
    delivery->fd = fd;
    delivery->size = deliver->size;
    delivery->session = deliver->client.session;
    delivery->service = deliver->service;
    delivery->waker.wake = on_wake;
    delivery->text = at;
    delivery->trace = put(&at, deliver->trace);
    delivery->content = put(&at, deliver->content);
    delivery->mailbox = put(&at, deliver->mailbox);
    delivery->recipient = put(&at, deliver->recipient);
    delivery->user = put(&at, user);
    list_push_back(&home->deliveries, &delivery->link);
    home->shard->counts.deliveries++;
    if (home->state == HOME_OPEN)
        delivery_begin(delivery);
}

void delivery_begin(struct delivery *delivery)
{
    struct shard *shard = delivery->home->shard;

    assert(delivery->phase == DELIVERY_QUEUED);
    list_push_back(&shard->queued, &delivery->run_link);
    shard_turn_soon(shard);
}

static void delivery_free(struct delivery *delivery)
{
    struct home *home = delivery->home;
    struct shard *shard = home->shard;

    if (is_begun(delivery))
        shard->copying--;
    body_writer_free(delivery->writer);
    fd_close(&delivery->fd);
    list_remove(&delivery->run_link);
    list_remove(&delivery->link);
    shard->counts.deliveries--;
    free(delivery->text);
    free(delivery);
    home_left(home);
}

static void answer(struct delivery *delivery, enum ipc_result result, const char *text)
{
    struct ipc_message message = { IPC_DELIVER_ANSWER,
                                   { .deliver_answer = { .result = (uint8_t)result,
                                                         .text = bytes_from_string(text) } } };
    struct log_line line;

    delivery->home->shard->counts.answered[result]++;
    log_begin(&line, result == IPC_OK ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, "delivery");
    log_number(&line, "session", (int64_t)delivery->session);
    log_bytes(&line, "account", delivery->user);
    log_bytes(&line, "recipient", delivery->recipient);
    if (delivery->mailbox.len > 0)
        log_bytes(&line, "mailbox", delivery->mailbox);
    log_number(&line, "bytes", (int64_t)(delivery->trace.len + delivery->size));
    log_string(&line, "result", ipc_result_text(result));
    if (text[0] != '\0' && strcmp(text, ipc_result_text(result)) != 0)
        log_string(&line, "why", text);
    log_end(&line);
    role_answer(&delivery->asker, &message, NULL);
}

void delivery_fail(struct delivery *delivery, enum ipc_result result, const char *text)
{
    answer(delivery, result, text);
    delivery_free(delivery);
}

static enum ipc_result result_of(enum err err)
{
    switch (err) {
    case ERR_OK: return IPC_OK;
    case ERR_NO_SPACE: return IPC_NO_SPACE;
    case ERR_OVER_QUOTA: return IPC_OVER_QUOTA;
    case ERR_NOT_FOUND: return IPC_NOT_FOUND;
    case ERR_INVALID: return IPC_INVALID;
    case ERR_DENIED: /* by the system; IPC_DENIED is of tickets */
    case ERR_IO:
    case ERR_EXISTS:
    case ERR_LIMIT: /* of the account: a later try may find it lifted */
    case ERR_CORRUPT:
    case ERR_CONFLICT:
    case ERR_BUSY:
    case ERR_UNSUPPORTED:
    case ERR_CLOSED: break;
    }
    return IPC_UNAVAILABLE;
}

static void fail_by(struct delivery *delivery, enum err err)
{
    home_touch(delivery->home); /* the account may have failed with it */
    delivery_fail(delivery, result_of(err), err_text(err));
}

static enum err open_writer(struct delivery *delivery)
{
    enum err err = body_writer_open(delivery->home->account, delivery->trace.len + delivery->size,
                                    &delivery->waker, &delivery->writer);

    if (err != ERR_OK)
        return err;
    delivery->phase = DELIVERY_COPYING;
    delivery->home->shard->copying++;
    return ERR_OK;
}

/* The next piece of trace or message; empty at the end. */
static enum err next_piece(struct delivery *delivery, struct bytes *out_piece)
{
    uint8_t *buffer = loop_buffer(delivery->home->shard->role->loop);
    uint64_t left = delivery->size - delivery->offset;
    enum err err;

    *out_piece = bytes_from(delivery->trace, delivery->trace_taken);
    if (out_piece->len > 0 || left == 0)
        return ERR_OK;
    if (delivery->fd < 0) {
        *out_piece = bytes_from(delivery->content, (size_t)delivery->offset);
        return ERR_OK;
    }
    if (left > LOOP_BUFFER_BYTES)
        left = LOOP_BUFFER_BYTES;
    err = fd_read_at(delivery->fd, delivery->offset, buffer, (size_t)left);
    *out_piece = bytes_make(buffer, (size_t)left);
    return err;
}

/* ERR_BUSY: the waker will come, or (more is true) the next turn. */
static enum err copy_some(struct delivery *delivery, bool *out_more)
{
    struct bytes piece;
    size_t copied = 0;

    *out_more = false;
    while (copied < STEP_BYTES) {
        size_t taken = 0;
        enum err err = next_piece(delivery, &piece);

        if (err == ERR_OK && piece.len == 0)
            return ERR_OK;
        if (err == ERR_OK)
            err = body_writer_add(delivery->writer, piece, &taken);
        if (delivery->trace_taken < delivery->trace.len)
            delivery->trace_taken += taken;
        else
            delivery->offset += taken;
        copied += taken;
        if (err != ERR_OK)
            return err;
    }
    *out_more = true;
    return ERR_BUSY;
}

static struct mailbox *target_of(const struct delivery *delivery)
{
    struct bytes name = delivery->mailbox;

    if (name.len == 0 || bytes_equal_nocase(name, BYTES("INBOX")))
        name = BYTES("INBOX");
    return mailbox_find(delivery->home->account, name);
}

/* RFC 3501 s2.3.3 */
static enum err commit(struct delivery *delivery)
{
    struct mailbox *mailbox = target_of(delivery);
    struct origin origin = { .protocol = delivery->service == IPC_SERVICE_SMTP ? PROTOCOL_SMTP
                                                                               : PROTOCOL_LMTP,
                             .session = delivery->session,
                             .actor = bytes_slice(delivery->user, 0, 255),
                             .now = clock_wall() };
    struct append_item item = { .body = delivery->writer,
                                .internal_date = { .seconds = wall_seconds(origin.now) } };
    struct uid uid;
    enum err err;

    if (mailbox == NULL)
        return ERR_NOT_FOUND;
    err = act_append(mailbox, &origin, &item, 1, &uid);
    if (err != ERR_OK)
        return err;
    delivery->writer = NULL; /* the act has it */
    delivery->gate = account_gate(delivery->home->account);
    delivery->home->shard->copying--;
    delivery->phase = DELIVERY_COMMITTED;
    home_touch(delivery->home);
    return ERR_OK;
}

void delivery_step(struct delivery *delivery)
{
    struct shard *shard = delivery->home->shard;
    bool more = false;
    enum err err = ERR_OK;

    if (delivery->home->failed)
        return; /* the turn answers it */
    if (!role_asker_waits(&delivery->asker)) { /* nobody would hear of it: it comes again */
        delivery_free(delivery);
        return;
    }
    if (account_is_acting(delivery->home->account)) { /* one turn is one step of it */
        list_push_back(delivery->phase == DELIVERY_QUEUED ? &shard->queued : &shard->ready,
                       &delivery->run_link);
        return;
    }
    if (delivery->phase == DELIVERY_QUEUED)
        err = open_writer(delivery);
    if (err == ERR_OK && delivery->phase == DELIVERY_COPYING) {
        err = copy_some(delivery, &more);
        if (err == ERR_OK)
            delivery->phase = DELIVERY_FINISHING;
    }
    if (err == ERR_OK && delivery->phase == DELIVERY_FINISHING)
        err = body_writer_finish(delivery->writer);
    if (err == ERR_OK)
        err = commit(delivery);
    if (more && !list_is_linked(&delivery->run_link))
        list_push_back(&shard->ready, &delivery->run_link);
    if (err != ERR_OK && err != ERR_BUSY)
        fail_by(delivery, err);
}

void delivery_release(struct delivery *delivery)
{
    if (delivery->phase != DELIVERY_COMMITTED ||
        account_durable(delivery->home->account) < delivery->gate)
        return;
    delivery->home->shard->counts.delivered++;
    answer(delivery, IPC_OK, "");
    delivery_free(delivery);
}
