/* The workloads, one row each: what is sent, what must come back. */
#ifndef ROOST_BENCH_LOAD_WORKLOADS_H
#define ROOST_BENCH_LOAD_WORKLOADS_H

#include <stdbool.h>
#include <stdint.h>

#include "load/mail.h"

enum workload_kind {
    WORKLOAD_COMMAND, /* `command` again and again */
    WORKLOAD_APPEND, /* messages of their own, `messages_each` in one APPEND to INBOX */
    WORKLOAD_LOGIN, /* connect, LOGIN, SELECT, LOGOUT */
    WORKLOAD_LMTP,
};

/* How many of the word that is counted. */
enum workload_amount {
    AMOUNT_NONE,
    AMOUNT_ONE,
    AMOUNT_BLOCK,
    AMOUNT_ALL,
    AMOUNT_HITS, /* of `plant` */
};

/* In texts, %a is the whole mailbox as a set, %b the block, %o one message (another one each time),
 * %s plus or minus, by turns: what is set in one round is unset in the next. */
struct workload {
    const char *name;
    const char
        *setup; /* commands before the start, LF between them; whether they fail is no matter */
    const char *select; /* the mailbox selected before the start; NULL: none */
    const char
        *prepare; /* commands before each round that are not timed, LF between them; or NULL */
    const char *command;
    const char *verify; /* a search after each round, not timed: the block is found after plus,
                         * nothing after minus; or NULL. One connection. */
    const char *word; /* what is counted (check.h); NULL: nothing */
    const char *holds; /* stands in each answer that is counted */
    const char *ok_holds; /* stands in the tagged OK */
    enum workload_kind kind;
    enum workload_amount amount;
    enum mail_plant plant; /* of AMOUNT_HITS */
    unsigned messages_each; /* of WORKLOAD_APPEND */
    bool own_id; /* each answer has the Message-ID of its message */
    bool own_bytes; /* each answer has the bytes of its message */
};

/* NULL: there is none of that name. */
const struct workload *workload_find(const char *name);

/* A name a line to standard output. */
void workload_list(void);

#endif
