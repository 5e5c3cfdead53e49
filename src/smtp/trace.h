/* The trace header of a final delivery (RFC 5321 s4.4): Return-Path, Delivered-To and Received, as
 * complete lines to stand before the message. Pure. */
#ifndef ROOST_SMTP_TRACE_H
#define ROOST_SMTP_TRACE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/time.h"

struct smtp_trace {
    struct bytes sender; /* without <>; empty: the null reverse-path */
    struct bytes recipient; /* as the client gave it, without <> */
    bool only_recipient; /* then Received may name it: others are not disclosed (s7.2) */
    struct bytes hello; /* what the client called itself */
    struct bytes
        address; /* "192.0.2.1:4711", "[2001:db8::1]:4711"; "unix" and others: no address */
    struct bytes tls_facts; /* "TLSv1.3 TLS_AES_256_GCM_SHA384"; empty: no TLS */
    struct bytes host; /* our name */
    struct bytes id; /* of the message, for the log: an RFC 5322 dot-atom */
    bool lmtp; /* else SMTP */
    bool utf8; /* SMTPUTF8 was asked for: RFC 6531 s4.3 has names for that */
    struct wall now;
};

void smtp_trace_print(const struct smtp_trace *trace, struct buf *out);

#endif
