/* An LMTP connection: the session's host, and the parcels in which its messages go to the shards.
 *
 * A parcel is one recipient's share of a message: a ticket (the one that RCPT brought, if it is
 * fresh and the shard takes it; else a new one), the message or its descriptor, the shard's answer.
 * Parcels travel side by side, at most PARCELS_OUT_MAX at once. */
#ifndef ROOST_DAEMON_GATE_LMTP_H
#define ROOST_DAEMON_GATE_LMTP_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/gate/lately.h"
#include "daemon/role/ask.h"
#include "smtp/session.h"
#include "sys/loop.h"
#include "sys/spool.h"

enum {
    PARCELS_OUT_MAX = 64, /* of one message at once */
    PARCEL_LOOK_UP_MS = 30 * 1000,
    PARCEL_DELIVER_MS = 5 * 60 * 1000, /* in all; RFC 5321 section 4.5.3.2.6 gives ten minutes */
};

struct client;
struct lmtp_side;

/* A recipient that auth is asked about. */
struct look_up {
    struct role_ask ask;
    struct lmtp_side *side;
    struct bytes address; /* of the session's */
};

struct parcel {
    struct role_ask ask;
    struct lmtp_side *side;
    size_t index; /* of the recipient */
    const struct ipc_ticket *kept; /* of looked_up, which no RCPT changes while parcels are out: was
                                      shown and may be void; then another one is got */
    struct mono give_up;
};

struct lmtp_side {
    struct client *client;
    struct smtp_session *session;
    struct spool spool;
    int message_fd; /* the finished message, once a parcel needed it so; else -1 */
    struct look_up look_ups[SMTP_ASKED_MAX]; /* by slot */
    unsigned look_ups_out;
    struct lately lately;
    struct looked_up *looked_up; /* by token: of the recipients that were accepted */
    uint32_t looked_up_count;
    uint32_t looked_up_max;
    struct loop_task again; /* answers have come: the session is to be stepped */
    struct parcel *parcels; /* NULL: none are out */
    size_t parcel_count;
    size_t parcels_started;
    size_t parcels_ended;
    bool starttls; /* as soon as all output is out */
    struct mono give_up;
};

/* Sends the message to each recipient. The session hears each answer; the step that it then needs
 * is deferred. */
void parcels_send(struct lmtp_side *side);

static inline bool parcels_are_out(const struct lmtp_side *side)
{
    return side->parcels != NULL;
}

/* The session is stepped once all that has come is heard: one write tells of it. */
void lmtp_step_soon(struct lmtp_side *side);

/* Forgets those that are out: the client is gone. What a shard has it may still deliver. */
void parcels_drop(struct lmtp_side *side);

enum smtp_verdict parcel_verdict_of_recipient(enum ipc_result result);

#endif
