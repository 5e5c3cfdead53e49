/* Channels: messages, descriptors, hostile senders, a peer that does not read. */
#include "sys/channel.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "kit/assert_bytes.h"
#include "sys/fd.h"

struct end {
    struct channel channel;
    struct buf got; /* all messages, one after the other */
    size_t messages, fds, closes;
    int kept_fd;
    bool leave;
    struct channel *first; /* is looked into when something has come */
};

static void on_received(struct channel *channel, struct bytes message, struct channel_fds *fds)
{
    struct end *end = CONTAINER_OF(channel, struct end, channel);

    if (end->first != NULL)
        channel_receive_now(end->first);
    buf_add(&end->got, message);
    end->messages++;
    end->fds += fds->count;
    if (fds->count > 0 && end->kept_fd < 0)
        end->kept_fd = fd_take(&fds->fd[0]);
    if (end->leave)
        channel_done(channel);
}

static void on_closed(struct channel *channel)
{
    CONTAINER_OF(channel, struct end, channel)->closes++;
}

struct scene {
    struct loop *loop;
    struct end a, b;
};

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    int pair[2];

    assert_int_equal(fd_pair_channel(pair), ERR_OK);
    scene->loop = loop_new();
    scene->a.kept_fd = scene->b.kept_fd = -1;
    scene->a.got = scene->b.got = buf_make(SIZE_MAX);
    channel_init(&scene->a.channel, scene->loop, pair[0], on_received, on_closed);
    channel_init(&scene->b.channel, scene->loop, pair[1], on_received, on_closed);
    *state = scene;
    return 0;
}

static void end_done(struct end *end)
{
    channel_done(&end->channel);
    channel_done(&end->channel);
    buf_done(&end->got);
    fd_close(&end->kept_fd);
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    end_done(&scene->a);
    end_done(&scene->b);
    loop_free(scene->loop);
    free(scene);
    return 0;
}

static void settle(struct scene *scene)
{
    for (int i = 0; i < 10; i++)
        loop_turn(scene->loop, false);
}

static int count_open_fds(void)
{
    int count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void test_messages_both_ways(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(channel_send(&scene->a.channel, BYTES("one"), NULL, 0), ERR_OK);
    assert_int_equal(channel_send(&scene->a.channel, BYTES("two"), NULL, 0), ERR_OK);
    assert_int_equal(channel_send(&scene->b.channel, BYTES("three"), NULL, 0), ERR_OK);
    settle(scene);
    assert_int_equal(scene->b.messages, 2);
    ASSERT_BYTES(buf_bytes(&scene->b.got), BYTES("onetwo"));
    ASSERT_BYTES(buf_bytes(&scene->a.got), BYTES("three"));
}

/* What another channel holds by now is heard first; what was given already stays as it is. */
static void test_receiving_now(void **state)
{
    enum { MESSAGES = 100 };
    struct scene *scene = *state;
    struct scene *other = NULL;
    void *made = NULL;

    assert_int_equal(set_up(&made), 0);
    other = made;
    for (int i = 0; i < MESSAGES; i++)
        assert_int_equal(channel_send(&other->a.channel, BYTES("late"), NULL, 0), ERR_OK);
    assert_true(channel_is_through(&other->a.channel));
    scene->b.first = &other->b.channel; /* on another loop, that does not turn */
    assert_int_equal(channel_send(&scene->a.channel, BYTES("now!"), NULL, 0), ERR_OK);
    settle(scene);
    assert_int_equal(other->b.messages, MESSAGES);
    ASSERT_BYTES(buf_bytes(&scene->b.got), BYTES("now!"));

    other->b.leave = true; /* it ends in the middle */
    assert_int_equal(channel_send(&other->a.channel, BYTES("one"), NULL, 0), ERR_OK);
    assert_int_equal(channel_send(&other->a.channel, BYTES("two"), NULL, 0), ERR_OK);
    assert_int_equal(channel_send(&scene->a.channel, BYTES("x"), NULL, 0), ERR_OK);
    settle(scene);
    assert_int_equal(other->b.messages, MESSAGES + 1);
    assert_int_equal(channel_send(&scene->a.channel, BYTES("y"), NULL, 0), ERR_OK);
    settle(scene); /* there is nothing any more */
    ASSERT_BYTES(buf_bytes(&scene->b.got), BYTES("now!xy"));
    (void)tear_down(&made);
}

static void test_size_limits(void **state)
{
    struct scene *scene = *state;
    static uint8_t large[CHANNEL_MESSAGE_BYTES_MAX + 1];
    const int many[CHANNEL_FDS_MAX + 1] = { 0 };

    assert_int_equal(channel_send(&scene->a.channel, bytes_make(large, sizeof(large)), NULL, 0),
                     ERR_INVALID);
    assert_int_equal(channel_send(&scene->a.channel, BYTES(""), NULL, 0), ERR_INVALID);
    assert_int_equal(channel_send(&scene->a.channel, BYTES("x"), many, CHANNEL_FDS_MAX + 1),
                     ERR_INVALID);
    assert_int_equal(channel_send(&scene->a.channel, bytes_make(large, sizeof(large) - 1), NULL, 0),
                     ERR_OK);
    settle(scene);
    assert_int_equal(scene->b.got.len, CHANNEL_MESSAGE_BYTES_MAX);
}

static void test_descriptors(void **state)
{
    struct scene *scene = *state;
    int before = count_open_fds();
    int fds[CHANNEL_FDS_MAX];

    for (size_t i = 0; i < CHANNEL_FDS_MAX; i++)
        fds[i] = fcntl(0, F_DUPFD_CLOEXEC, 3);
    assert_int_equal(channel_send(&scene->a.channel, BYTES("x"), fds, CHANNEL_FDS_MAX), ERR_OK);
    settle(scene);
    assert_int_equal(scene->b.fds, CHANNEL_FDS_MAX);
    /* One was kept, the rest closed on both sides. */
    assert_int_equal(count_open_fds(), before + 1);
    assert_int_equal(fcntl(scene->b.kept_fd, F_GETFD), FD_CLOEXEC);
}

static void test_a_message_that_comes_cut_short_is_dropped(void **state)
{
    struct scene *scene = *state;
    static uint8_t large[CHANNEL_MESSAGE_BYTES_MAX + 1];
    int before = count_open_fds();

    assert_int_equal(send(scene->a.channel.watch.fd, large, sizeof(large), 0),
                     (ssize_t)sizeof(large));
    assert_int_equal(channel_send(&scene->a.channel, BYTES("good"), NULL, 0), ERR_OK);
    settle(scene);
    ASSERT_BYTES(buf_bytes(&scene->b.got), BYTES("good"));
    assert_int_equal(scene->b.channel.dropped, 1);
    assert_int_equal(count_open_fds(), before);
}

static void test_too_many_descriptors_are_dropped(void **state)
{
    struct scene *scene = *state;
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int) * (CHANNEL_FDS_MAX + 4))];
    } control = { .room = { 0 } };
    char letter = 'x';
    struct iovec piece = { .iov_base = &letter, .iov_len = 1 };
    struct msghdr message = { .msg_iov = &piece,
                              .msg_iovlen = 1,
                              .msg_control = control.room,
                              .msg_controllen = sizeof(control.room) };
    int before = count_open_fds();

    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof(int) * (CHANNEL_FDS_MAX + 4)); /* all of them fd 0 */
    assert_int_equal(sendmsg(scene->a.channel.watch.fd, &message, 0), 1);
    settle(scene);
    assert_int_equal(scene->b.messages, 0);
    assert_int_equal(scene->b.channel.dropped, 1);
    assert_int_equal(count_open_fds(), before);
}

static void test_a_peer_that_does_not_read(void **state)
{
    struct scene *scene = *state;
    static uint8_t block[60000];
    size_t sent = 0;
    enum err err;

    loop_fd_want(&scene->b.channel.watch, 0);
    do {
        memset(block, (int)sent, sizeof(block));
        err = channel_send(&scene->a.channel, bytes_make(block, sizeof(block)), NULL, 0);
        sent += err == ERR_OK;
    } while (err == ERR_OK);
    assert_int_equal(err, ERR_LIMIT);
    assert_true(channel_is_congested(&scene->a.channel));
    assert_true(scene->a.channel.queue_bytes <= CHANNEL_QUEUE_BYTES_MAX);
    loop_fd_want(&scene->b.channel.watch, LOOP_READ);
    for (int i = 0; i < 10000 && scene->b.messages < sent; i++)
        loop_turn(scene->loop, false);
    assert_int_equal(scene->b.messages, sent);
    assert_int_equal(scene->a.channel.queue_bytes, 0);
    for (size_t i = 0; i < sent; i++) /* in order */
        assert_int_equal(buf_bytes(&scene->b.got).at[i * sizeof(block)], (uint8_t)i);
}

static void test_the_end_of_the_peer(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(channel_send(&scene->a.channel, BYTES("last"), NULL, 0), ERR_OK);
    channel_done(&scene->a.channel);
    settle(scene);
    ASSERT_BYTES(buf_bytes(&scene->b.got), BYTES("last"));
    assert_int_equal(scene->b.closes, 1);
    assert_int_equal(channel_send(&scene->b.channel, BYTES("x"), NULL, 0), ERR_CLOSED);
    settle(scene);
    assert_int_equal(scene->b.closes, 1);
}

static void test_a_send_to_nobody_closes_later(void **state)
{
    struct scene *scene = *state;
    int fd = fcntl(0, F_DUPFD_CLOEXEC, 3);

    channel_done(&scene->b.channel);
    assert_int_equal(channel_send(&scene->a.channel, BYTES("x"), &fd, 1), ERR_CLOSED);
    assert_int_equal(scene->a.closes, 0);
    assert_true(fcntl(fd, F_GETFD) >= 0); /* still ours */
    settle(scene);
    assert_int_equal(scene->a.closes, 1);
    fd_close(&fd);
}

static void test_done_inside_a_callback(void **state)
{
    struct scene *scene = *state;

    scene->b.leave = true;
    assert_int_equal(channel_send(&scene->a.channel, BYTES("one"), NULL, 0), ERR_OK);
    assert_int_equal(channel_send(&scene->a.channel, BYTES("two"), NULL, 0), ERR_OK);
    settle(scene);
    assert_int_equal(scene->b.messages, 1);
    assert_int_equal(scene->a.closes, 1);
}

static void test_waiting_calls(void **state)
{
    struct channel_fds fds;
    static uint8_t into[CHANNEL_MESSAGE_BYTES_MAX];
    size_t len = 0;
    int pair[2];
    const int zero = 0;

    (void)state;
    assert_int_equal(fd_pair_channel(pair), ERR_OK);
    assert_int_equal(channel_receive_wait(pair[0], into, &len, &fds, 5), ERR_BUSY);
    assert_int_equal(channel_send_wait(pair[1], BYTES("hello"), &zero, 1, 5), ERR_OK);
    assert_int_equal(channel_receive_wait(pair[0], into, &len, &fds, 5), ERR_OK);
    ASSERT_BYTES(bytes_make(into, len), BYTES("hello"));
    assert_int_equal(fds.count, 1);
    fd_close(&fds.fd[0]);
    while (channel_send_wait(pair[1], bytes_make(into, sizeof(into)), NULL, 0, 0) == ERR_OK)
        continue;
    assert_int_equal(channel_send_wait(pair[1], BYTES("x"), NULL, 0, 5), ERR_BUSY);
    fd_close(&pair[0]);
    assert_int_equal(channel_send_wait(pair[1], BYTES("x"), NULL, 0, 5), ERR_CLOSED);
    fd_close(&pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_messages_both_ways, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_receiving_now, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_size_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_descriptors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_message_that_comes_cut_short_is_dropped, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_too_many_descriptors_are_dropped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_peer_that_does_not_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_end_of_the_peer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_send_to_nobody_closes_later, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_done_inside_a_callback, set_up, tear_down),
        cmocka_unit_test(test_waiting_calls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
