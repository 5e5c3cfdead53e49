/* Questions that are out, by number. */
#include "daemon/role/ask.h"

#include "base/num.h"
#include "daemon/role/internal.h"
#include "ipc/request_table.h"
#include "sys/clock.h"
#include "sys/fd.h"

struct ask_key {
    uint8_t raw[8];
};

static struct ask_key ask_key(uint64_t request)
{
    struct ask_key key;

    num_store_u64(key.raw, request);
    return key;
}

static void ask_forget(struct role_ask *ask)
{
    struct ask_key key = ask_key(ask->request);

    (void)map_remove(&ask->peer->role->asks, bytes_make(key.raw, sizeof(key.raw)));
    list_remove(&ask->link);
    loop_timer_done(&ask->timer);
}

static void ask_fail(struct role_ask *ask)
{
    int fd = -1;

    ask_forget(ask);
    ask->answered(ask, NULL, &fd);
}

static void ask_late(struct loop_timer *timer)
{
    ask_fail(CONTAINER_OF(timer, struct role_ask, timer));
}

enum err role_ask(struct role_peer *peer, struct role_ask *ask, struct ipc_message *message,
                  int *fd, int64_t timeout_ms)
{
    struct role *role = peer->role;
    struct ask_key key = ask_key(role->request_last + 1);
    enum err err;

    message->request.request = role->request_last + 1;
    err = role_tell(peer, message, fd);
    if (err != ERR_OK)
        return err;
    role->request_last++;
    ask->peer = peer;
    ask->request = role->request_last;
    ask->type = message->type;
    ask->timeout_ms = timeout_ms;
    list_push_back(&peer->asks, &ask->link);
    (void)map_set(&role->asks, bytes_make(key.raw, sizeof(key.raw)), ask);
    loop_timer_init(&ask->timer, role->loop, ask_late);
    loop_timer_set_in(&ask->timer, timeout_ms);
    return ERR_OK;
}

enum err role_ask_follow(struct role_ask *ask, struct ipc_message *message)
{
    enum err err;

    message->request.request = ask->request;
    err = role_tell(ask->peer, message, NULL);
    if (err == ERR_OK) {
        ask->type = message->type;
        loop_timer_set_in(&ask->timer, ask->timeout_ms);
    }
    return err;
}

void role_ask_drop(struct role_ask *ask)
{
    if (role_ask_is_out(ask))
        ask_forget(ask);
}

bool role_asks_answer(struct role_peer *from, const struct ipc_message *answer, int *fd)
{
    struct ask_key key = ask_key(answer->request.request);
    struct role_ask *ask = map_get(&from->role->asks, bytes_make(key.raw, sizeof(key.raw)));

    if (ask == NULL) /* dropped, or too late */
        return answer->request.request <= from->role->request_last;
    if (ask->peer != from || !ipc_is_answer_to(answer->type, ask->type))
        return false;
    if (ipc_is_last(answer))
        ask_forget(ask);
    else if (answer->type == IPC_AUTH_CHALLENGE || answer->type == IPC_MAINTAIN_ANSWER)
        loop_timer_unset(&ask->timer); /* it is the asker's turn */
    else
        loop_timer_set_in(&ask->timer, ask->timeout_ms);
    ask->answered(ask, answer, fd);
    return true;
}

void role_asks_fail(struct role_peer *peer)
{
    while (!list_is_empty(&peer->asks))
        ask_fail(CONTAINER_OF(list_first(&peer->asks), struct role_ask, link));
}

void role_answer(const struct role_asker *asker, struct ipc_message *answer, int *fd)
{
    answer->request.request = asker->request;
    if (!role_asker_waits(asker) || role_tell(asker->peer, answer, fd) != ERR_OK)
        if (fd != NULL)
            fd_close(fd);
}
