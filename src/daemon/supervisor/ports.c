/* Opening the listening sockets. */
#include "daemon/supervisor/ports.h"

#include <stdio.h>
#include <string.h>

#include "sys/address.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/files.h"
#include "sys/place.h"
#include "sys/sockets.h"

enum { CONTROL_MODE = 0600 };

/* What listens under one name. */
struct purpose {
    const char *name;
    uint8_t service;
    bool implicit_tls;
    const struct config_listen *listen;
};

static struct port *port_add(struct supervisor *supervisor, const struct purpose *purpose, int *fd,
                             const char *path)
{
    struct port *port = &supervisor->ports[supervisor->port_count++];
    struct buf name = buf_make(sizeof(port->name) - 1);
    struct address address = address_of_self(*fd);

    *port = (struct port){ .fd = fd_take(fd),
                           .service = purpose->service,
                           .implicit_tls = purpose->implicit_tls,
                           .local = address.kind == ADDRESS_UNIX };
    if (path != NULL)
        buf_add_format(&name, "unix:%s", path);
    else
        address_print(&address, true, &name);
    memcpy(port->name, buf_bytes(&name).at, name.len);
    buf_done(&name);
    return port;
}

static enum err no_room(struct note *why)
{
    return note_fail(why, ERR_LIMIT, "more than %d listening sockets", SUPERVISOR_PORTS_MAX);
}

static enum err open_tcp(struct supervisor *supervisor, const struct purpose *purpose,
                         const struct listen_address *at, struct note *why)
{
    int fds[SOCKET_FDS_MAX];
    size_t count = 0;
    enum err err = socket_listen_tcp(at->host, at->port, fds, &count, why);

    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        if (supervisor->port_count < SUPERVISOR_PORTS_MAX)
            (void)port_add(supervisor, purpose, &fds[i], NULL);
        else
            err = no_room(why);
    }
    for (size_t i = 0; i < count; i++)
        if (err != ERR_OK)
            fd_close(&fds[i]);
    return err;
}

static enum err open_unix(struct supervisor *supervisor, const struct purpose *purpose,
                          const char *path, const struct socket_owner *owner, struct note *why)
{
    struct port *port;
    int fd = -1;
    enum err err;

    if (supervisor->port_count == SUPERVISOR_PORTS_MAX)
        return no_room(why);
    err = socket_listen_unix(path, owner, &fd, why);
    if (err != ERR_OK)
        return err;
    port = port_add(supervisor, purpose, &fd, path);
    (void)snprintf(port->path, sizeof(port->path), "%s", path);
    return ERR_OK;
}

static enum err open_address(struct supervisor *supervisor, const struct purpose *purpose,
                             const struct listen_address *at, struct note *why)
{
    struct socket_owner owner = { .mode = at->mode };
    enum err err;

    if (!at->is_unix)
        return open_tcp(supervisor, purpose, at, why);
    err = socket_owner_find(at->user, at->group, &owner, why);
    return err == ERR_OK ? open_unix(supervisor, purpose, at->path, &owner, why) : err;
}

/* The administrator's socket: for the owner of data and root. */
static enum err open_control(struct supervisor *supervisor, const struct purpose *purpose,
                             struct note *why)
{
    const struct config *config = &supervisor->config;
    struct socket_owner owner = { .mode = CONTROL_MODE, .gid = (gid_t)-1 };
    struct place data;
    char path[ADDRESS_PATH_MAX];
    enum err err = place_look(config->data, &data, why);
    int len = snprintf(path, sizeof(path), "%s/control.sock", config->run);

    if (err == ERR_OK && (len < 0 || len >= (int)sizeof(path)))
        err = note_fail(why, ERR_LIMIT, "run: the path is too long for a unix socket");
    owner.uid = data.uid;
    return err == ERR_OK ? open_unix(supervisor, purpose, path, &owner, why) : err;
}

static enum err open_once(struct supervisor *supervisor, const struct purpose *purpose,
                          const struct listen_address *at, struct note *why)
{
    return at == NULL ? open_control(supervisor, purpose, why)
                      : open_address(supervisor, purpose, at, why);
}

static void on_waited(struct loop_timer *timer)
{
    loop_stop(timer->loop);
}

static void wait_a_moment(struct loop *loop)
{
    struct loop_timer timer;

    loop_timer_init(&timer, loop, on_waited);
    loop_timer_set_in(&timer, PORTS_RETRY_MS);
    loop_run(loop);
    loop_timer_done(&timer);
}

static enum err open_patiently(struct supervisor *supervisor, const struct purpose *purpose,
                               const struct listen_address *at, struct note *why)
{
    int64_t end_ms = clock_mono().ms + PORTS_PATIENCE_MS;
    enum err err = open_once(supervisor, purpose, at, why);

    while (err == ERR_EXISTS && clock_mono().ms < end_ms) {
        wait_a_moment(supervisor->loop);
        err = open_once(supervisor, purpose, at, why);
    }
    return err;
}

static enum err take_passed(struct supervisor *supervisor, const struct purpose *purpose,
                            struct service_socket *passed, struct note *why)
{
    if (!fd_check(passed->fd, FD_KIND_SOCKET_LISTENING))
        return note_fail(why, ERR_INVALID,
                         "the socket %s that was passed to us is not a listening stream socket",
                         passed->name);
    if (supervisor->port_count == SUPERVISOR_PORTS_MAX)
        return no_room(why);
    (void)port_add(supervisor, purpose, &passed->fd, NULL);
    return ERR_OK;
}

static enum err open_purpose(struct supervisor *supervisor, const struct purpose *purpose,
                             struct service_socket *passed, size_t passed_count, struct note *why)
{
    bool was_passed = false;
    enum err err = ERR_OK;

    for (size_t i = 0; err == ERR_OK && i < passed_count; i++) {
        if (strcmp(passed[i].name, purpose->name) != 0)
            continue;
        was_passed = true;
        err = take_passed(supervisor, purpose, &passed[i], why);
    }
    if (err != ERR_OK || was_passed)
        return err;
    if (purpose->listen == NULL)
        return open_patiently(supervisor, purpose, NULL, why);
    for (size_t i = 0; err == ERR_OK && i < purpose->listen->count; i++)
        err = open_patiently(supervisor, purpose, &purpose->listen->at[i], why);
    return err;
}

enum err ports_open(struct supervisor *supervisor, struct service_socket *passed,
                    size_t passed_count, struct note *why)
{
    const struct config *config = &supervisor->config;
    const struct purpose purposes[] = {
        { "imap", IPC_SERVICE_IMAP, false, &config->imap_listen },
        { "imaps", IPC_SERVICE_IMAP, true, &config->imaps_listen },
        { "lmtp", IPC_SERVICE_LMTP, false, &config->lmtp_listen },
        { "metrics", IPC_SERVICE_METRICS, false, &config->metrics_listen },
        { "control", 0, false, NULL },
    };
    enum err err = ERR_OK;

    for (size_t i = 0; err == ERR_OK && i < ARRAY_COUNT(purposes); i++)
        err = open_purpose(supervisor, &purposes[i], passed, passed_count, why);
    for (size_t i = 0; i < passed_count; i++) {
        if (err == ERR_OK && passed[i].fd >= 0)
            err = note_fail(why, ERR_INVALID,
                            "a socket named \"%s\" was passed to us; FileDescriptorName= must be "
                            "imap, imaps, lmtp, metrics or control",
                            passed[i].name);
        fd_close(&passed[i].fd);
    }
    return err;
}

void ports_close(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->port_count; i++) {
        struct port *port = &supervisor->ports[i];

        if (port->path[0] != '\0')
            file_remove(port->path);
        fd_close(&port->fd);
    }
    supervisor->port_count = 0;
}
