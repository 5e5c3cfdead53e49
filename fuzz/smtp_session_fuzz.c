/* A whole LMTP connection: the first byte says how large the parts are, the rest is the client. */
#include <stdlib.h>

#include "smtp/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool answer(struct smtp_session *session, enum smtp_want want)
{
    struct buf trace = buf_make(16384);
    uint64_t number;

    if (want == SMTP_RECIPIENT)
        smtp_session_recipient_is(
            session, smtp_session_asked(session).slot,
            smtp_session_asked(session).address.len % 5 == 0 ? SMTP_NO_ACCOUNT : SMTP_ACCEPTED, 0);
    else if (want == SMTP_SPOOL)
        smtp_session_spooled(session, smtp_session_chunk(session, &number).len == 13
                                          ? SMTP_NO_SPACE
                                          : SMTP_ACCEPTED);
    else if (want == SMTP_STARTTLS)
        smtp_session_tls_started(session, BYTES("TLSv1.3"));
    else if (want == SMTP_DELIVER)
        for (size_t i = 0; i < smtp_session_recipient_count(session); i++) {
            smtp_session_trace(session, i, (struct wall){ 0 }, &trace);
            smtp_session_delivered(session, i, SMTP_ACCEPTED);
        }
    if (trace.overflowed || want == SMTP_PENDING)
        abort();
    buf_done(&trace);
    return want != SMTP_CLOSE && want != SMTP_INPUT;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct smtp_options options = { .host = BYTES("h"),
                                    .address = BYTES("unix"),
                                    .local = true,
                                    .starttls = true,
                                    .size_max = 100,
                                    .recipients_max = 4,
                                    .timeout_ms = 1000 };
    size_t part = size > 0 ? data[0] + (size_t)1 : 1;
    struct smtp_session *session = smtp_session_new(&options, (struct mono){ 0 });
    struct buf out = buf_make(SMTP_OUTPUT_BYTES + 8192);

    for (size_t at = 1; at < size; at += part) {
        struct bytes in = bytes_slice(bytes_make(data, size), at, part);
        enum smtp_want want;
        size_t used;

        do {
            want = smtp_session_step(session, in, (struct mono){ 1 }, &used, &out);
            if (used > in.len || out.overflowed)
                abort();
            in = bytes_from(in, used);
            buf_clear(&out);
        } while (answer(session, want));
    }
    buf_done(&out);
    smtp_session_free(session);
    return 0;
}
