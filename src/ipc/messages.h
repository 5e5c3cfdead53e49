/* What the processes of Roost may say to each other. One struct a message; nothing else crosses.
 *
 * Channels are SOCK_SEQPACKET socketpairs made by the supervisor (sys/channel.h); one packet is one
 * message: u16 type, then the fields of its struct in order (little-endian, varint lengths), at
 * most IPC_BYTES_MAX, with at most one descriptor unless said otherwise. ipc/codec.h encodes and
 * decodes; bytes fields of a decoded message borrow from the packet. ipc/request_table.h holds who
 * may send what to whom: a message that the table does not allow ends the channel (promise 5).
 *
 * `request` numbers are the asker's own and come back in the answer. Results are enum ipc_result.
 */
#ifndef ROOST_IPC_MESSAGES_H
#define ROOST_IPC_MESSAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

enum {
    IPC_BYTES_MAX = 64 * 1024,
    IPC_CONTENT_BYTES_MAX = 32 * 1024, /* larger messages travel as descriptors */
    IPC_TICKET_BYTES = 16,
    IPC_ACCOUNT_ID_BYTES = 16,
    /* Processes of role mail beyond those that accounts are spread over: they have the indexes from
     * ipc_start.shards on, and serve accounts that were set apart (IPC_PLACE). */
    IPC_SHARDS_APART_MAX = 4,
    IPC_PLACES_MAX = 32, /* accounts set apart */
};

enum ipc_role {
    IPC_ROLE_SUPERVISOR,
    IPC_ROLE_TLS,
    IPC_ROLE_GATE,
    IPC_ROLE_AUTH,
    IPC_ROLE_MAIL,
    IPC_ROLE_CONTROL,
    IPC_ROLE_COUNT,
};

enum ipc_service {
    IPC_SERVICE_IMAP = 1,
    IPC_SERVICE_POP3 = 2,
    IPC_SERVICE_LMTP = 3,
    IPC_SERVICE_SMTP = 4,
    IPC_SERVICE_METRICS = 5, /* of listeners only */
};

enum ipc_result {
    IPC_OK = 0,
    IPC_DENIED, /* wrong credentials, or a ticket that does not hold: nothing else */
    IPC_NOT_FOUND, /* no such account or mailbox */
    IPC_EXISTS,
    IPC_INVALID, /* the request itself makes no sense; `text` says why */
    IPC_UNAVAILABLE, /* not now: try again later */
    IPC_LIMIT, /* a limit is reached, too many connections among them */
    IPC_OVER_QUOTA,
    IPC_TOO_LARGE,
    IPC_NO_SPACE, /* the disk is full */
    IPC_EXPIRED, /* the password or the ticket is too old */
    IPC_UNSUPPORTED, /* no such mechanism */
    IPC_RESULT_COUNT,
};

enum ipc_type {
    /* supervisor -> role */
    IPC_CONFIG = 1, /* fd: sealed memfd with the configuration as canonical text */
    IPC_DIRECTORY, /* fd: the one directory the role may use */
    IPC_LISTENER, /* fd: a listening socket (gate, control) */
    IPC_PEER, /* fd: one end of a channel to another role */
    IPC_CERTIFICATE, /* fd: sealed memfd, PEM chain and key (tls) */
    IPC_TLS_TICKETS, /* keys for session tickets, shared by all tls processes */
    IPC_START, /* all is handed over: enter the sandbox, begin */
    IPC_STOP, /* end in order: finish what is running, at most a few seconds */
    IPC_MEMORY, /* fd: memfd that outlives the process: where a shard notes what it is at (mail) */
    IPC_PLACE, /* an account was set apart: from now on that shard serves it (auth) */
    /* role -> supervisor */
    IPC_READY, /* sandboxed and serving */
    IPC_REFUSED, /* that peer broke the law: the channel to it is closed, and must not stay so */
    IPC_STATUS, /* control asks; the supervisor answers with IPC_STATUS_ANSWER */
    IPC_STATUS_ANSWER,
    IPC_RELOAD, /* control asks for what SIGHUP does */
    IPC_RELOAD_ANSWER,

    /* gate -> auth, and back */
    IPC_AUTH_START = 32,
    IPC_AUTH_CONTINUE,
    IPC_AUTH_CANCEL,
    IPC_AUTH_CHALLENGE,
    IPC_AUTH_RESULT,
    IPC_RECIPIENT,
    IPC_RECIPIENT_RESULT,
    /* auth -> mail, and back */
    IPC_TICKET,
    IPC_TICKET_ANSWER,
    IPC_DELIVERY_TICKET, /* without an answer */
    /* gate -> mail, and back */
    IPC_HANDOFF, /* fd: the client's connection, or the plain end of its tls relay */
    IPC_HANDOFF_ANSWER,
    IPC_DELIVER, /* fd: the message, unless it is in there */
    IPC_DELIVER_ANSWER,
    IPC_HAND_BACK, /* mail -> gate, fd: the connection after UNAUTHENTICATE */
    /* gate -> tls, and back */
    IPC_TLS_START, /* fd: the client's connection */
    IPC_TLS_ANSWER, /* fd when ok: the plain end */

    /* control -> auth, and back */
    IPC_ACCOUNT_ADD = 64,
    IPC_ACCOUNT_LIST,
    IPC_ACCOUNT_COPY, /* of the whole database, as a file beside it */
    IPC_ACCOUNT_SHOW,
    IPC_ACCOUNT_PASSWORD,
    IPC_ACCOUNT_REMOVE,
    IPC_ACCOUNT_ANSWER,
    /* auth -> mail, and back: act on an account's directory */
    IPC_ACCOUNT_DROP, /* end its sessions, move its directory to the trash */
    IPC_ACCOUNT_DROP_ANSWER,
    IPC_ACCOUNT_LOGOUT, /* end its sessions: the password was changed */
    /* control -> any role, and back: what it counts */
    IPC_STATS,
    IPC_STATS_ANSWER,
    /* control -> mail, and back: an act of src/maintain on an account. Each answer but the last
     * waits for IPC_MAINTAIN_CONTINUE before another follows. */
    IPC_MAINTAIN,
    IPC_MAINTAIN_CONTINUE,
    IPC_MAINTAIN_CANCEL, /* nobody listens any more */
    IPC_MAINTAIN_ANSWER,
};

/* Services whose clients log in, and services that bring mail: a ticket of one kind is never to
 * pass for one of the other, because recipients are granted theirs without a password. */
static inline bool ipc_service_logs_in(uint8_t service)
{
    return service == IPC_SERVICE_IMAP || service == IPC_SERVICE_POP3;
}

static inline bool ipc_service_delivers(uint8_t service)
{
    return service == IPC_SERVICE_LMTP || service == IPC_SERVICE_SMTP;
}

struct ipc_ticket {
    uint8_t raw[IPC_TICKET_BYTES]; /* random; valid for 10 s: once, or for deliveries */
};

struct ipc_account_id {
    uint8_t raw[IPC_ACCOUNT_ID_BYTES];
};

/* Where a client came from, and by what way. `address` as text: "192.0.2.1:4711", "unix". */
struct ipc_client {
    uint64_t session; /* number in every log line of this connection; unique on this server */
    struct bytes address;
    bool loopback; /* or a unix socket */
    bool tls;
    struct bytes
        tls_facts; /* "TLSv1.3 TLS_AES_256_GCM_SHA384", for the log and the Received field */
};

struct ipc_listener {
    uint8_t service; /* enum ipc_service; 0: the control socket */
    bool implicit_tls;
    bool local; /* a unix socket */
    struct bytes name;
};

struct ipc_peer {
    uint8_t role;
    uint16_t index;
    uint64_t incarnation; /* of that peer; a new one for each start */
};

struct ipc_start {
    uint8_t role;
    uint16_t index;
    uint64_t incarnation;
    uint16_t shards; /* processes of role mail that accounts are spread over */
    bool sandbox_required;
};

struct ipc_place {
    struct ipc_account_id account_id;
    uint16_t shard;
};

struct ipc_tls_tickets {
    struct bytes keys; /* 80 bytes each; the newest first, at most two */
};

struct ipc_process {
    uint8_t role;
    uint16_t index;
    int64_t pid;
    uint32_t restarts;
};

/* `request` comes first in every struct that has one: ask and answer are matched by it. */
struct ipc_text_answer { /* IPC_STATUS_ANSWER (JSON), IPC_RELOAD_ANSWER, IPC_STATS_ANSWER
                            (JSON) */
    uint64_t request;
    uint8_t result;
    struct bytes text;
};

/* IPC_STATUS, IPC_RELOAD, IPC_STATS, IPC_AUTH_CANCEL, IPC_ACCOUNT_LIST, IPC_ACCOUNT_COPY,
 * IPC_MAINTAIN_CONTINUE, IPC_MAINTAIN_CANCEL */
struct ipc_request {
    uint64_t request;
};

struct ipc_auth_start {
    uint64_t request;
    uint8_t service;
    struct ipc_client client;
    struct bytes mechanism; /* upper case */
    bool has_initial;
    struct bytes initial; /* decoded */
    struct bytes channel_binding; /* tls-exporter (RFC 9266); empty without TLS */
};

struct ipc_auth_data { /* IPC_AUTH_CONTINUE, IPC_AUTH_CHALLENGE */
    uint64_t request;
    struct bytes data; /* decoded */
};

/* On IPC_OK the shard has acknowledged the ticket already. */
struct ipc_auth_result {
    uint64_t request;
    uint8_t result;
    struct bytes final_data; /* SASL data that goes with success; may be empty */
    struct ipc_ticket ticket;
    uint16_t shard;
    struct bytes account; /* its name */
    struct bytes text; /* for the client, when it failed */
};

struct ipc_recipient {
    uint64_t request;
    uint8_t service;
    uint64_t session;
    struct bytes address; /* as in RCPT TO, without <> */
    uint64_t size; /* announced; 0: unknown */
};

struct ipc_recipient_result {
    uint64_t request;
    uint8_t result;
    struct ipc_ticket ticket;
    uint16_t shard;
    struct bytes account;
};

struct ipc_ticket_announce { /* IPC_TICKET, IPC_DELIVERY_TICKET */
    uint64_t request;
    struct ipc_ticket ticket;
    uint16_t gate; /* which gate process may use it */
    uint64_t gate_incarnation;
    uint64_t mail_incarnation; /* for which start of the shard it is */
    uint8_t service;
    struct ipc_account_id account_id;
    struct bytes account;
    uint64_t quota_bytes; /* 0: none */
};

struct ipc_answer { /* IPC_TICKET_ANSWER, IPC_HANDOFF_ANSWER, IPC_ACCOUNT_DROP_ANSWER */
    uint64_t request;
    uint8_t result;
};

struct ipc_handoff {
    uint64_t request;
    struct ipc_ticket ticket;
    uint8_t service;
    struct ipc_client client;
    struct bytes tag; /* of the LOGIN or AUTHENTICATE that the shard answers; IMAP */
    struct bytes final_data; /* SASL success data to be sent with the answer; may be empty */
    struct bytes unread; /* what the client sent behind it; at most 32 KB */
};

/* The message is `trace` followed by `size` bytes: `content`, or, where a descriptor comes along,
 * all of that. */
struct ipc_deliver {
    uint64_t request;
    struct ipc_ticket ticket;
    bool keeps_ticket; /* it will be shown again */
    uint8_t service;
    struct ipc_client client;
    struct bytes recipient; /* as given, for the log */
    struct bytes mailbox; /* empty: INBOX */
    struct bytes trace; /* Return-Path, Delivered-To, Received: complete lines */
    uint64_t size;
    struct bytes content; /* empty beside a descriptor */
};

struct ipc_deliver_answer {
    uint64_t request;
    uint8_t result;
    struct bytes text; /* for the log and the client's 4xx or 5xx */
};

/* The client gave its login back (RFC 8437): the gate greets nobody and goes on before the login.
 */
struct ipc_hand_back {
    uint8_t service;
    struct ipc_client client;
    struct bytes unread; /* at most 32 KB */
};

struct ipc_tls_start {
    uint64_t request;
    uint8_t service; /* decides what ALPN may say */
    uint64_t session;
};

struct ipc_tls_answer {
    uint64_t request;
    uint8_t result; /* IPC_OK after the handshake is complete */
    struct bytes facts; /* as in ipc_client */
    struct bytes server_name; /* SNI, may be empty */
    struct bytes channel_binding; /* tls-exporter, 32 bytes */
    struct bytes text; /* why not */
};

/* IPC_ACCOUNT_ADD, _SHOW, _PASSWORD, _REMOVE */
struct ipc_account {
    uint64_t request;
    struct bytes name;
    struct bytes password; /* ADD, PASSWORD */
};

struct ipc_account_answer { /* IPC_ACCOUNT_ANSWER, IPC_MAINTAIN_ANSWER */
    uint64_t request;
    uint8_t result;
    bool more; /* LIST, MAINTAIN: further packets of this answer follow */
    struct bytes
        text; /* JSON: the account, the list's part, an array of lines; or what was wrong */
};

struct ipc_maintain {
    uint64_t request;
    struct ipc_account_id account_id;
    uint64_t quota_bytes; /* 0: none */
    struct bytes act; /* "verify" */
    struct bytes arguments; /* a JSON object */
    struct bytes actor; /* who wants it, for the log */
};

struct ipc_account_drop { /* IPC_ACCOUNT_DROP, IPC_ACCOUNT_LOGOUT */
    uint64_t request;
    struct ipc_account_id account_id;
};

#endif
