/* One table says how each struct of messages.h lies in a packet; encoding and decoding walk it. */
#include "ipc/codec.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/reader.h"

enum field_kind {
    FIELD_END,
    FIELD_U8, /* below `max` */
    FIELD_BOOL,
    FIELD_U16,
    FIELD_U64,
    FIELD_BYTES, /* at most `max` */
    FIELD_RAW16, /* a ticket, an account id */
};

struct field {
    uint8_t kind;
    uint16_t offset; /* in the message's struct */
    uint32_t max;
};

static_assert(sizeof(struct ipc_message) < UINT16_MAX, "a field's offset fits");

enum { /* bytes */
       NAME_MAX_BYTES = 512, /* of accounts and listeners */
       ADDRESS_MAX_BYTES = 128,
       FACTS_MAX_BYTES = 256,
       PATH_MAX_BYTES = 1100, /* RCPT TO: RFC 5321 section 4.5.3.1 with room for UTF-8 */
       MAILBOX_MAX_BYTES = 2048,
       MECHANISM_MAX_BYTES = 64,
       SASL_MAX_BYTES = 16 * 1024,
       BINDING_MAX_BYTES = 256,
       TAG_MAX_BYTES = 1024,
       UNREAD_MAX_BYTES = 32 * 1024,
       TRACE_MAX_BYTES = 16 * 1024,
       PASSWORD_MAX_BYTES = 4096,
       JSON_MAX_BYTES = 60 * 1024,
       KEYS_MAX_BYTES = 160,
       ACT_MAX_BYTES = 64,
       ARGUMENTS_MAX_BYTES = 16 * 1024,
       ACTOR_MAX_BYTES = 255,
       SERVICES = IPC_SERVICE_SMTP + 1,
};

#define U8_BELOW(type, name, below) \
    { \
        FIELD_U8, offsetof(struct type, name), below \
    }
#define ROLE(type) U8_BELOW(type, role, IPC_ROLE_COUNT)
#define SERVICE(type) U8_BELOW(type, service, SERVICES)
#define RESULT(type) U8_BELOW(type, result, IPC_RESULT_COUNT)
#define BOOL(type, name) \
    { \
        FIELD_BOOL, offsetof(struct type, name), 2 \
    }
#define U16(type, name) \
    { \
        FIELD_U16, offsetof(struct type, name), 0 \
    }
#define U64(type, name) \
    { \
        FIELD_U64, offsetof(struct type, name), 0 \
    }
#define DATA(type, name, bytes_max) \
    { \
        FIELD_BYTES, offsetof(struct type, name), bytes_max \
    }
#define RAW16(type, name) \
    { \
        FIELD_RAW16, offsetof(struct type, name), 0 \
    }
#define REQUEST(type) U64(type, request)
#define CLIENT(type) \
    U64(type, client.session), DATA(type, client.address, ADDRESS_MAX_BYTES), \
        BOOL(type, client.loopback), BOOL(type, client.tls), \
        DATA(type, client.tls_facts, FACTS_MAX_BYTES)

static const struct field no_fields[] = { { FIELD_END, 0, 0 } };
static const struct field request_fields[] = { REQUEST(ipc_request), { FIELD_END, 0, 0 } };
static const struct field answer_fields[] = {
    REQUEST(ipc_answer),
    RESULT(ipc_answer),
    { FIELD_END, 0, 0 },
};
static const struct field text_answer_fields[] = {
    REQUEST(ipc_text_answer),
    RESULT(ipc_text_answer),
    DATA(ipc_text_answer, text, JSON_MAX_BYTES),
    { FIELD_END, 0, 0 },
};
static const struct field listener_fields[] = {
    U8_BELOW(ipc_listener, service, IPC_SERVICE_METRICS + 1),
    BOOL(ipc_listener, implicit_tls),
    BOOL(ipc_listener, local),
    DATA(ipc_listener, name, NAME_MAX_BYTES),
    { FIELD_END, 0, 0 },
};
static const struct field peer_fields[] = {
    ROLE(ipc_peer),
    U16(ipc_peer, index),
    U64(ipc_peer, incarnation),
    { FIELD_END, 0, 0 },
};
static const struct field start_fields[] = {
    ROLE(ipc_start),
    U16(ipc_start, index),
    U64(ipc_start, incarnation),
    U16(ipc_start, shards),
    BOOL(ipc_start, sandbox_required),
    { FIELD_END, 0, 0 },
};
static const struct field place_fields[] = {
    RAW16(ipc_place, account_id),
    U16(ipc_place, shard),
    { FIELD_END, 0, 0 },
};
static const struct field tls_tickets_fields[] = {
    DATA(ipc_tls_tickets, keys, KEYS_MAX_BYTES),
    { FIELD_END, 0, 0 },
};
static const struct field auth_start_fields[] = {
    REQUEST(ipc_auth_start),
    SERVICE(ipc_auth_start),
    CLIENT(ipc_auth_start),
    DATA(ipc_auth_start, mechanism, MECHANISM_MAX_BYTES),
    BOOL(ipc_auth_start, has_initial),
    DATA(ipc_auth_start, initial, SASL_MAX_BYTES),
    DATA(ipc_auth_start, channel_binding, BINDING_MAX_BYTES),
    { FIELD_END, 0, 0 },
};
static const struct field auth_data_fields[] = {
    REQUEST(ipc_auth_data),
    DATA(ipc_auth_data, data, SASL_MAX_BYTES),
    { FIELD_END, 0, 0 },
};
static const struct field auth_result_fields[] = {
    REQUEST(ipc_auth_result),
    RESULT(ipc_auth_result),
    DATA(ipc_auth_result, final_data, SASL_MAX_BYTES),
    RAW16(ipc_auth_result, ticket),
    U16(ipc_auth_result, shard),
    DATA(ipc_auth_result, account, NAME_MAX_BYTES),
    DATA(ipc_auth_result, text, IPC_TEXT_BYTES_MAX),
    { FIELD_END, 0, 0 },
};
static const struct field recipient_fields[] = {
    REQUEST(ipc_recipient),      SERVICE(ipc_recipient),
    U64(ipc_recipient, session), DATA(ipc_recipient, address, PATH_MAX_BYTES),
    U64(ipc_recipient, size),    { FIELD_END, 0, 0 },
};
static const struct field recipient_result_fields[] = {
    REQUEST(ipc_recipient_result),
    RESULT(ipc_recipient_result),
    RAW16(ipc_recipient_result, ticket),
    U16(ipc_recipient_result, shard),
    DATA(ipc_recipient_result, account, NAME_MAX_BYTES),
    { FIELD_END, 0, 0 },
};
static const struct field ticket_announce_fields[] = {
    REQUEST(ipc_ticket_announce),
    RAW16(ipc_ticket_announce, ticket),
    U16(ipc_ticket_announce, gate),
    U64(ipc_ticket_announce, gate_incarnation),
    U64(ipc_ticket_announce, mail_incarnation),
    SERVICE(ipc_ticket_announce),
    RAW16(ipc_ticket_announce, account_id),
    DATA(ipc_ticket_announce, account, NAME_MAX_BYTES),
    U64(ipc_ticket_announce, quota_bytes),
    { FIELD_END, 0, 0 },
};
static const struct field handoff_fields[] = {
    REQUEST(ipc_handoff),
    RAW16(ipc_handoff, ticket),
    SERVICE(ipc_handoff),
    CLIENT(ipc_handoff),
    DATA(ipc_handoff, tag, TAG_MAX_BYTES),
    DATA(ipc_handoff, final_data, SASL_MAX_BYTES),
    DATA(ipc_handoff, unread, UNREAD_MAX_BYTES),
    { FIELD_END, 0, 0 },
};
static const struct field deliver_fields[] = {
    REQUEST(ipc_deliver),
    RAW16(ipc_deliver, ticket),
    BOOL(ipc_deliver, keeps_ticket),
    SERVICE(ipc_deliver),
    CLIENT(ipc_deliver),
    DATA(ipc_deliver, recipient, PATH_MAX_BYTES),
    DATA(ipc_deliver, mailbox, MAILBOX_MAX_BYTES),
    DATA(ipc_deliver, trace, TRACE_MAX_BYTES),
    U64(ipc_deliver, size),
    DATA(ipc_deliver, content, IPC_CONTENT_BYTES_MAX),
    { FIELD_END, 0, 0 },
};
static const struct field deliver_answer_fields[] = {
    REQUEST(ipc_deliver_answer),
    RESULT(ipc_deliver_answer),
    DATA(ipc_deliver_answer, text, IPC_TEXT_BYTES_MAX),
    { FIELD_END, 0, 0 },
};
static const struct field hand_back_fields[] = {
    SERVICE(ipc_hand_back),
    CLIENT(ipc_hand_back),
    DATA(ipc_hand_back, unread, UNREAD_MAX_BYTES),
    { FIELD_END, 0, 0 },
};
static const struct field tls_start_fields[] = {
    REQUEST(ipc_tls_start),
    SERVICE(ipc_tls_start),
    U64(ipc_tls_start, session),
    { FIELD_END, 0, 0 },
};
static const struct field tls_answer_fields[] = {
    REQUEST(ipc_tls_answer),
    RESULT(ipc_tls_answer),
    DATA(ipc_tls_answer, facts, FACTS_MAX_BYTES),
    DATA(ipc_tls_answer, server_name, FACTS_MAX_BYTES),
    DATA(ipc_tls_answer, channel_binding, BINDING_MAX_BYTES),
    DATA(ipc_tls_answer, text, IPC_TEXT_BYTES_MAX),
    { FIELD_END, 0, 0 },
};
static const struct field account_fields[] = {
    REQUEST(ipc_account),
    DATA(ipc_account, name, NAME_MAX_BYTES),
    DATA(ipc_account, password, PASSWORD_MAX_BYTES),
    { FIELD_END, 0, 0 },
};
static const struct field account_answer_fields[] = {
    REQUEST(ipc_account_answer),
    RESULT(ipc_account_answer),
    BOOL(ipc_account_answer, more),
    DATA(ipc_account_answer, text, JSON_MAX_BYTES),
    { FIELD_END, 0, 0 },
};
static const struct field maintain_fields[] = {
    REQUEST(ipc_maintain),
    RAW16(ipc_maintain, account_id),
    U64(ipc_maintain, quota_bytes),
    DATA(ipc_maintain, act, ACT_MAX_BYTES),
    DATA(ipc_maintain, arguments, ARGUMENTS_MAX_BYTES),
    DATA(ipc_maintain, actor, ACTOR_MAX_BYTES),
    { FIELD_END, 0, 0 },
};
static const struct field account_drop_fields[] = {
    REQUEST(ipc_account_drop),
    RAW16(ipc_account_drop, account_id),
    { FIELD_END, 0, 0 },
};

static const struct field *fields_of(enum ipc_type type)
{
    switch (type) {
    case IPC_CONFIG:
    case IPC_DIRECTORY:
    case IPC_CERTIFICATE:
    case IPC_STOP:
    case IPC_MEMORY:
    case IPC_READY: return no_fields;
    case IPC_LISTENER: return listener_fields;
    case IPC_PEER:
    case IPC_REFUSED: return peer_fields;
    case IPC_TLS_TICKETS: return tls_tickets_fields;
    case IPC_START: return start_fields;
    case IPC_PLACE: return place_fields;
    case IPC_STATUS:
    case IPC_RELOAD:
    case IPC_AUTH_CANCEL:
    case IPC_ACCOUNT_LIST:
    case IPC_ACCOUNT_COPY:
    case IPC_STATS:
    case IPC_MAINTAIN_CONTINUE:
    case IPC_MAINTAIN_CANCEL: return request_fields;
    case IPC_STATUS_ANSWER:
    case IPC_RELOAD_ANSWER:
    case IPC_STATS_ANSWER: return text_answer_fields;
    case IPC_AUTH_START: return auth_start_fields;
    case IPC_AUTH_CONTINUE:
    case IPC_AUTH_CHALLENGE: return auth_data_fields;
    case IPC_AUTH_RESULT: return auth_result_fields;
    case IPC_RECIPIENT: return recipient_fields;
    case IPC_RECIPIENT_RESULT: return recipient_result_fields;
    case IPC_TICKET:
    case IPC_DELIVERY_TICKET: return ticket_announce_fields;
    case IPC_TICKET_ANSWER:
    case IPC_HANDOFF_ANSWER:
    case IPC_ACCOUNT_DROP_ANSWER: return answer_fields;
    case IPC_HANDOFF: return handoff_fields;
    case IPC_DELIVER: return deliver_fields;
    case IPC_DELIVER_ANSWER: return deliver_answer_fields;
    case IPC_HAND_BACK: return hand_back_fields;
    case IPC_TLS_START: return tls_start_fields;
    case IPC_TLS_ANSWER: return tls_answer_fields;
    case IPC_ACCOUNT_ADD:
    case IPC_ACCOUNT_SHOW:
    case IPC_ACCOUNT_PASSWORD:
    case IPC_ACCOUNT_REMOVE: return account_fields;
    case IPC_ACCOUNT_ANSWER:
    case IPC_MAINTAIN_ANSWER: return account_answer_fields;
    case IPC_MAINTAIN: return maintain_fields;
    case IPC_ACCOUNT_DROP:
    case IPC_ACCOUNT_LOGOUT: return account_drop_fields;
    }
    return NULL;
}

static bool field_encode(const struct field *field, const void *body, struct buf *out)
{
    const void *at = (const char *)body + field->offset;
    const struct bytes *bytes = at;
    uint8_t value;

    switch ((enum field_kind)field->kind) {
    case FIELD_U8:
        value = *(const uint8_t *)at;
        buf_put_u8(out, value);
        return value < field->max;
    case FIELD_BOOL: buf_put_u8(out, *(const bool *)at ? 1 : 0); return true;
    case FIELD_U16: buf_put_u16(out, *(const uint16_t *)at); return true;
    case FIELD_U64: buf_put_u64(out, *(const uint64_t *)at); return true;
    case FIELD_RAW16: buf_add(out, bytes_make(at, IPC_TICKET_BYTES)); return true;
    case FIELD_BYTES:
        if (bytes->len > field->max)
            return false;
        buf_put_bytes(out, *bytes);
        return true;
    case FIELD_END: break;
    }
    return false;
}

bool ipc_encode(const struct ipc_message *message, struct buf *out)
{
    const struct field *field = fields_of(message->type);
    size_t before = out->len;
    bool good = field != NULL && !out->overflowed;

    if (good)
        buf_put_u16(out, (uint16_t)message->type);
    for (; good && field->kind != FIELD_END; field++)
        good = field_encode(field, &message->request, out);
    if (good && !out->overflowed && out->len - before <= IPC_BYTES_MAX)
        return true;
    buf_truncate(out, before);
    return false;
}

static bool field_decode(const struct field *field, struct reader *reader, void *body)
{
    void *at = (char *)body + field->offset;
    struct bytes bytes;
    uint8_t value;

    switch ((enum field_kind)field->kind) {
    case FIELD_U8:
    case FIELD_BOOL:
        value = reader_u8(reader);
        if (value >= field->max)
            return false;
        if (field->kind == FIELD_BOOL)
            *(bool *)at = value != 0;
        else
            *(uint8_t *)at = value;
        return true;
    case FIELD_U16: *(uint16_t *)at = reader_u16(reader); return true;
    case FIELD_U64: *(uint64_t *)at = reader_u64(reader); return true;
    case FIELD_RAW16:
        bytes = reader_take(reader, IPC_TICKET_BYTES);
        if (bytes.len == IPC_TICKET_BYTES)
            memcpy(at, bytes.at, IPC_TICKET_BYTES);
        return true;
    case FIELD_BYTES:
        bytes = reader_bytes(reader);
        *(struct bytes *)at = bytes;
        return bytes.len <= field->max;
    case FIELD_END: break;
    }
    return false;
}

bool ipc_decode(struct bytes packet, struct ipc_message *out_message)
{
    struct reader reader = reader_make(packet);
    struct ipc_message message;
    const struct field *field;
    bool good = packet.len <= IPC_BYTES_MAX;

    memset(&message, 0, sizeof(message));
    message.type = (enum ipc_type)reader_u16(&reader);
    field = fields_of(message.type);
    if (!good || field == NULL)
        return false;
    for (; good && field->kind != FIELD_END; field++)
        good = field_decode(field, &reader, &message.request);
    if (!good || !reader_finish(&reader))
        return false;
    *out_message = message;
    return true;
}

bool ipc_is_last(const struct ipc_message *answer)
{
    if (answer->type == IPC_ACCOUNT_ANSWER || answer->type == IPC_MAINTAIN_ANSWER)
        return !answer->account_answer.more;
    return answer->type != IPC_AUTH_CHALLENGE;
}
