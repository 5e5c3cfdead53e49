/* One life of an account in this process: events in an order that is known, and after each step of
 * a session all that it said is held against the model. */
#ifndef ROOST_TEST_MODEL_PLAY_H
#define ROOST_TEST_MODEL_PLAY_H

#include "model/command.h"

enum { CLIENTS = 4, EVENTS_MAX = 6000, FAILURE_BYTES = 4000 };

enum event_kind {
    EVENT_SAY, /* the client begins to say a command */
    EVENT_RUN, /* and says all, and hears all */
    EVENT_FEED, /* at most `amount` bytes reach the server; one step */
    EVENT_STEP, /* one step without input */
    EVENT_CUT, /* the connection breaks; the client comes back */
    EVENT_DONE, /* the end of IDLE */
    EVENT_LAZY, /* the client stops reading, or reads all and goes on */
    EVENT_COLD, /* the page cache forgets */
    EVENT_JOB, /* one job runs */
    EVENT_TICK, /* housekeeping */
    EVENT_REOPEN, /* the server stops in order and starts again */
};

struct event {
    uint8_t kind; /* enum event_kind */
    uint8_t client;
    uint32_t amount;
    struct model_command command;
};

/* In memory that outlives the process that plays. */
struct report {
    uint64_t seed;
    uint64_t commands;
    uint64_t responses;
    uint64_t by_verb[VERB_COUNT];
    uint64_t uid_forms;
    uint64_t cuts;
    uint64_t overlaps; /* commands that others came in between of */
    uint64_t pipelined;
    uint64_t waits; /* steps that end waiting for the disk */
    uint64_t drains; /* steps that end because the client does not read */
    uint32_t event_count;
    char failure[FAILURE_BYTES]; /* empty: none */
    char last_line[FAILURE_BYTES];
    struct event events[EVENTS_MAX];
};

/* Makes up `count` events from the seed, writes them down in the report and plays them. */
void play_seed(struct report *report, uint64_t seed, uint32_t count);
/* Plays the events of the report; with `aloud` it prints them as a dialogue. */
void play_again(struct report *report, bool aloud);

#endif
