/* Message identifiers. */
#include "message/message_id.h"

#include "kit/assert_bytes.h"

static void test_ids(void **state)
{
    static const struct {
        struct bytes value;
        struct bytes ids; /* each with a bar behind it */
    } cases[] = {
        { BYTES(""), BYTES("") },
        { BYTES("<a@b>"), BYTES("a@b|") },
        { BYTES("<a@b><c@d>\r\n <e@f>"), BYTES("a@b|c@d|e@f|") },
        { BYTES("Your message of <monday> \"x\" <a@b>"), BYTES("a@b|") },
        { BYTES("<\"a\"@b>"), BYTES("a@b|") },
        { BYTES("<\"a\\\"b\"@c>"), BYTES("a\"b@c|") },
        { BYTES("<\"a>b\"@c>"), BYTES("a>b@c|") },
        { BYTES("< a @ b >"), BYTES("a@b|") },
        { BYTES("<>"), BYTES("") },
        { BYTES("<> <a@b>"), BYTES("a@b|") },
        { BYTES("<open"), BYTES("") },
        { BYTES("none"), BYTES("") },
        { BYTES("<@> <@b> <a@> <\"\"@b> <c@d>"), BYTES("c@d|") },
        { BYTES("<\"a@b\"> <\"a@\"b@c>"), BYTES("a@b@c|") }, /* an "@" in quotes is none */
        { BYTES("<a\"b@x> <c@x> <d@x>"), BYTES("c@x|d@x|") },
        { BYTES("<a@[x\"y]> <b@x>"), BYTES("b@x|") },
        { BYTES("<a@x <b@x>"), BYTES("b@x|") },
        { BYTES("<<a@b>>"), BYTES("a@b|") },
        { BYTES("<\"a<b\"@c>"), BYTES("") },
        { BYTES("<\\\"<\\\"<a@b>"), BYTES("a@b|") },
        { BYTES("<a@b@c>"), BYTES("a@b@c|") }, /* more than RFC 5322 has, and found in mail */
    };
    struct buf out = buf_make(1000);

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct cursor cur = cursor_make(cases[i].value);
        buf_clear(&out);
        while (message_id_next(&cur, &out))
            buf_add_byte(&out, '|');
        ASSERT_BYTES(buf_bytes(&out), cases[i].ids);
    }
    buf_done(&out);
}

/* As long as a line may be, and one more. */
static void test_longest(void **state)
{
    struct buf out = buf_make(2000);
    struct buf value = buf_make(2000);

    (void)state;
    for (size_t more = 0; more < 2; more++) {
        struct cursor cur;

        buf_clear(&value);
        buf_add(&value, BYTES("<a@"));
        while (value.len < MESSAGE_ID_BYTES_MAX - 1 + more)
            buf_add_byte(&value, 'b');
        buf_add(&value, BYTES("> <c@d>"));
        buf_clear(&out);
        cur = cursor_make(buf_bytes(&value));
        assert_true(message_id_next(&cur, &out));
        assert_int_equal(out.len, more == 0 ? MESSAGE_ID_BYTES_MAX - 2 : 3);
    }
    buf_done(&value);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_ids),
                                        cmocka_unit_test(test_longest) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
