/* The price of failed logins: who has failed lately waits before the next attempt is looked at.
 *
 * The first failure costs `first_ms`, each further one twice as much, up to `max_ms`; one failure
 * is forgiven for each minute without another. By address (IPv6 by its /64) attempts are let
 * through one in each delay, however many connections make them; who would have to wait longer than
 * THROTTLE_QUEUE times the longest delay is sent away. By account (any name, existing or not)
 * answers are held back, in no queue and for no more than four times `first_ms`: a guesser
 * elsewhere may slow the owner down but not lock him out. A client that repeats the same wrong
 * password (an old phone) pays no more each time. Loopback and unix clients have no address to
 * blame.
 *
 * Pure: `now` is passed in. Memory is bounded: the entries least recently used are forgotten. */
#ifndef ROOST_AUTH_THROTTLE_H
#define ROOST_AUTH_THROTTLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/time.h"

enum {
    THROTTLE_ENTRIES = 32768, /* addresses, and as many names */
    THROTTLE_ACCOUNT_FREE = 3, /* failures of a name that do not slow its success down */
    THROTTLE_QUEUE = 2,
    THROTTLE_FORGIVE_MS = 60000,
    THROTTLE_ORIGIN_BYTES = 9,
};

struct throttle_options {
    uint64_t secret; /* random: strangers choose addresses and names */
    size_t entries_max; /* not 0 */
    int64_t first_ms; /* 0: no delays at all */
    int64_t max_ms;
};

struct throttle;

struct throttle *throttle_new(const struct throttle_options *options);

/* NULL is allowed. */
void throttle_free(struct throttle *throttle);

/* Whom the address is counted as: the IPv4 address or the IPv6 /64, as a key for tables. Answers
 * its length, 0 for loopback, unix and anything that is no address. */
size_t throttle_origin(struct bytes address, uint8_t out_key[THROTTLE_ORIGIN_BYTES]);

/* An attempt from that address ("192.0.2.1:4711", "[2001:db8::1]:4711") wants to be verified: false
 * when it must be refused, else how long it has to wait first (0: go on). Its turn is taken by
 * asking. Anything that is no IP address of another machine never waits. */
MUST_USE bool throttle_admit(struct throttle *throttle, struct bytes address, struct mono now,
                             int64_t *out_wait_ms);

/* An attempt failed. Answers for how long to hold the answer back. `fingerprint` stands for name
 * and password tried; 0: unknown. `name` is the folded one; empty: none was given. */
int64_t throttle_failed(struct throttle *throttle, struct bytes address, struct bytes name,
                        uint64_t fingerprint, struct mono now);

/* An attempt succeeded: the address starts afresh. Answers for how long to hold the answer back,
 * because the name is under attack. */
int64_t throttle_succeeded(struct throttle *throttle, struct bytes address, struct bytes name,
                           struct mono now);

#endif
