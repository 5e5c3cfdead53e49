/* One request, one answer. */
#include "daemon/control/http.h"

#include "base/ascii.h"

/* Takes a line with its LF off `rest`; the line is without LF and CR. False: none is whole. */
static bool take_line(struct bytes *rest, struct bytes *out_line)
{
    size_t end = bytes_find_byte(*rest, 0, '\n');

    if (end == rest->len)
        return false;
    *out_line = bytes_slice(*rest, 0, end > 0 && rest->at[end - 1] == '\r' ? end - 1 : end);
    *rest = bytes_from(*rest, end + 1);
    return true;
}

static struct bytes take_word(struct bytes *rest)
{
    size_t end = bytes_find_byte(*rest, 0, ' ');
    struct bytes word = bytes_slice(*rest, 0, end);

    *rest = bytes_from(*rest, end < rest->len ? end + 1 : end);
    return word;
}

static bool is_printable(struct bytes bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.at[i] <= ' ' || bytes.at[i] >= 0x7f)
            return false;
    return bytes.len > 0;
}

/* The absolute form, which a server has to understand (RFC 9112 section 3.2.2), is cut down. */
static struct bytes path_of(struct bytes target)
{
    struct bytes scheme = BYTES("http://");

    if (bytes_starts_with(target, scheme)) {
        target = bytes_from(target, scheme.len);
        target = bytes_from(target, bytes_find_byte(target, 0, '/'));
    }
    return bytes_slice(target, 0, bytes_find_byte(target, 0, '?'));
}

/* request-line = method SP request-target SP HTTP-version (RFC 9112 section 3) */
static bool read_request_line(struct bytes line, struct http_request *out_request)
{
    struct bytes method = take_word(&line);
    struct bytes target = take_word(&line);
    struct bytes version = BYTES("HTTP/1.");

    if (!is_printable(method) || !is_printable(target) || line.len != version.len + 1 ||
        !bytes_starts_with(line, version) || !ascii_is_digit(line.at[version.len]))
        return false;
    *out_request = (struct http_request){ method, path_of(target) };
    return true;
}

enum http_found http_request_parse(struct bytes in, struct http_request *out_request)
{
    struct bytes rest = bytes_slice(in, 0, HTTP_HEAD_BYTES_MAX);
    struct http_request request;
    struct bytes line;

    do { /* empty lines before a request are passed over (RFC 9112 section 2.2) */
        if (!take_line(&rest, &line))
            return in.len >= HTTP_HEAD_BYTES_MAX ? HTTP_BAD : HTTP_MORE;
    } while (line.len == 0);
    if (!read_request_line(line, &request))
        return HTTP_BAD;
    while (line.len > 0)
        if (!take_line(&rest, &line))
            return in.len >= HTTP_HEAD_BYTES_MAX ? HTTP_BAD : HTTP_MORE;
    *out_request = request;
    return HTTP_DONE;
}

void http_answer_print(struct buf *out, const struct http_answer *answer)
{
    buf_add_format(out, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n",
                   answer->status, answer->type, answer->body.len);
    buf_add(out, BYTES("Cache-Control: no-store\r\nConnection: close\r\n\r\n"));
    if (!answer->head_only)
        buf_add(out, answer->body);
}
