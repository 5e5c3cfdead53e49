/* One IMAP session on a desk. */
#include "kit/imap_seat.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/attributes.h"

enum { SEAT_BYTES_MAX = 256 * 1024 * 1024, STEPS_MAX = 1000000 };

static void on_wake(struct waker *waker)
{
    CONTAINER_OF(waker, struct imap_seat, waker)->wakes++;
}

void imap_seat_open(struct imap_seat *seat, struct desk *desk)
{
    imap_seat_open_with(seat, desk, NULL);
}

void imap_seat_open_with(struct imap_seat *seat, struct desk *desk, struct search_texts *texts)
{
    struct imap_session_options options = {
        .account = desk->account,
        .user = BYTES("tester"),
        .number = 1,
        .limits = &imap_session_limits_default,
        .waker = &seat->waker,
        .texts = texts,
    };

    *seat = (struct imap_seat){
        .desk = desk,
        .waker = { on_wake },
        .now = { { 1000 }, desk->now },
        .unsent = buf_make(SEAT_BYTES_MAX),
        .out = buf_make(SEAT_BYTES_MAX),
    };
    seat->session = imap_session_new(&options, BYTES("login"));
    if (imap_seat_step(seat) != IMAP_WANT_INPUT)
        abort();
    buf_clear(&seat->out);
}

void imap_seat_close(struct imap_seat *seat)
{
    imap_session_free(seat->session);
    buf_done(&seat->unsent);
    buf_done(&seat->out);
    seat->session = NULL;
}

void imap_seat_say(struct imap_seat *seat, struct bytes text)
{
    buf_add(&seat->unsent, text);
}

enum imap_want imap_seat_step(struct imap_seat *seat)
{
    size_t before = seat->out.len;
    size_t used;

    seat->want =
        imap_session_step(seat->session, buf_bytes(&seat->unsent), seat->now, &used, &seat->out);
    buf_consume(&seat->unsent, used);
    seat->steps++;
    if (seat->out.len - before > seat->step_bytes_max)
        seat->step_bytes_max = seat->out.len - before;
    return seat->want;
}

/* Nothing more comes of it by itself. */
static bool is_at_rest(const struct imap_seat *seat)
{
    return seat->want == IMAP_WANT_CLOSE || seat->want == IMAP_WANT_HAND_BACK ||
           (seat->want == IMAP_WANT_INPUT && seat->unsent.len == 0);
}

struct bytes imap_seat_finish(struct imap_seat *seat)
{
    struct buf taken = buf_make(SEAT_BYTES_MAX);

    seat->steps = 0;
    seat->step_bytes_max = 0;
    do {
        (void)imap_seat_step(seat);
        buf_add(&taken, buf_bytes(&seat->out));
        buf_clear(&seat->out);
        if (seat->want == IMAP_WANT_WAKE)
            desk_settle(seat->desk);
        if (seat->steps > STEPS_MAX) {
            fprintf(stderr, "the session never comes to rest\n");
            abort();
        }
    } while (!is_at_rest(seat));
    buf_done(&seat->out);
    seat->out = taken;
    return buf_bytes(&seat->out);
}

struct bytes imap_seat_run(struct imap_seat *seat, const char *line)
{
    buf_clear(&seat->out);
    imap_seat_say(seat, bytes_from_string(line));
    imap_seat_say(seat, BYTES("\r\n"));
    return imap_seat_finish(seat);
}
