/* Base subjects (RFC 5256 s2.1). */
#include "message/subject.h"

#include "kit/assert_bytes.h"

static void test_base(void **state)
{
    static const struct {
        struct bytes value;
        struct bytes base;
        bool is_reply;
    } cases[] = {
        { BYTES(""), BYTES(""), false },
        { BYTES("hello"), BYTES("hello"), false },
        { BYTES("Re: hello"), BYTES("hello"), true },
        { BYTES("RE : re:Fwd: fw: hello"), BYTES("hello"), true },
        { BYTES("re[2]: hello"), BYTES("hello"), true },
        { BYTES("Re [x] : hello"), BYTES("hello"), true },
        { BYTES("[list] hello"), BYTES("hello"), false },
        { BYTES("[a] [b] Re: [c] hello"), BYTES("hello"), true },
        { BYTES("[only]"), BYTES("[only]"), false },
        { BYTES("[a] [only]"), BYTES("[only]"), false },
        { BYTES("Re: [only]"), BYTES("[only]"), true },
        { BYTES("[a[b] hello"), BYTES("[a[b] hello"), false },
        { BYTES("hello (fwd)"), BYTES("hello"), true },
        { BYTES("hello (FWD) (fwd)  "), BYTES("hello"), true },
        { BYTES("[Fwd: hello]"), BYTES("hello"), true },
        { BYTES("[fwd: Re: hello (fwd)]"), BYTES("hello"), true },
        { BYTES("Re: [fwd: [fwd: [a] hello]]"), BYTES("hello"), true },
        { BYTES("[fwd: hello] x"), BYTES("x"), false },
        { BYTES("two  spaces\tand\r\n fold"), BYTES("two spaces and fold"), false },
        { BYTES("=?utf-8?q?Re:_caf=C3=A9?="), BYTES("caf\xc3\xa9"), true },
        { BYTES("regarding"), BYTES("regarding"), false },
        { BYTES("fwdx: a"), BYTES("fwdx: a"), false },
        { BYTES("Re:"), BYTES(""), true },
        { BYTES("Aw: hello"), BYTES("Aw: hello"), false },
        { BYTES("[fwd:]"), BYTES(""), true },
    };
    struct buf out = buf_make(1000);

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        buf_clear(&out);
        assert_int_equal(subject_base(cases[i].value, &out), cases[i].is_reply);
        ASSERT_BYTES(buf_bytes(&out), cases[i].base);
    }
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_base) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
