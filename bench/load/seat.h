/* One client of a run: it logs in, then does operations until the run has begun them all. */
#ifndef ROOST_BENCH_LOAD_SEAT_H
#define ROOST_BENCH_LOAD_SEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "load/run.h"
#include "load/wants.h"
#include "load/wire.h"

/* What the seats of a run share. */
struct run {
    const struct run_options *options;
    struct run_result *result;
    struct wants wants;
    struct mail_sum *sums; /* owned; NULL when no bytes are compared */
    uint64_t sums_count;
    uint8_t
        *is_stored; /* owned; of the mix: for each account and message, whether it has the flag */
    struct seat *speaker; /* of WORKLOAD_HEAR, which all others hear; or NULL */
    uint64_t start_ns;
    uint64_t begun; /* operations */
    uint64_t ended; /* the good ones and the others */
    uint64_t ready; /* seats that wait for the start */
    uint64_t heard; /* seats that have heard of the operation that was begun last */
    bool is_told; /* run_options.until_told: the input has ended */
    bool is_closing; /* no operation is begun any more */
};

enum seat_step {
    SEAT_GREETING,
    SEAT_LOGIN, /* LHLO of a delivery */
    SEAT_SETUP,
    SEAT_SELECT,
    SEAT_READY,
    SEAT_PREPARE,
    SEAT_COMMAND, /* the timed one */
    SEAT_HEARING, /* the speaker's is over; not all have heard */
    SEAT_IDLE, /* hears */
    SEAT_VERIFY,
    SEAT_ENVELOPE, /* MAIL, RCPT and DATA, sent together */
    SEAT_DATA,
    SEAT_LOGOUT,
    SEAT_OVER, /* nothing left to do, or the run failed */
};

struct seat {
    struct run *run;
    const struct workload *task; /* what it does */
    struct wire wire;
    struct check check;
    enum seat_step step;
    const char *script; /* lines that are still to be sent */
    char tag[24]; /* of the last command, NUL-terminated */
    uint64_t index; /* among the seats */
    uint64_t commands;
    uint64_t operation; /* its number in the run */
    uint64_t turns; /* operations of this seat */
    uint64_t exists; /* messages that it was told of */
    uint64_t exists_first; /* when it began to hear */
    uint64_t begun_ns;
    uint64_t ended_ns;
    uint64_t answers_left; /* of a delivery */
    struct buf text; /* of the message that was made last ... */
    uint64_t text_number; /* ... and its number; 0: none was */
    bool is_wrong; /* the operation, from an earlier command of it */
    bool is_new; /* its connection is not watched yet */
};

/* Connects, or makes ready to connect for each operation. False: the run has failed. */
bool seat_open(struct seat *seat, struct run *run, uint64_t index);
void seat_close(struct seat *seat);

/* From SEAT_READY or after an operation: begins the next, or is over. False: the run has failed. */
bool seat_go_on(struct seat *seat);

/* Once all have heard of the speaker's operation: begins the next. False: the run has failed. */
bool seat_all_heard(struct seat *speaker);

/* Reads what has come and answers it. False: the run has failed. */
bool seat_work(struct seat *seat);

/* Nanoseconds of CLOCK_MONOTONIC. */
uint64_t seat_now_ns(void);

#endif
