/* The session before the login. The first byte chooses the connection, the second how the input is
 * cut and what the host answers; whatever comes, output stays below its bound and the end is an
 * end. */
#include <stdlib.h>

#include "imap/login/login.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct host {
    uint8_t mood;
    unsigned answers;
};

/* False when the connection is over for the session. */
static bool serve(struct imap_login *login, enum imap_login_want want, struct host *host)
{
    struct imap_login_request request;

    switch (want) {
    case IMAP_LOGIN_INPUT: return true;
    case IMAP_LOGIN_STARTTLS: imap_login_tls_started(login, true); return true;
    case IMAP_LOGIN_HANDOFF:
        if (imap_login_tag(login).len == 0)
            abort();
        imap_login_handoff_failed(login);
        return true;
    case IMAP_LOGIN_CLOSE: return false;
    case IMAP_LOGIN_AUTH: break;
    }
    request = imap_login_request(login);
    if (request.kind != IMAP_LOGIN_CANCEL)
        imap_login_answer(login, (enum imap_login_verdict)((host->mood + host->answers++) % 8),
                          BYTES("data"));
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf out = buf_make(2 * IMAP_LOGIN_OUTPUT_BYTES);
    struct imap_login_options options = { 0 };
    struct imap_login *login;
    struct host host = { 0 };
    struct bytes input;
    enum imap_login_want want = IMAP_LOGIN_INPUT;
    size_t offered = 0;

    if (size < 2)
        return 0;
    options = (struct imap_login_options){
        .tls = data[0] & 1,
        .starttls = data[0] & 2,
        .plaintext = data[0] & 4,
        .plain = !(data[0] & 64),
        .login = !(data[0] & 128),
        .scram = data[0] & 8,
        .scram_plus = data[0] & 8,
        .channel_binding = data[0] & 16,
        .resumed = data[0] & 32,
        .timeout_ms = 60000,
    };
    host.mood = data[1];
    input = bytes_make(data + 2, size - 2);
    login = imap_login_new(&options, (struct mono){ 0 });
    for (;;) {
        size_t used = 0;

        if (want == IMAP_LOGIN_INPUT && offered == input.len && offered > 0)
            break;
        if (want == IMAP_LOGIN_INPUT)
            offered += 1 + data[1] % 16;
        if (offered > input.len)
            offered = input.len;
        want =
            imap_login_step(login, bytes_slice(input, 0, offered), (struct mono){ 0 }, &used, &out);
        input = bytes_from(input, used);
        offered -= used;
        if (!serve(login, want, &host) || (want == IMAP_LOGIN_INPUT && input.len == 0))
            break;
    }
    if (out.overflowed)
        abort();
    imap_login_free(login);
    buf_done(&out);
    return 0;
}
