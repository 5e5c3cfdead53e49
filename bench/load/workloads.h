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
    WORKLOAD_MIX, /* operations of workload_of_mix */
    WORKLOAD_HEAR, /* the first connection appends, all others hear of it in IDLE */
};

/* How many of the word that is counted. */
enum workload_amount {
    AMOUNT_NONE,
    AMOUNT_ONE, /* message, %o */
    AMOUNT_PAGE,
    AMOUNT_BLOCK,
    AMOUNT_ALL,
    AMOUNT_HITS, /* of `plant` */
};

enum { WORKLOAD_PAGE = 50 }; /* messages; a smaller mailbox is one page */

/* In texts, %m is the mailbox that is read, %a all of it as a set, %b the block, %p a page, %o one
 * message (another one each time), %s plus or minus, by turns: what is set in one round is unset in
 * the next; %l is mail_large_bytes, %i the Message-ID of MAIL_SOUGHT. */
struct workload {
    const char *name;
    const char
        *setup; /* commands before the start, LF between them; whether they fail is no matter */
    const char *select; /* the mailbox selected before the start, in texts' terms; NULL: none */
    const char
        *prepare; /* commands before each round that are not timed, LF between them; or NULL */
    const char *command;
    const char *verify; /* a search after each round, not timed: the block is found after plus,
                         * nothing after minus; or NULL. One connection. */
    const char *word; /* what is counted (check.h); NULL: nothing */
    const char *holds; /* stands in each answer that is counted (check.h) */
    const char *ok_holds; /* stands in the tagged OK */
    enum workload_kind kind;
    enum workload_amount amount;
    enum mail_plant plant; /* of AMOUNT_HITS */
    unsigned messages_each; /* of WORKLOAD_APPEND */
    bool is_even; /* of WORKLOAD_APPEND: each connection begins with message 1, and does as many as
                     any other */
    unsigned pause_us; /* after each operation; one connection */
    unsigned weight; /* in the mix, of 100 */
    bool is_shared; /* others are at work in the mailbox: check.h */
    bool by_date; /* the answer is in the order of the Dates */
    bool by_thread; /* the answer has the threads */
    bool own_id; /* each answer has the Message-ID of its message */
    bool own_bytes; /* each answer has the bytes of its message */
};

/* What the operation of that number is, drawn from the parts of the mix by their weights. */
const struct workload *workload_of_mix(uint64_t operation);

/* NULL: there is none of that name. */
const struct workload *workload_find(const char *name);

/* A name a line to standard output. */
void workload_list(void);

#endif
