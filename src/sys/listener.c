/* Accepting in batches. */
#include "sys/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "sys/address_internal.h"
#include "sys/fd.h"

static void update_watch(struct listener *listener)
{
    bool on = !listener->paused && !loop_timer_is_set(&listener->retry);

    loop_fd_want(&listener->watch, on ? LOOP_READ : 0);
}

static bool is_starved(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static bool accept_one(struct listener *listener)
{
    struct sockaddr_storage storage = { 0 };
    socklen_t len = sizeof(storage);
    struct address peer;
    int fd = accept4(listener->watch.fd, (struct sockaddr *)&storage, &len,
                     SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd >= 0) {
        listener->accepted_total++;
        peer = address_from_sockaddr(&storage);
        listener->accepted(listener, fd, &peer);
        return true;
    }
    if (is_starved(errno)) {
        listener->starved++;
        loop_timer_set_in(&listener->retry, LISTENER_RETRY_MS);
        update_watch(listener);
        return false;
    }
    /* Anything else is the fate of one connection (accept(2): ECONNABORTED, EPROTO ...). */
    return errno != EAGAIN;
}

static void on_ready(struct loop_fd *watch, unsigned what)
{
    struct listener *listener = CONTAINER_OF(watch, struct listener, watch);

    for (int i = 0; i < LISTENER_BATCH && !listener->paused; i++) {
        if (!accept_one(listener))
            return;
    }
}

static void on_retry(struct loop_timer *timer)
{
    update_watch(CONTAINER_OF(timer, struct listener, retry));
}

void listener_init(struct listener *listener, struct loop *loop, int fd,
                   void (*accepted)(struct listener *, int fd, const struct address *peer))
{
    int flags = fcntl(fd, F_GETFL);

    /* Several processes accept from one socket: who comes too late must not block. */
    if (flags >= 0 && (flags & O_NONBLOCK) == 0)
        (void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    *listener = (struct listener){ .accepted = accepted };
    loop_timer_init(&listener->retry, loop, on_retry);
    loop_fd_init(&listener->watch, loop, fd, on_ready);
    update_watch(listener);
}

void listener_pause(struct listener *listener)
{
    listener->paused = true;
    update_watch(listener);
}

void listener_resume(struct listener *listener)
{
    listener->paused = false;
    update_watch(listener);
}

void listener_done(struct listener *listener)
{
    if (listener->watch.loop == NULL)
        return;
    loop_timer_done(&listener->retry);
    loop_fd_done(&listener->watch);
    fd_close(&listener->watch.fd);
}
