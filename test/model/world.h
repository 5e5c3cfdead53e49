/* A small model of an account, written from the RFCs: names, mailboxes, messages, changes.
 *
 * It knows nothing of logs or views. Every change has a number, one more than the last; it is the
 * MODSEQ of what it touched (RFC 7162 section 3.1 asks only that it grows: the house rule is
 * stricter, and so is this model). Old states of a message are kept as long as a client may have
 * been told of them. */
#ifndef ROOST_TEST_MODEL_WORLD_H
#define ROOST_TEST_MODEL_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/command.h"

enum {
    BOXES_MAX = 400, /* ever made in one life of the world */
    BOX_ROWS_MAX = 800, /* UIDs of one mailbox */
    BOX_ALIVE_MAX = 60, /* the generator stops filling a mailbox here */
    VERSIONS_MAX = 12,
    SUBSCRIPTIONS_MAX = 64,
    ID_BYTES_MAX = 24,
    BORN_BOXES = 6,
};

struct version {
    uint64_t modseq;
    uint16_t flags;
};

struct row_model {
    uint32_t uid;
    uint8_t sample;
    uint8_t day; /* of INTERNALDATE; 0: when it came */
    uint32_t number; /* in its text */
    uint64_t expunged; /* the change that did it; 0: it is there */
    uint32_t version_count; /* ever; the last VERSIONS_MAX are kept */
    struct version versions[VERSIONS_MAX]; /* at modulo */
    char email_id[ID_BYTES_MAX]; /* as told; empty: not yet */
    char thread_id[ID_BYTES_MAX];
};

struct box {
    const char *name; /* canonical */
    bool deleted;
    uint8_t use; /* bits of special uses */
    uint32_t uidvalidity; /* as told; 0: not yet */
    char id[ID_BYTES_MAX]; /* MAILBOXID as told */
    uint32_t uidnext;
    uint32_t recent_floor;
    uint64_t highest; /* HIGHESTMODSEQ; 0: not known (a mailbox that nothing happened to) */
    uint16_t keywords; /* ever used in it */
    uint32_t row_count;
    uint32_t alive;
    struct row_model *rows; /* BOX_ROWS_MAX, by UID */
};

struct world {
    uint64_t change; /* of the last change */
    struct box boxes[BOXES_MAX];
    unsigned box_count;
    const char *subscriptions[SUBSCRIPTIONS_MAX];
    unsigned subscription_count;
    char names[BOXES_MAX * 4][48]; /* made by RENAME */
    unsigned name_count;
};

/* As a new account is; `change` is the number of its last change. */
void world_init(struct world *world, uint64_t change);
void world_done(struct world *world);

struct box *world_find(struct world *world, const char *name); /* NULL: there is none */
struct box *world_by_uidvalidity(struct world *world, uint32_t uidvalidity);
bool world_is_subscribed(const struct world *world, const char *name);
void world_subscribe(struct world *world, const char *name, bool subscribed);

/* A mailbox and the levels above it that are missing. */
/* Whether a mailbox has one of these uses. */
bool world_has_use(const struct world *world, uint8_t uses);

/* The use of the mailbox of this name in a new account, which it has again when it is made anew. */
uint8_t world_usual_use(const char *name);

struct box *world_create(struct world *world, const char *name, uint8_t use);
/* Neither the new name nor one of those below is taken. */
bool world_has_room(struct world *world, const struct box *box, const char *to);
/* With all below it; of INBOX the messages only. */
void world_rename(struct world *world, struct box *box, const char *to);
void world_delete(struct world *world, struct box *box);

/* A new message, with the change at hand. */
struct row_model *box_add(struct world *world, struct box *box, const struct row_model *like,
                          uint16_t flags);
void box_expunge(struct world *world, struct box *box, struct row_model *row);
/* False: nothing changes. */
bool box_set_flags(struct world *world, struct box *box, struct row_model *row, uint16_t flags);
struct row_model *box_row(struct box *box, uint32_t uid); /* NULL: never was */

const struct version *row_now(const struct row_model *row);
/* The state that the message had after that change; NULL: none is known. */
const struct version *row_version(const struct row_model *row, uint64_t modseq);

/* Over messages that are there. */
uint32_t box_count(const struct box *box, uint16_t flag, bool wanted);
uint64_t box_bytes(const struct box *box);
uint32_t box_recent(const struct box *box);

#endif
