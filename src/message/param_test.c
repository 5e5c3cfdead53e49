/* MIME parameters. RFC 9051 s7.5.2. */
#include "message/param.h"

#include <string.h>

#include "kit/assert_bytes.h"

/* "type/subtype|name=value|..." for one look. */
static void describe(struct bytes value, struct buf *out)
{
    struct arena arena = arena_make(100 * 1000);
    struct bytes type, subtype;
    struct params params;

    buf_clear(out);
    if (!param_parse_type(&arena, value, &type, &subtype, &params)) {
        buf_add(out, BYTES("refused"));
        arena_done(&arena);
        return;
    }
    buf_add(out, type);
    buf_add_byte(out, '/');
    buf_add(out, subtype);
    for (size_t i = 0; i < params.count; i++) {
        buf_add_byte(out, '|');
        buf_add(out, params.at[i].name);
        buf_add_byte(out, '=');
        buf_add(out, params.at[i].value);
    }
    arena_done(&arena);
}

static void test_types(void **state)
{
    static const struct {
        struct bytes value;
        struct bytes seen;
    } cases[] = {
        { BYTES("text/plain"), BYTES("text/plain") },
        { BYTES(" Text / Plain ; Charset = \"utf-8\""), BYTES("Text/Plain|Charset=utf-8") },
        { BYTES("text/plain; a=1; b=\"2;\\\"3\"; c=4"), BYTES("text/plain|a=1|b=2;\"3|c=4") },
        { BYTES("text/plain (comment); (x) a (y) = (z) 1 (w)"), BYTES("text/plain|a=1") },
        { BYTES("text/plain;;; a=1;"), BYTES("text/plain|a=1") },
        { BYTES("text/plain\r\n a=1"), BYTES("text/plain|a=1") },
        { BYTES("text/plain; charset=x format=flowed"),
          BYTES("text/plain|charset=x|format=flowed") },
        { BYTES("a/b; name=my file.pdf; c=d"), BYTES("a/b|name=my file.pdf|c=d") },
        { BYTES("a/b; name=a=b/c"), BYTES("a/b|name=a=b/c") },
        { BYTES("a/b; junk; c=d"), BYTES("a/b|c=d") },
        { BYTES("a/b; c="), BYTES("a/b|c=") },
        { BYTES("a/b; c=\"open"), BYTES("a/b|c=open") },
        { BYTES("a/b; c=\"fold\r\n ed\""), BYTES("a/b|c=fold ed") },
        { BYTES("a/b; n*0=\"x \"; n*1=y"), BYTES("a/b|n=x y") },
        { BYTES("a/b; n*1=y; z=1; n*0=x"), BYTES("a/b|n=xy|z=1") },
        { BYTES("a/b; n*0*=utf-8'en'%41; n*1=\" b\""), BYTES("a/b|n*=utf-8'en'%41%20b") },
        { BYTES("a/b; n*=utf-8''%41"), BYTES("a/b|n*=utf-8''%41") },
        { BYTES("a/b; n*10=k; n*9=j; n*8=i; n*7=h; n*6=g; n*5=f; n*4=e; n*3=d; n*2=c; n*1=b; "
                "n*0=a; m=1"),
          BYTES("a/b|n=abcdefghijk|m=1") },
        { BYTES("a/b; N*0*=utf-8''%c3; n*1*=%A4; n*2=\"%41 \""),
          BYTES("a/b|N*=utf-8''%c3%A4%2541%20") },
        { BYTES("a/b; n*00=x; n*01=y"), BYTES("a/b|n=xy") },
        { BYTES("a/b; n*1=only; n*3=x"), BYTES("a/b|n*1=only|n*3=x") },
        { BYTES("a/b; n*0=x; n*0=y"), BYTES("a/b|n=x|n=y") },
        { BYTES("a/b; *=x; *0=y; n**=z"), BYTES("a/b|*=x|*0=y|n**=z") },
        { BYTES(""), BYTES("refused") },
        { BYTES("text"), BYTES("refused") },
        { BYTES("text/"), BYTES("refused") },
        { BYTES("/plain"), BYTES("refused") },
        { BYTES("; a=b"), BYTES("refused") },
    };
    struct buf out = buf_make(10000);

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        describe(cases[i].value, &out);
        ASSERT_BYTES(buf_bytes(&out), cases[i].seen);
    }
    buf_done(&out);
}

static void test_count_limit(void **state)
{
    struct arena arena = arena_make(1000 * 1000);
    struct buf value = buf_make(10000);
    struct bytes type, subtype;
    struct params params;

    (void)state;
    buf_add(&value, BYTES("a/b"));
    for (int i = 0; i < PARAM_COUNT_MAX + 1; i++)
        buf_add_format(&value, "; p%d=%d", i, i);
    assert_true(param_parse_type(&arena, buf_bytes(&value), &type, &subtype, &params));
    assert_int_equal(params.count, PARAM_COUNT_MAX);
    buf_done(&value);
    arena_done(&arena);
}

static void test_out_of_budget(void **state)
{
    struct arena arena = arena_make(8);
    struct bytes type = BYTES("kept"), subtype = BYTES("kept");
    struct params params = { 0 };

    (void)state;
    assert_false(param_parse_type(&arena, BYTES("a/b; c=d; e=f"), &type, &subtype, &params));
    ASSERT_BYTES(type, BYTES("kept"));
    arena_done(&arena);
}

static void test_text(void **state)
{
    static const struct {
        struct bytes value;
        struct bytes text; /* of the parameter n */
    } cases[] = {
        { BYTES("a/b; n=x"), BYTES("x") },
        { BYTES("a/b; n=\"=?utf-8?q?caf=C3=A9?=\""), BYTES("caf\xc3\xa9") },
        { BYTES("a/b; n*=iso-8859-1''caf%E9"), BYTES("caf\xc3\xa9") },
        { BYTES("a/b; n=plain; n*=utf-8''%41"), BYTES("A") },
        { BYTES("a/b; n*0*=utf-8''caf%C3; n*1*=%A9"), BYTES("caf\xc3\xa9") },
        { BYTES("a/b; n*=no-such''x%E9%4"), BYTES("x\xc3\xa9%4") },
        { BYTES("a/b; n*=nothing"), BYTES("nothing") },
    };
    struct buf out = buf_make(1000);

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena arena = arena_make(10000);
        struct bytes type, subtype;
        struct params params;
        buf_clear(&out);
        assert_true(param_parse_type(&arena, cases[i].value, &type, &subtype, &params));
        assert_true(param_text(&params, BYTES("N"), &out));
        ASSERT_BYTES(buf_bytes(&out), cases[i].text);
        assert_false(param_text(&params, BYTES("m"), &out));
        arena_done(&arena);
    }
    buf_done(&out);
}

static void test_disposition(void **state)
{
    struct arena arena = arena_make(10000);
    struct bytes disposition = { 0 };
    struct params params = { 0 };

    (void)state;
    assert_true(param_parse_disposition(&arena, BYTES("attachment; filename*=utf-8''%41.txt"),
                                        &disposition, &params));
    ASSERT_BYTES(disposition, BYTES("attachment"));
    ASSERT_BYTES(param_value(&arena, &params, BYTES("filename")), BYTES("A.txt"));
    assert_null(param_value(&arena, &params, BYTES("size")).at);
    assert_true(param_parse_disposition(&arena, BYTES("; filename=x"), &disposition, &params));
    assert_int_equal(disposition.len, 0);
    assert_int_equal(params.count, 1);
    assert_true(param_parse_disposition(&arena, BYTES("inline; filename*1=b.c; filename*0=a"),
                                        &disposition, &params));
    assert_int_equal(params.count, 1);
    ASSERT_BYTES(params.at[0].name, BYTES("filename"));
    ASSERT_BYTES(params.at[0].value, BYTES("ab.c"));
    assert_false(param_parse_disposition(&arena, BYTES(";"), &disposition, &params));
    assert_int_equal(params.count, 1);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),         cmocka_unit_test(test_count_limit),
        cmocka_unit_test(test_out_of_budget), cmocka_unit_test(test_text),
        cmocka_unit_test(test_disposition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
