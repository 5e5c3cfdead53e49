/* Streams over a socketpair and over TCP. */
#include "sys/stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kit/assert_bytes.h"
#include "sys/fd.h"

enum { TURNS_MAX = 20000 };

struct owner {
    struct stream stream;
    struct buf got;
    int ends, drains, breaks;
    bool leave_on_input;
};

static void on_input(struct stream *stream, struct bytes in)
{
    struct owner *owner = CONTAINER_OF(stream, struct owner, stream);

    buf_add(&owner->got, in);
    if (owner->leave_on_input)
        stream_done(stream);
}

static void on_input_end(struct stream *stream)
{
    CONTAINER_OF(stream, struct owner, stream)->ends++;
}

static void on_drained(struct stream *stream)
{
    assert_true(stream_unsent(stream) <= stream->out_low);
    CONTAINER_OF(stream, struct owner, stream)->drains++;
}

static void on_broken(struct stream *stream)
{
    CONTAINER_OF(stream, struct owner, stream)->breaks++;
}

static const struct stream_ops ops = { on_input, on_input_end, on_drained, on_broken };
static const struct stream_limits limits = { 1000, 100000, 400000 };

struct scene {
    struct loop *loop;
    struct owner owner;
    int peer;
};

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    int pair[2];

    assert_int_equal(fd_pair_stream(pair), ERR_OK);
    scene->loop = loop_new();
    scene->owner.got = buf_make(SIZE_MAX);
    stream_init(&scene->owner.stream, scene->loop, pair[0], &ops, limits);
    scene->peer = pair[1];
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    stream_done(&scene->owner.stream);
    stream_done(&scene->owner.stream);
    fd_close(&scene->peer);
    buf_done(&scene->owner.got);
    loop_free(scene->loop);
    free(scene);
    return 0;
}

static void settle(struct scene *scene)
{
    for (int i = 0; i < 5; i++)
        loop_turn(scene->loop, false);
}

static size_t drain_peer(struct scene *scene)
{
    uint8_t piece[65536];
    ssize_t got = recv(scene->peer, piece, sizeof(piece), MSG_DONTWAIT);

    return got < 0 ? 0 : (size_t)got;
}

static void test_input_and_pausing(void **state)
{
    struct scene *scene = *state;
    struct owner *owner = &scene->owner;

    assert_int_equal(send(scene->peer, "one", 3, 0), 3);
    settle(scene);
    assert_int_equal(owner->got.len, 0); /* reading is off at first */
    stream_read_start(&owner->stream);
    settle(scene);
    ASSERT_BYTES(buf_bytes(&owner->got), BYTES("one"));
    stream_read_stop(&owner->stream);
    assert_int_equal(send(scene->peer, "two", 3, 0), 3);
    settle(scene);
    ASSERT_BYTES(buf_bytes(&owner->got), BYTES("one"));
    stream_read_start(&owner->stream);
    settle(scene);
    ASSERT_BYTES(buf_bytes(&owner->got), BYTES("onetwo"));
    fd_close(&scene->peer);
    settle(scene);
    assert_int_equal(owner->ends, 1);
    assert_int_equal(owner->breaks, 0);
}

static void test_done_inside_a_callback(void **state)
{
    struct scene *scene = *state;

    scene->owner.leave_on_input = true;
    stream_read_start(&scene->owner.stream);
    assert_int_equal(send(scene->peer, "x", 1, 0), 1);
    settle(scene);
    assert_int_equal(scene->owner.got.len, 1);
    assert_int_equal(recv(scene->peer, &(char){ 0 }, 1, MSG_DONTWAIT), 0); /* closed */
}

static void test_output_goes_at_once_and_holds_no_memory(void **state)
{
    struct scene *scene = *state;
    struct stream *stream = &scene->owner.stream;
    const struct bytes pieces[] = { BYTES("a"), BYTES(""), BYTES("bc") };
    char text[8] = "";

    assert_int_equal(stream_send_pieces(stream, pieces, 3), ERR_OK);
    buf_add_string(stream_out(stream), "def");
    stream_flush(stream);
    assert_int_equal(recv(scene->peer, text, sizeof(text), MSG_DONTWAIT), 6);
    assert_string_equal(text, "abcdef");
    assert_null(stream->out.at);
    assert_int_equal(stream_unsent(stream), 0);
}

static void test_water_marks(void **state)
{
    struct scene *scene = *state;
    struct stream *stream = &scene->owner.stream;
    static uint8_t block[50000];
    size_t sent = 0;
    size_t received = 0;

    while (!stream_is_congested(stream)) {
        assert_int_equal(stream_send(stream, bytes_make(block, sizeof(block))), ERR_OK);
        sent += sizeof(block);
    }
    assert_true(stream_unsent(stream) > limits.out_high);
    assert_int_equal(scene->owner.drains, 0);
    for (int i = 0; i < TURNS_MAX && received < sent; i++) {
        received += drain_peer(scene);
        loop_turn(scene->loop, false);
    }
    assert_int_equal(received, sent);
    assert_int_equal(scene->owner.drains, 1);
    assert_false(stream_is_congested(stream));
    assert_null(stream->out.at);
}

static void test_the_maximum(void **state)
{
    struct scene *scene = *state;
    struct stream *stream = &scene->owner.stream;
    uint8_t *block = calloc(1, limits.out_max + 1);
    size_t before;

    assert_int_equal(stream_send(stream, bytes_make(block, limits.out_max + 1)), ERR_LIMIT);
    assert_int_equal(stream_send(stream, bytes_make(block, limits.out_max)), ERR_OK);
    before = stream_unsent(stream);
    assert_int_equal(stream_send(stream, bytes_make(block, limits.out_max - before + 1)),
                     ERR_LIMIT);
    assert_int_equal(stream_unsent(stream), before);
    assert_int_equal(stream_send(stream, bytes_make(block, limits.out_max - before)), ERR_OK);
    assert_int_equal(stream_unsent(stream), limits.out_max);
    buf_add_byte(stream_out(stream), 'x');
    stream_flush(stream); /* an overflowed buf has lost bytes: the stream is broken */
    settle(scene);
    assert_int_equal(scene->owner.breaks, 1);
    free(block);
}

static void test_shutdown_sends_all_first(void **state)
{
    struct scene *scene = *state;
    struct stream *stream = &scene->owner.stream;
    static uint8_t block[300000];
    size_t received = 0;

    assert_int_equal(stream_send(stream, bytes_make(block, sizeof(block))), ERR_OK);
    stream_shutdown(stream);
    assert_int_equal(stream_send(stream, BYTES("late")), ERR_CLOSED);
    for (int i = 0; i < TURNS_MAX && received < sizeof(block); i++) {
        received += drain_peer(scene);
        loop_turn(scene->loop, false);
    }
    settle(scene);
    assert_int_equal(recv(scene->peer, &(char){ 0 }, 1, MSG_DONTWAIT), 0);
    assert_true(scene->owner.drains >= 1);
    /* Half-closed: input still comes. */
    stream_read_start(stream);
    assert_int_equal(send(scene->peer, "bye", 3, 0), 3);
    settle(scene);
    ASSERT_BYTES(buf_bytes(&scene->owner.got), BYTES("bye"));
}

static void test_a_break_is_told_once_and_later(void **state)
{
    struct scene *scene = *state;
    struct stream *stream = &scene->owner.stream;

    fd_close(&scene->peer);
    assert_int_equal(stream_send(stream, BYTES("x")), ERR_CLOSED);
    assert_int_equal(scene->owner.breaks, 0); /* not from inside the call */
    assert_int_equal(stream_send(stream, BYTES("x")), ERR_CLOSED);
    settle(scene);
    assert_int_equal(scene->owner.breaks, 1);
}

static void test_input_that_survives_a_deaf_peer(void **state)
{
    struct scene *scene = *state;
    struct stream *stream = &scene->owner.stream;

    stream->input_survives = true;
    assert_int_equal(send(scene->peer, "last words", 10, 0), 10);
    fd_close(&scene->peer);
    assert_int_equal(stream_send(stream, BYTES("x")), ERR_CLOSED);
    assert_int_equal(stream_send(stream, BYTES("x")), ERR_CLOSED);
    settle(scene);
    stream_read_start(stream);
    settle(scene);
    ASSERT_BYTES(buf_bytes(&scene->owner.got), BYTES("last words"));
    assert_int_equal(scene->owner.ends, 1);
    assert_int_equal(scene->owner.breaks, 0);
}

static void test_taking_the_descriptor(void **state)
{
    struct scene *scene = *state;
    FD_LOCAL int fd = -1;

    stream_read_start(&scene->owner.stream);
    fd = stream_take_fd(&scene->owner.stream);
    assert_int_equal(send(scene->peer, "x", 1, 0), 1);
    settle(scene);
    assert_int_equal(scene->owner.got.len, 0);
    assert_int_equal(recv(fd, &(char){ 0 }, 1, MSG_DONTWAIT), 1);
}

static void test_tcp_sends_without_delay(void **state)
{
    struct scene *scene = *state;
    struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct stream stream;
    int on = 0;
    socklen_t len = sizeof(on);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
    stream_init(&stream, scene->loop, fd, &ops, limits);
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
    assert_int_equal(on, 1);
    stream_done(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_input_and_pausing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_done_inside_a_callback, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_output_goes_at_once_and_holds_no_memory, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_water_marks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_maximum, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_shutdown_sends_all_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_break_is_told_once_and_later, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_input_that_survives_a_deaf_peer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_taking_the_descriptor, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tcp_sends_without_delay, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
