/* BODY and BODYSTRUCTURE. RFC 9051 s7.5.2, s9. */
#include "message/bodystructure.h"

#include "message/envelope.h"
#include "message/message_test.h"

#define PLAIN "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" "
#define NO_EXTENSION " NIL NIL NIL NIL)"
#define EMPTY_ENVELOPE "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"

static const struct {
    struct bytes raw;
    struct bytes body;
    struct bytes extended; /* empty: the test looks at BODY only */
} cases[] = {
    { BYTES(""), BYTES(PLAIN "0 0)"), BYTES(PLAIN "0 0" NO_EXTENSION) },
    { BYTES("Content-Type: TEXT/html; format=x\n\na\n"),
      BYTES("(\"TEXT\" \"html\" (\"format\" \"x\" \"charset\" \"us-ascii\") NIL NIL \"7bit\" 2 1)"),
      BYTES("") },
    { BYTES("Content-Type: image/png; name=\"a\\\"b\"\n"
            "Content-ID: <i>\nContent-Description: d\nContent-Transfer-Encoding: base64\n"
            "Content-MD5: m\nContent-Disposition: attachment; filename=f; size=3\n"
            "Content-Language: en\nContent-Location: l\n\nabc\n"),
      BYTES("(\"image\" \"png\" (\"name\" \"a\\\"b\") \"<i>\" \"d\" \"base64\" 4)"),
      BYTES("(\"image\" \"png\" (\"name\" \"a\\\"b\") \"<i>\" \"d\" \"base64\" 4 \"m\" "
            "(\"attachment\" (\"filename\" \"f\" \"size\" \"3\")) (\"en\") \"l\")") },
    { BYTES("Content-Type: multipart/mixed; boundary=b\nContent-Language: en, de\n\n"
            "--b\n\n1\n--b\nContent-Type: a/b\nContent-Disposition: inline\n\n2\n--b--\n"),
      BYTES("(" PLAIN "1 0)(\"a\" \"b\" NIL NIL NIL \"7bit\" 1) \"mixed\")"),
      BYTES("(" PLAIN "1 0" NO_EXTENSION
            "(\"a\" \"b\" NIL NIL NIL \"7bit\" 1 NIL (\"inline\" NIL) NIL NIL)"
            " \"mixed\" (\"boundary\" \"b\") NIL (\"en\" \"de\") NIL)") },
    { BYTES("Content-Type: multipart/mixed; boundary=b\n\nnothing\n"),
      BYTES("(" PLAIN "8 1) \"mixed\")"),
      BYTES("(" PLAIN "8 1" NO_EXTENSION " \"mixed\" (\"boundary\" \"b\") NIL NIL NIL)") },
    { BYTES("Content-Type: message/rfc822\n\n\nx\n"),
      BYTES("(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 3 " EMPTY_ENVELOPE " " PLAIN "2 1) 2)"),
      BYTES("(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 3 " EMPTY_ENVELOPE " " PLAIN
            "2 1" NO_EXTENSION " 2" NO_EXTENSION) },
    { BYTES("Content-Type: multipart/a; boundary=b\n\n--b\n"
            "Content-Type: multipart/c; boundary=d\n\n--d\n\nx\n--d--\n--b\n"
            "Content-Type: message/rfc822\n\nContent-Type: multipart/e; "
            "boundary=f\n\n--f\n\ny\n--b--\n"),
      BYTES("((" PLAIN "1 0) \"c\")(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 45 " EMPTY_ENVELOPE
            " (" PLAIN "1 0) \"e\") 4) \"a\")"),
      BYTES("") },
    { BYTES("Content-Type: text/plain; charset*=utf-8'de'utf-8\n"
            "Content-Transfer-Encoding: 8-Bit\nContent-Disposition: ; filename=f\n\n"),
      BYTES("(\"text\" \"plain\" (\"charset*\" \"utf-8'de'utf-8\") NIL NIL \"8bit\" 0 0)"),
      BYTES("(\"text\" \"plain\" (\"charset*\" \"utf-8'de'utf-8\") NIL NIL \"8bit\" 0 0 "
            "NIL (\"attachment\" (\"filename\" \"f\")) NIL NIL)") },
    { BYTES("Content-Type: a/b\nContent-Disposition: ;\n\n"),
      BYTES("(\"a\" \"b\" NIL NIL NIL \"7bit\" 0)"),
      BYTES("(\"a\" \"b\" NIL NIL NIL \"7bit\" 0 NIL NIL NIL NIL)") },
    { BYTES("Content-Type: a/b; n=caf\xc3\xa9\n\n"),
      BYTES("(\"a\" \"b\" (\"n\" {5}\r\ncaf\xc3\xa9) NIL NIL \"7bit\" 0)"), BYTES("") },
};

static void print(struct bytes raw, bool is_extended, struct buf *out)
{
    struct arena arena = arena_make(MESSAGE_ARENA_BUDGET);
    size_t left = ENVELOPE_ADDRESSES_MAX;

    buf_clear(out);
    bodystructure_print(out, message_parse(&arena, raw), is_extended, &left);
    arena_done(&arena);
}

static void test_structures(void **state)
{
    struct buf out = buf_make(10000);

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        print(cases[i].raw, false, &out);
        ASSERT_BYTES(buf_bytes(&out), cases[i].body);
        print(cases[i].raw, true, &out);
        if (cases[i].extended.len > 0)
            ASSERT_BYTES(buf_bytes(&out), cases[i].extended);
    }
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_structures) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
