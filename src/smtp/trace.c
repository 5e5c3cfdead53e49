/* Return-Path, Delivered-To, Received. */
#include "smtp/trace.h"

#include "base/ascii.h"
#include "message/date.h"

/* Text from elsewhere within a comment: parentheses, backslashes and controls would end it. */
static void add_comment(struct buf *out, struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        bool plain = c > 31 && c < 127 && c != '(' && c != ')' && c != '\\';

        buf_add_byte(out, plain ? c : '?');
    }
}

/* The host of "host:port" and "[host]:port"; empty for what is no IP address. */
static struct bytes host_of(struct bytes address, bool *out_ipv6)
{
    size_t colon = bytes_find_byte(address, 0, ':');

    *out_ipv6 = address.len > 0 && address.at[0] == '[';
    if (*out_ipv6)
        return bytes_slice(address, 1, bytes_find_byte(address, 0, ']') - 1);
    if (address.len > 0 && ascii_is_digit(address.at[0]))
        return bytes_slice(address, 0, colon);
    return (struct bytes){ NULL, 0 };
}

/* Extended-Domain of RFC 5321 s4.4: the name that was claimed, and the address that is known. */
static void add_from(struct buf *out, const struct smtp_trace *trace)
{
    bool ipv6 = false;
    struct bytes host = host_of(trace->address, &ipv6);

    buf_add_string(out, "Received: from ");
    if (trace->hello.len > 0)
        buf_add(out, trace->hello);
    else
        buf_add_string(out, "unknown");
    if (host.len > 0) {
        buf_add_string(out, ipv6 ? " ([IPv6:" : " ([");
        add_comment(out, host);
        buf_add_string(out, "])");
    } else {
        buf_add_string(out, " (local)");
    }
    if (trace->tls_facts.len > 0) {
        buf_add_string(out, "\r\n\t(using ");
        add_comment(out, trace->tls_facts);
        buf_add_string(out, ")");
    }
}

/* RFC 3848, RFC 6531 s4.3. */
static void add_protocol(struct buf *out, const struct smtp_trace *trace)
{
    if (trace->utf8)
        buf_add_string(out, "UTF8");
    buf_add_string(out, trace->lmtp ? "LMTP" : trace->utf8 ? "SMTP" : "ESMTP");
    if (trace->tls_facts.len > 0)
        buf_add_byte(out, 'S');
}

void smtp_trace_print(const struct smtp_trace *trace, struct buf *out)
{
    buf_add_string(out, "Return-Path: <");
    buf_add(out, trace->sender);
    buf_add_string(out, ">\r\nDelivered-To: ");
    buf_add(out, trace->recipient);
    buf_add_string(out, "\r\n");
    add_from(out, trace);
    buf_add_string(out, "\r\n\tby ");
    buf_add(out, trace->host);
    buf_add_string(out, " with ");
    add_protocol(out, trace);
    buf_add_string(out, "\r\n\tid ");
    buf_add(out, trace->id);
    if (trace->only_recipient) {
        buf_add_string(out, "\r\n\tfor <");
        buf_add(out, trace->recipient);
        buf_add_byte(out, '>');
    }
    buf_add_string(out, ";\r\n\t");
    date_print(out, (struct date){ .seconds = wall_seconds(trace->now) });
    buf_add_string(out, "\r\n");
}
