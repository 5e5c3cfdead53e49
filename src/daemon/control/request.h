/* The control socket's language (src/cli/README.md): one JSON object a line, there and back. Pure.
 */
#ifndef ROOST_DAEMON_CONTROL_REQUEST_H
#define ROOST_DAEMON_CONTROL_REQUEST_H

#include <jansson.h>
#include <stdbool.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "ipc/codec.h"

enum { CONTROL_LINE_BYTES_MAX = 64 * 1024 };

/* A question, as the message that asks it. */
struct control_request {
    json_t *json; /* owns the texts in `message`; wiped by control_request_done */
    const char *verb;
    enum ipc_role whom;
    bool each; /* every process of that role is asked, the answers become an array */
    bool maintain; /* `message` finds the account; then control_request_maintain */
    struct bytes name; /* of the account; empty: it is about none */
    struct bytes act; /* maintain alone: what is to be done, */
    char *arguments; /* and how, as JSON; owned */
    struct ipc_message message;
};

/* One line without its LF. False with what is wrong in *out_complaint (static). */
MUST_USE bool control_request_parse(struct bytes line, struct control_request *out_request,
                                    const char **out_complaint);

/* What auth told of the account becomes the message to the shard that serves it. `quota_bytes` is
 * that of accounts without one of their own. False when the answer cannot be understood. */
MUST_USE bool control_request_maintain(struct control_request *request, struct bytes account,
                                       uint64_t quota_bytes, unsigned *out_shard);

/* Harmless on a zeroed one. */
void control_request_done(struct control_request *request);

/* {"ok":true,"result":...} and LF. `json` is what a process of ours answered; anything that is no
 * JSON goes out as a text. */
void control_print_result(struct buf *out, struct bytes json, bool more);

/* {"ok":false,"code":"not-found","error":"..."} and LF. An empty text becomes that of the result.
 */
void control_print_refusal(struct buf *out, enum ipc_result result, struct bytes text);

#endif
