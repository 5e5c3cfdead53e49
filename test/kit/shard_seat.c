/* Seating a shard among fake peers. */
#include "kit/shard_seat.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void look_at_marks(struct executor *executor, struct job *job)
{
    struct fixture *f = CONTAINER_OF(executor, struct fixture, executor);
    struct ipc_account_id ids[MARKS_MAX];
    size_t at = strlen(f->marked);

    if (at < sizeof(f->marked) - 1)
        f->marked[at] = marks_read(f->memory, ids) == 1 ? (char)ids[0].raw[0] : '-';
    f->jobs.executor.submit(&f->jobs.executor, job);
}

static void give_memory(struct fixture *f)
{
    struct ipc_message memory = { .type = IPC_MEMORY };
    int fd = -1;

    assert_int_equal(fd_make_memory(MARKS_BYTES, &fd), ERR_OK);
    assert_int_equal(fd_map(fd, MARKS_BYTES, &f->memory), ERR_OK);
    fake_say(f->supervisor, &memory, fd);
}

void seat_start_shard(struct fixture *f)
{
    struct ipc_message directory = { .type = IPC_DIRECTORY };
    int pair[2];

    f->executor.submit = look_at_marks;
    f->shard = shard_new(&f->executor);
    assert_int_equal(fd_pair_channel(pair), ERR_OK);
    f->supervisor = pair[1];
    role_init(&f->role, &mail_role, f->shard, f->loop, pair[0]);
    fake_say(f->supervisor, &directory, open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    give_memory(f);
    fake_start(f->loop, f->supervisor, IPC_ROLE_MAIL,
               BYTES("mail.message_bytes_max = 100000\n"
                     "log.level = error\n"));
    f->auth = fake_join(f->supervisor, IPC_ROLE_AUTH, 0, 5);
    f->gate = fake_join(f->supervisor, IPC_ROLE_GATE, 0, GATE_INCARNATION);
    fake_settle(f->loop);
}

/* Turns and jobs, until nothing is left but waiting for somebody. */
void seat_settle(struct fixture *f)
{
    for (int i = 0; i < 20; i++) {
        loop_turn(f->loop, false);
        jobs_settle(&f->jobs);
    }
}

void seat_stop_shard(struct fixture *f)
{
    seat_settle(f);
    shard_free(f->shard);
    role_done(&f->role);
    fd_unmap(f->memory, MARKS_BYTES);
    fd_close(&f->supervisor);
    fd_close(&f->auth);
    fd_close(&f->gate);
}

int seat_set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->loop = loop_new();
    jobs_init(&f->jobs);
    (void)snprintf(f->path, sizeof(f->path), "/tmp/roost-shard-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    seat_start_shard(f);
    *state = f;
    return 0;
}

int seat_tear_down(void **state)
{
    struct fixture *f = *state;

    seat_stop_shard(f);
    (void)nftw(f->path, remove_one, 10, FTW_DEPTH | FTW_PHYS);
    loop_free(f->loop);
    free(f);
    return 0;
}

/* Account ids are one byte, sixteen times. */
struct ipc_ticket seat_announce(struct fixture *f, uint8_t account, uint8_t service)
{
    struct ipc_message message = { IPC_TICKET,
                                   { .ticket_announce = { .request = 1,
                                                          .gate_incarnation = GATE_INCARNATION,
                                                          .mail_incarnation = SHARD_INCARNATION,
                                                          .service = service,
                                                          .account = BYTES("alice") } } };

    memset(message.ticket_announce.ticket.raw, ++f->next_ticket, IPC_TICKET_BYTES);
    memset(message.ticket_announce.account_id.raw, account, IPC_ACCOUNT_ID_BYTES);
    fake_say(f->auth, &message, -1);
    fake_hear(f->loop, f->auth, &f->mail);
    assert_int_equal(f->mail.got.type, IPC_TICKET_ANSWER);
    assert_int_equal(f->mail.got.answer.result, IPC_OK);
    return message.ticket_announce.ticket;
}

/* Hands a connection over; answers the client's end and what the shard said. */
int seat_hand_over(struct fixture *f, struct ipc_ticket ticket, struct bytes unread,
                   enum ipc_result *out_result)
{
    struct ipc_message message = {
        IPC_HANDOFF,
        { .handoff = { .request = 2,
                       .ticket = ticket,
                       .service = IPC_SERVICE_IMAP,
                       .client = { .session = 99, .address = BYTES("192.0.2.1:1") },
                       .tag = BYTES("l"),
                       .unread = unread } }
    };
    int pair[2];

    assert_int_equal(fd_pair_stream(pair), ERR_OK);
    fake_say(f->gate, &message, pair[0]);
    fake_hear(f->loop, f->gate, &f->mail);
    assert_int_equal(f->mail.got.type, IPC_HANDOFF_ANSWER);
    *out_result = (enum ipc_result)f->mail.got.answer.result;
    return pair[1];
}

/* What has come for a client by now. */
const char *seat_hear(struct fixture *f, int client)
{
    size_t len = 0;
    ssize_t got;

    while ((got = recv(client, f->text + len, TEXT_BYTES_MAX - 1 - len, MSG_DONTWAIT)) > 0)
        len += (size_t)got;
    f->text[len] = '\0';
    return f->text;
}

bool seat_is_closed(int client)
{
    char byte;

    return recv(client, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

int seat_log_in(struct fixture *f, uint8_t account)
{
    enum ipc_result result;
    int client = seat_hand_over(f, seat_announce(f, account, IPC_SERVICE_IMAP), BYTES(""), &result);

    assert_int_equal(result, IPC_OK);
    seat_settle(f);
    assert_non_null(strstr(seat_hear(f, client), "l OK"));
    return client;
}

void seat_say(int client, const char *text)
{
    assert_int_equal(send(client, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Says it and waits until all is done; answers what was said back. */
const char *seat_ask(struct fixture *f, int client, const char *text)
{
    seat_say(client, text);
    seat_settle(f);
    return seat_hear(f, client);
}

void seat_deliver(struct fixture *f, struct ipc_ticket ticket, struct bytes mailbox,
                  struct bytes message)
{
    struct ipc_message deliver = { IPC_DELIVER,
                                   { .deliver = { .request = 3,
                                                  .ticket = ticket,
                                                  .service = IPC_SERVICE_LMTP,
                                                  .recipient = BYTES("alice@example.org"),
                                                  .mailbox = mailbox,
                                                  .trace = BYTES("Return-Path: <>\r\n"),
                                                  .size = message.len } } };

    if (message.len <= IPC_CONTENT_BYTES_MAX)
        deliver.deliver.content = message;
    fake_say(f->gate, &deliver, message.len <= IPC_CONTENT_BYTES_MAX ? -1 : fake_memfd(message));
}

enum ipc_result seat_hear_delivered(struct fixture *f)
{
    fake_hear(f->loop, f->gate, &f->mail);
    assert_int_equal(f->mail.got.type, IPC_DELIVER_ANSWER);
    return (enum ipc_result)f->mail.got.deliver_answer.result;
}
