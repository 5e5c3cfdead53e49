/* Address lists as an envelope shows them. */
#include "message/address.h"

#include "message/message_test.h"

static void print(struct bytes value, size_t count_max, struct buf *out)
{
    struct arena arena = arena_make(100 * 1000);
    struct bytes copy = exact_copy(value);
    struct address_list list = address_parse(&arena, copy, count_max);

    buf_clear(out);
    address_print_entries(out, &list);
    exact_free(copy);
    arena_done(&arena);
}

static void test_lists(void **state)
{
    static const struct {
        struct bytes value;
        struct bytes shown;
    } cases[] = {
        { BYTES(""), BYTES("") },
        { BYTES(" , ,, "), BYTES("") },
        { BYTES("a@b.c"), BYTES("(NIL NIL \"a\" \"b.c\")") },
        { BYTES("<a@b.c>"), BYTES("(NIL NIL \"a\" \"b.c\")") },
        { BYTES("Name <a@b>"), BYTES("(\"Name\" NIL \"a\" \"b\")") },
        { BYTES("John Q. Public <a@b>"), BYTES("(\"John Q. Public\" NIL \"a\" \"b\")") },
        { BYTES("\"Q, \\\"P\\\"\" <a@b>"), BYTES("(\"Q, \\\"P\\\"\" NIL \"a\" \"b\")") },
        { BYTES("a@b (Name)"), BYTES("(\"Name\" NIL \"a\" \"b\")") },
        { BYTES("<a@b> (Name (nested))"), BYTES("(\"Name (nested)\" NIL \"a\" \"b\")") },
        { BYTES("a@b, c@d"), BYTES("(NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\")") },
        { BYTES("a@b; c@d"), BYTES("(NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\")") },
        { BYTES("a@b c@d"), BYTES("(NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\")") },
        { BYTES("g: a@b, c@d;"), BYTES("(NIL NIL \"g\" NIL)(NIL NIL \"a\" \"b\")"
                                       "(NIL NIL \"c\" \"d\")(NIL NIL NIL NIL)") },
        { BYTES("undisclosed recipients:;"),
          BYTES("(NIL NIL \"undisclosed recipients\" NIL)(NIL NIL NIL NIL)") },
        { BYTES("g: a@b"), BYTES("(NIL NIL \"g\" NIL)(NIL NIL \"a\" \"b\")(NIL NIL NIL NIL)") },
        { BYTES("g:;, x@y"), BYTES("(NIL NIL \"g\" NIL)(NIL NIL NIL NIL)(NIL NIL \"x\" \"y\")") },
        { BYTES("<@r1,@r2:a@b>"), BYTES("(NIL \"@r1,@r2\" \"a\" \"b\")") },
        { BYTES("\"a b\"@c"), BYTES("(NIL NIL \"a b\" \"c\")") },
        { BYTES("a . b @ c . d"), BYTES("(NIL NIL \"a.b\" \"c.d\")") },
        { BYTES("a@[192.0.2.1]"), BYTES("(NIL NIL \"a\" \"[192.0.2.1]\")") },
        { BYTES("a@b.\r\n c"), BYTES("(NIL NIL \"a\" \"b.c\")") },
        { BYTES("x@y <a@b>"), BYTES("(\"x@y\" NIL \"a\" \"b\")") },
        { BYTES("Big Bird bb@host"), BYTES("(\"Big Bird\" NIL \"bb\" \"host\")") },
        { BYTES("postmaster"), BYTES("(NIL NIL \"postmaster\" \"MISSING_DOMAIN\")") },
        { BYTES("<postmaster>"), BYTES("(NIL NIL \"postmaster\" \"MISSING_DOMAIN\")") },
        { BYTES("Some Body"), BYTES("(\"Some Body\" NIL \"MISSING_MAILBOX\" \"MISSING_DOMAIN\")") },
        { BYTES("<>"), BYTES("(NIL NIL \"MISSING_MAILBOX\" \"MISSING_DOMAIN\")") },
        { BYTES("@host"), BYTES("(NIL NIL \"MISSING_MAILBOX\" \"host\")") },
        { BYTES("a@"), BYTES("(NIL NIL \"a\" \"MISSING_DOMAIN\")") },
        { BYTES("Name <a@b"), BYTES("(\"Name\" NIL \"a\" \"b\")") },
        { BYTES("Name <a@b junk>, c@d"), BYTES("(\"Name\" NIL \"a\" \"b\")(NIL NIL \"c\" \"d\")") },
        { BYTES("=?utf-8?q?=C3=A9?= <a@b>"), BYTES("(\"=?utf-8?q?=C3=A9?=\" NIL \"a\" \"b\")") },
        { BYTES("\xc3\xa9 <a@b>"), BYTES("({2}\r\n\xc3\xa9 NIL \"a\" \"b\")") },
        { BYTES("<a@b> Name, c@d (e) f"), BYTES("(\"Name\" NIL \"a\" \"b\")"
                                                "(\"e\" NIL \"c\" \"d\")") },
        { BYTES("<a@b> c <d@e> f; g"), BYTES("(NIL NIL \"a\" \"b\")(\"c\" NIL \"d\" \"e\")"
                                             "(NIL NIL \"g\" \"MISSING_DOMAIN\")") },
        { BYTES("g: a@b;c"), BYTES("(NIL NIL \"g\" NIL)(NIL NIL \"a\" \"b\")(NIL NIL NIL NIL)"
                                   "(NIL NIL \"c\" \"MISSING_DOMAIN\")") },
        { BYTES("a)b>c@d"), BYTES("(NIL NIL \"abc\" \"d\")") },
        { BYTES("(only a comment)"), BYTES("") },
        { BYTES("[x] <a@b>"), BYTES("(\"[x]\" NIL \"a\" \"b\")") },
        { BYTES("<a@b"), BYTES("(NIL NIL \"a\" \"b\")") },
        { BYTES("\"open <a@b>"),
          BYTES("(\"open <a@b>\" NIL \"MISSING_MAILBOX\" \"MISSING_DOMAIN\")") },
        { BYTES("a:b:c@d;"), BYTES("(NIL NIL \"a\" NIL)(NIL NIL \"bc\" \"d\")(NIL NIL NIL NIL)") },
    };
    struct buf out = buf_make(10000);

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        print(cases[i].value, 100, &out);
        ASSERT_BYTES(buf_bytes(&out), cases[i].shown);
    }
    buf_done(&out);
}

static void test_count_limit(void **state)
{
    struct buf out = buf_make(10000);

    (void)state;
    print(BYTES("a@b,c@d,e@f"), 2, &out);
    ASSERT_BYTES(buf_bytes(&out), BYTES("(NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\")"));
    print(BYTES("g:a@b,c@d;h:;"), 2, &out);
    ASSERT_BYTES(buf_bytes(&out),
                 BYTES("(NIL NIL \"g\" NIL)(NIL NIL \"a\" \"b\")(NIL NIL NIL NIL)"));
    print(BYTES("g:;h:;i:;"), 0, &out);
    ASSERT_BYTES(buf_bytes(&out), BYTES(""));
    buf_done(&out);
}

static void test_out_of_budget(void **state)
{
    struct arena arena = arena_make(10);

    (void)state;
    assert_int_equal(address_parse(&arena, BYTES("a@b, c@d"), 10).count, 0);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_count_limit),
        cmocka_unit_test(test_out_of_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
