/* Messages between processes as bytes and back: pure, and with no trust in the other side.
 *
 * A packet is a u16 type and the fields of that type's struct in order: integers little-endian,
 * booleans as 0 or 1, bytes with a varint length, tickets and account ids as 16 raw bytes. Every
 * bytes field has a maximum of its own (codec.c), every enumeration its range. */
#ifndef ROOST_IPC_CODEC_H
#define ROOST_IPC_CODEC_H

#include <stdbool.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "ipc/messages.h"

/* A message and its type. The member that belongs to a type is named after its struct; types
 * without fields use none. `request` is the first field of all that have one. */
struct ipc_message {
    enum ipc_type type;
    union {
        struct ipc_request request;
        struct ipc_listener listener;
        struct ipc_peer peer;
        struct ipc_start start;
        struct ipc_place place;
        struct ipc_tls_tickets tls_tickets;
        struct ipc_text_answer text_answer;
        struct ipc_auth_start auth_start;
        struct ipc_auth_data auth_data;
        struct ipc_auth_result auth_result;
        struct ipc_recipient recipient;
        struct ipc_recipient_result recipient_result;
        struct ipc_ticket_announce ticket_announce;
        struct ipc_answer answer;
        struct ipc_handoff handoff;
        struct ipc_deliver deliver;
        struct ipc_deliver_answer deliver_answer;
        struct ipc_hand_back hand_back;
        struct ipc_tls_start tls_start;
        struct ipc_tls_answer tls_answer;
        struct ipc_account account;
        struct ipc_account_answer account_answer;
        struct ipc_account_drop account_drop;
        struct ipc_maintain maintain;
    };
};

/* Appends the packet to `out`. False when a field is over its maximum or out of its range, or when
 * the packet would pass IPC_BYTES_MAX or the buf's maximum: `out` is then as before, but for the
 * buf's overflow mark. */
MUST_USE bool ipc_encode(const struct ipc_message *message, struct buf *out);

/* The whole packet, or false: unknown type, cut short, bytes left over, a field out of its bounds.
 * Bytes fields borrow from `packet`. Fields that the type lacks are zero. */
MUST_USE bool ipc_decode(struct bytes packet, struct ipc_message *out_message);

/* False for a challenge and for a part of a list or of an act: more answers to the same request
 * will come. */
MUST_USE bool ipc_is_last(const struct ipc_message *answer);

/* Most bytes of a `text` that goes with a refusal; JSON texts may have 60 KB. */
enum { IPC_TEXT_BYTES_MAX = 1000 };

#endif
