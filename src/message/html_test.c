/* HTML to text. */
#include "message/html.h"

#include "message/message_test.h"

static void strip_in_steps(struct bytes html, size_t step, struct buf *out)
{
    struct html_reader reader = { 0 };

    buf_clear(out);
    for (; html.len > 0; html = bytes_from(html, step)) {
        struct bytes piece = exact_copy(bytes_slice(html, 0, step));
        html_reader_feed(&reader, piece, out);
        exact_free(piece);
    }
    html_reader_finish(&reader, out);
}

static void test_strip(void **state)
{
    static const struct {
        struct bytes html;
        struct bytes text;
    } cases[] = {
        { BYTES("plain"), BYTES("plain") },
        { BYTES("a<b>b</b>c"), BYTES("abc") },
        { BYTES("a<br>b<p class=\"x>y\">c</p>"), BYTES("a b c ") },
        { BYTES("<a href='x>y'>l</a>"), BYTES("l") },
        { BYTES("<img src=x?q=\"1\">a<p id = 'x>y'>b<p x=1 \"y>c<p z='\"'>d"), BYTES(" a b c d") },
        { BYTES("<a href=>x<a href = >y<a href=a\"b c='>'>z"), BYTES("xyz") },
        { BYTES("a<!-- <b> -- > -->b<!-->c<!doctype html>d"), BYTES("abcd") },
        { BYTES("<style>p { color: red }</style>x<SCRIPT>if (a<b) \"</p>\"</SCRIPT >y"),
          BYTES("xy") },
        { BYTES("<title>t &amp; u</title>x"), BYTES("x") },
        { BYTES("&lt;&amp;&gt;&quot;&#65;&#x42;&eacute;&nbsp;."), BYTES("<&>\"AB\xc3\xa9 .") },
        { BYTES("a & b &unknown; &amp c &"), BYTES("a & b &unknown; & c &") },
        { BYTES("&#0; &#xd800; &#99999999999;"), BYTES("&#0;  &#99999999999;") },
        { BYTES("1 < 2 <3 </ x"), BYTES("1 < 2 <3 </ x") },
        { BYTES("<averyveryverylongtagname>x"), BYTES("x") },
        { BYTES("&averyveryverylongreference;"), BYTES("&averyveryverylongreference;") },
        { BYTES("text<unclosed"), BYTES("text") },
        { BYTES("<"), BYTES("<") },
        { BYTES("<?xml version?>x"), BYTES("x") },
    };
    struct buf out = buf_make(1000);

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        for (size_t step = 1; step <= 90; step++) {
            strip_in_steps(cases[i].html, step, &out);
            ASSERT_BYTES(buf_bytes(&out), cases[i].text);
        }
    }
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_strip) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
