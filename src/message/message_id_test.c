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
        { BYTES("Your message of <monday> \"x\" <a@b>"), BYTES("monday|a@b|") },
        { BYTES("<\"a\"@b>"), BYTES("a@b|") },
        { BYTES("<\"a\\\"b\"@c>"), BYTES("a\"b@c|") },
        { BYTES("<\"a>b\"@c>"), BYTES("a>b@c|") },
        { BYTES("< a @ b >"), BYTES("a@b|") },
        { BYTES("<>"), BYTES("") },
        { BYTES("<> <a@b>"), BYTES("a@b|") },
        { BYTES("<open"), BYTES("") },
        { BYTES("none"), BYTES("") },
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

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_ids) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
