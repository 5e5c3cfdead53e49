/* The mail that the load consists of: message `number` of a plan is the same bytes in every run, so
 * that what a server answers can be compared, and planted words say in advance what a search finds.
 *
 * Sizes lie between a quarter of the plan's and four times it, the median is the plan's. Every
 * third message has two parts, every fourth answers the one before it. No line begins with a dot;
 * all lines end in CRLF. */
#ifndef ROOST_BENCH_LOAD_MAIL_H
#define ROOST_BENCH_LOAD_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum {
    MAIL_ID_BYTES = 64,
    MAIL_SIZE_MIN = 1000, /* bytes: smaller plans have room for the header only */
    MAIL_SOUGHT = 77, /* the message whose Message-ID is searched for */
    MAIL_ANSWER_EVERY = 4, /* messages of which the number is a multiple answer the one before */
};

struct mail_plan {
    uint64_t seed;
    uint64_t size; /* median bytes of a message */
    uint64_t
        period; /* the mailbox is copies of so many messages, behind each other; 0: it is not */
};

/* Of which message the one with that sequence number is a copy; mostly of itself. */
uint64_t mail_origin(const struct mail_plan *plan, uint64_t sequence);

/* What is planted, in which messages: mail_is_planted. */
enum mail_plant {
    MAIL_PLANT_FLAG, /* \Flagged, given with APPEND */
    MAIL_PLANT_FROM, /* "From: Planted Sender <planted@example.net>" */
    MAIL_PLANT_SUBJECT, /* "harvest report" */
    MAIL_PLANT_BODY, /* "quicksilverword", near the end of the text */
    MAIL_PLANT_DATE, /* MAIL_OLD_DATE, given with APPEND */
    MAIL_PLANT_LARGE, /* above mail_large_bytes */
    MAIL_PLANT_ID, /* the message MAIL_SOUGHT */
    MAIL_PLANTS,
};

#define MAIL_OLD_DATE "\"05-Feb-2020 12:00:00 +0000\""

bool mail_is_planted(const struct mail_plan *plan, enum mail_plant plant, uint64_t number);

/* How many of the first `count` messages of the mailbox have it, and the sum of their sequence
 * numbers into `out_sum`. */
uint64_t mail_planted_count(const struct mail_plan *plan, enum mail_plant plant, uint64_t count,
                            uint64_t *out_sum);

/* Between the largest messages and all others. */
uint64_t mail_large_bytes(const struct mail_plan *plan);

/* When a message was sent, by its Date, in seconds from the beginning of a month. */
uint64_t mail_sent_s(const struct mail_plan *plan, uint64_t number);

/* Message-ID of a message, without brackets; NUL-terminated. */
void mail_write_id(const struct mail_plan *plan, uint64_t number, char id[MAIL_ID_BYTES]);

/* Adds the whole message. */
void mail_write(const struct mail_plan *plan, uint64_t number, struct buf *out);

/* What tells whether a message came back whole. */
struct mail_sum {
    uint32_t crc; /* CRC32C */
    uint32_t len; /* bytes */
};

/* Those of messages 1 to `count`, each of itself, at index number - 1. The caller frees them. */
struct mail_sum *mail_sums_new(const struct mail_plan *plan, uint64_t count);

#endif
