/* The other end of a role's channels, in a test's hands: says what a supervisor or a peer would
 * say, hears what the role answers. The role lives on the test's loop, without walls. */
#ifndef ROOST_TEST_KIT_FAKE_PEER_H
#define ROOST_TEST_KIT_FAKE_PEER_H

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ipc/codec.h"
#include "kit/assert_bytes.h"
#include "sys/channel.h"
#include "sys/fd.h"
#include "sys/loop.h"

enum { FAKE_WAIT_TURNS = 200, FAKE_WAIT_MS = 10 };

/* A message as it came; `got` borrows from `packet`. `fd` is the test's to close. */
struct fake_mail {
    struct ipc_message got;
    int fd;
    uint8_t packet[CHANNEL_MESSAGE_BYTES_MAX];
};

/* `pass_fd` of -1: none; else it is the role's afterwards. */
static inline void fake_say(int channel, const struct ipc_message *message, int pass_fd)
{
    struct buf packet = buf_make(IPC_BYTES_MAX);

    assert_true(ipc_encode(message, &packet));
    assert_int_equal(
        channel_send_wait(channel, buf_bytes(&packet), &pass_fd, pass_fd < 0 ? 0 : 1, FAKE_WAIT_MS),
        ERR_OK);
    if (pass_fd >= 0)
        (void)close(pass_fd);
    buf_done(&packet);
}

/* Turns the loop until nothing is left to do but wait. */
static inline void fake_settle(struct loop *loop)
{
    for (int i = 0; i < 10; i++)
        loop_turn(loop, false);
}

/* Turns the loop until the role says something on `channel`. */
static inline void fake_hear(struct loop *loop, int channel, struct fake_mail *out_mail)
{
    struct channel_fds fds;
    size_t len = 0;
    enum err err = ERR_BUSY;

    for (int i = 0; i < FAKE_WAIT_TURNS && err == ERR_BUSY; i++) {
        loop_turn(loop, false);
        err =
            channel_receive_wait(channel, out_mail->packet, &len, &fds, i < 20 ? 0 : FAKE_WAIT_MS);
    }
    assert_int_equal(err, ERR_OK);
    assert_true(ipc_decode(bytes_make(out_mail->packet, len), &out_mail->got));
    assert_true(fds.count <= 1);
    out_mail->fd = fds.count == 1 ? fds.fd[0] : -1;
}

/* Fails when the role says anything now. */
static inline void fake_hear_nothing(struct loop *loop, int channel)
{
    static uint8_t packet[CHANNEL_MESSAGE_BYTES_MAX];
    struct channel_fds fds;
    size_t len;

    fake_settle(loop);
    assert_int_equal(channel_receive_wait(channel, packet, &len, &fds, 0), ERR_BUSY);
}

/* A sealed memfd, as the supervisor gives configuration and the gate gives mail. */
static inline int fake_memfd(struct bytes bytes)
{
    int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.at, bytes.len), bytes.len);
    assert_int_equal(
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL), 0);
    return fd;
}

/* Gives the role a channel to a peer; answers the peer's end. */
static inline int fake_join(int supervisor, enum ipc_role of, uint16_t index, uint64_t incarnation)
{
    struct ipc_message peer = { IPC_PEER, { .peer = { (uint8_t)of, index, incarnation } } };
    int pair[2];

    assert_int_equal(fd_pair_channel(pair), ERR_OK);
    fake_say(supervisor, &peer, pair[0]);
    return pair[1];
}

/* Configuration and start; waits for IPC_READY. */
static inline void fake_start(struct loop *loop, int supervisor, enum ipc_role role,
                              struct bytes config)
{
    struct ipc_message text = { .type = IPC_CONFIG };
    struct ipc_message start = { IPC_START, { .start = { (uint8_t)role, 0, 1, 1, false } } };
    static struct fake_mail ready;

    fake_say(supervisor, &text, fake_memfd(config));
    fake_say(supervisor, &start, -1);
    fake_hear(loop, supervisor, &ready);
    assert_int_equal(ready.got.type, IPC_READY);
}

#endif
