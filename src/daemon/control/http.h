/* As much of HTTP/1 (RFC 9112) as one page needs: a request without a body, an answer, the end of
 * the connection. Pure. */
#ifndef ROOST_DAEMON_CONTROL_HTTP_H
#define ROOST_DAEMON_CONTROL_HTTP_H

#include <stdbool.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"

enum { HTTP_HEAD_BYTES_MAX = 8 * 1024 };

enum http_found { HTTP_MORE, HTTP_DONE, HTTP_BAD };

/* Both borrow from the input. */
struct http_request {
    struct bytes method;
    struct bytes path; /* of the target, without the query; "*" and the like as they are */
};

/* `in` is what came so far. DONE once the whole head is there, up to its empty line; its fields are
 * not looked at. BAD: no request of HTTP/1, or no end within HTTP_HEAD_BYTES_MAX. */
MUST_USE enum http_found http_request_parse(struct bytes in, struct http_request *out_request);

struct http_answer {
    const char *status; /* "404 Not Found" */
    const char *type; /* of the body */
    struct bytes body;
    bool head_only; /* the answer to HEAD */
};

/* Says that the connection ends with it. */
void http_answer_print(struct buf *out, const struct http_answer *answer);

#endif
