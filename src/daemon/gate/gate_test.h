/* A gate in the hands of a test: clients connect to a real socket; auth, shards and tls are played.
 */
#ifndef ROOST_DAEMON_GATE_GATE_TEST_H
#define ROOST_DAEMON_GATE_GATE_TEST_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "daemon/gate/gate.h"
#include "kit/fake_peer.h"

enum { TEXT_BYTES_MAX = 1 << 16, MAIL_INCARNATION = 70 };

struct fixture {
    struct loop *loop;
    struct role role;
    struct gate *gate;
    int supervisor;
    int auth;
    int mail;
    int tls;
    char path[64]; /* of the directory for the socket and the spool */
    struct fake_mail heard;
    char text[TEXT_BYTES_MAX];
};

static inline struct sockaddr_un socket_name(const struct fixture *f, const char *name)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%.50s/%.20s", f->path, name);
    return address;
}

static inline void give_listener(struct fixture *f, const char *name, enum ipc_service service,
                                 bool implicit_tls)
{
    struct sockaddr_un address = socket_name(f, name);
    struct ipc_message message = { IPC_LISTENER,
                                   { .listener = { .service = (uint8_t)service,
                                                   .implicit_tls = implicit_tls,
                                                   .local = true,
                                                   .name = bytes_from_string(name) } } };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 100), 0);
    fake_say(f->supervisor, &message, fd);
}

static inline void start_gate(struct fixture *f, struct bytes config)
{
    struct ipc_message directory = { .type = IPC_DIRECTORY };
    int pair[2];

    f->gate = gate_new();
    assert_int_equal(fd_pair_channel(pair), ERR_OK);
    f->supervisor = pair[1];
    role_init(&f->role, &gate_role, f->gate, f->loop, pair[0]);
    fake_say(f->supervisor, &directory, open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    give_listener(f, "imap", IPC_SERVICE_IMAP, false);
    give_listener(f, "imaps", IPC_SERVICE_IMAP, true);
    give_listener(f, "lmtp", IPC_SERVICE_LMTP, false);
    fake_start(f->loop, f->supervisor, IPC_ROLE_GATE, config);
    f->auth = fake_join(f->supervisor, IPC_ROLE_AUTH, 0, 50);
    f->mail = fake_join(f->supervisor, IPC_ROLE_MAIL, 0, MAIL_INCARNATION);
    f->tls = fake_join(f->supervisor, IPC_ROLE_TLS, 0, 60);
    fake_settle(f->loop);
}

static inline void stop_gate(struct fixture *f)
{
    static const char *const names[] = { "imap", "imaps", "lmtp" };

    role_done(&f->role);
    gate_free(f->gate);
    fd_close(&f->supervisor);
    fd_close(&f->auth);
    fd_close(&f->mail);
    fd_close(&f->tls);
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        (void)unlink(socket_name(f, names[i]).sun_path);
}

static inline int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->loop = loop_new();
    (void)snprintf(f->path, sizeof(f->path), "/tmp/roost-gate-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    start_gate(f, BYTES("log.level = error\n"));
    *state = f;
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *f = *state;

    stop_gate(f);
    assert_int_equal(rmdir(f->path), 0); /* nothing is left in the spool */
    loop_free(f->loop);
    free(f);
    return 0;
}

static inline const char *hear(struct fixture *f, int client)
{
    size_t len = 0;
    ssize_t got;

    fake_settle(f->loop);
    while ((got = recv(client, f->text + len, TEXT_BYTES_MAX - 1 - len, MSG_DONTWAIT)) > 0)
        len += (size_t)got;
    f->text[len] = '\0';
    return f->text;
}

static inline bool is_closed(struct fixture *f, int client)
{
    char byte;

    fake_settle(f->loop);
    return recv(client, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

static inline int dial(struct fixture *f, const char *name)
{
    struct sockaddr_un address = socket_name(f, name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    fake_settle(f->loop);
    return fd;
}

static inline const char *ask(struct fixture *f, int client, const char *text)
{
    assert_int_equal(send(client, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    return hear(f, client);
}

#endif
