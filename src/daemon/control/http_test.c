/* Heads of requests, whole and in pieces; answers. */
#include "daemon/control/http.h"

#include <string.h>

#include "kit/assert_bytes.h"

static void test_requests(void **state)
{
    static const struct {
        struct bytes in;
        enum http_found found;
        struct bytes method;
        struct bytes path;
    } cases[] = {
        { BYTES("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_DONE, BYTES("GET"),
          BYTES("/metrics") },
        { BYTES("GET /metrics HTTP/1.0\n\n"), HTTP_DONE, BYTES("GET"), BYTES("/metrics") },
        { BYTES("\r\nHEAD / HTTP/1.1\r\n\r\nmore"), HTTP_DONE, BYTES("HEAD"), BYTES("/") },
        { BYTES("GET /metrics?a=/b HTTP/1.1\r\n\r\n"), HTTP_DONE, BYTES("GET"), BYTES("/metrics") },
        { BYTES("GET http://a:1/metrics?x HTTP/1.1\r\n\r\n"), HTTP_DONE, BYTES("GET"),
          BYTES("/metrics") },
        { BYTES("GET http://a HTTP/1.1\r\n\r\n"), HTTP_DONE, BYTES("GET"), BYTES("") },
        { BYTES("OPTIONS * HTTP/1.1\r\n\r\n"), HTTP_DONE, BYTES("OPTIONS"), BYTES("*") },
        { BYTES(""), HTTP_MORE, { 0 }, { 0 } },
        { BYTES("\r\n\r\n"), HTTP_MORE, { 0 }, { 0 } },
        { BYTES("GET /metrics HTTP/1.1\r\n"), HTTP_MORE, { 0 }, { 0 } },
        { BYTES("GET /metrics HTTP/1.1\r\nHost: a\r\n\r"), HTTP_MORE, { 0 }, { 0 } },
        { BYTES("GET /metrics\r\n"), HTTP_BAD, { 0 }, { 0 } },
        { BYTES("GET  /metrics HTTP/1.1\r\n"), HTTP_BAD, { 0 }, { 0 } },
        { BYTES(" GET /metrics HTTP/1.1\r\n"), HTTP_BAD, { 0 }, { 0 } },
        { BYTES("GET /metrics HTTP/1.1 \r\n"), HTTP_BAD, { 0 }, { 0 } },
        { BYTES("GET /metrics HTTP/2.0\r\n"), HTTP_BAD, { 0 }, { 0 } },
        { BYTES("GET /metrics HTTP/1.x\r\n"), HTTP_BAD, { 0 }, { 0 } },
        { BYTES("GET /met\0rics HTTP/1.1\r\n"), HTTP_BAD, { 0 }, { 0 } },
        { BYTES("GET /m\xc3\xa4 HTTP/1.1\r\n"), HTTP_BAD, { 0 }, { 0 } },
        { BYTES("\x16\x03\x01\n"), HTTP_BAD, { 0 }, { 0 } },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct http_request request = { .method = { 0 } };

        assert_int_equal(http_request_parse(cases[i].in, &request), cases[i].found);
        ASSERT_BYTES(request.method, cases[i].method);
        ASSERT_BYTES(request.path, cases[i].path);
    }
}

static void test_heads_have_a_maximum(void **state)
{
    static char in[HTTP_HEAD_BYTES_MAX + 10];
    static const char line[] = "GET / HTTP/1.1\r\n";
    struct http_request request;

    (void)state;
    memset(in, 'a', sizeof(in));
    assert_int_equal(http_request_parse(bytes_make(in, HTTP_HEAD_BYTES_MAX - 1), &request),
                     HTTP_MORE);
    assert_int_equal(http_request_parse(bytes_make(in, HTTP_HEAD_BYTES_MAX), &request), HTTP_BAD);
    memcpy(in, line, sizeof(line) - 1);
    assert_int_equal(http_request_parse(bytes_make(in, HTTP_HEAD_BYTES_MAX - 1), &request),
                     HTTP_MORE);
    memcpy(in + HTTP_HEAD_BYTES_MAX - 4, "\r\n\r\n", 4); /* its last bytes are the end */
    assert_int_equal(http_request_parse(bytes_make(in, HTTP_HEAD_BYTES_MAX), &request), HTTP_DONE);
    memset(in + HTTP_HEAD_BYTES_MAX - 4, 'a', 4);
    memcpy(in + HTTP_HEAD_BYTES_MAX - 3, "\r\n\r\n", 4); /* one byte too far */
    assert_int_equal(http_request_parse(bytes_make(in, sizeof(in)), &request), HTTP_BAD);
}

static void test_answers(void **state)
{
    struct buf out = buf_make(4096);
    struct http_answer answer = { "404 Not Found", "text/plain", BYTES("no\n"), false };
    static const struct bytes head =
        BYTES("HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n"
              "Cache-Control: no-store\r\nConnection: close\r\n\r\n");

    (void)state;
    http_answer_print(&out, &answer);
    ASSERT_BYTES(bytes_slice(buf_bytes(&out), 0, head.len), head);
    ASSERT_BYTES(bytes_from(buf_bytes(&out), head.len), BYTES("no\n"));
    buf_clear(&out);
    answer.head_only = true;
    http_answer_print(&out, &answer);
    ASSERT_BYTES(buf_bytes(&out), head);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_heads_have_a_maximum),
        cmocka_unit_test(test_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
