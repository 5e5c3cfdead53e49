/* A client's place at an account: one IMAP session, stepped by hand.
 *
 * The output stays until the test takes it, as with a client that does not read. */
#ifndef ROOST_TEST_KIT_IMAP_SEAT_H
#define ROOST_TEST_KIT_IMAP_SEAT_H

#include "base/buf.h"
#include "imap/session.h"
#include "kit/desk.h"

struct search_texts;

struct imap_seat {
    struct desk *desk;
    struct imap_session *session;
    struct waker waker;
    struct imap_now now;
    struct buf unsent; /* what the client has said and the session not yet taken */
    struct buf out;
    enum imap_want want; /* of the last step */
    unsigned wakes;
    unsigned steps; /* since imap_seat_run began */
    size_t step_bytes_max; /* the most that one of them put out */
};

/* Begins a session; the answer to its login is taken already. */
void imap_seat_open(struct imap_seat *seat, struct desk *desk);

/* The same for a session that keeps texts for its searches. */
void imap_seat_open_with(struct imap_seat *seat, struct desk *desk, struct search_texts *texts);
void imap_seat_close(struct imap_seat *seat); /* at any time */

/* The client says so. */
void imap_seat_say(struct imap_seat *seat, struct bytes text);

/* One step. */
enum imap_want imap_seat_step(struct imap_seat *seat);

/* Says the line, with CRLF, and takes steps until the session waits for more, with all jobs run;
 * the output is taken before and after each step, as by a client that reads at once. Answers all of
 * it, valid until the next call. */
struct bytes imap_seat_run(struct imap_seat *seat, const char *line);

/* The same until the session waits for input or has ended, without saying anything. */
struct bytes imap_seat_finish(struct imap_seat *seat);

#endif
