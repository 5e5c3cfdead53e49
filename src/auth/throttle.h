/* The price of failed logins: who has failed lately waits before the next attempt is looked at.
 *
 * By address (IPv6 by its /64): after each failure the delay doubles, from 500 ms to 15 s, and
 * attempts from there are let through one in each delay, however many connections make them; who
 * would have to wait longer than 30 s is sent away. By account (any name, existing or not): from
 * the fourth failure on answers are held back, up to 3 s, in no queue: a guesser elsewhere may slow
 * the owner down but not lock him out. One failure is forgiven for each minute without another. A
 * client that repeats the same wrong password (an old phone) pays no more each time. Loopback and
 * unix clients have no address to blame.
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
    THROTTLE_ADDRESS_MS_MIN = 500,
    THROTTLE_ADDRESS_MS_MAX = 15000,
    THROTTLE_ACCOUNT_FREE = 3, /* failures without a delay */
    THROTTLE_ACCOUNT_MS_MIN = 500,
    THROTTLE_ACCOUNT_MS_MAX = 3000,
    THROTTLE_WAIT_MS_MAX = 30000,
    THROTTLE_FORGIVE_MS = 60000,
};

struct throttle;

struct throttle *throttle_new(uint64_t secret, size_t entries_max);

/* NULL is allowed. */
void throttle_free(struct throttle *throttle);

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
