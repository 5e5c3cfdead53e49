/* Transfer encodings: names, decoding in pieces of every size. */
#include "message/transfer.h"

#include <string.h>

#include "message/message_test.h"

static void test_names(void **state)
{
    static const struct {
        struct bytes value;
        enum transfer_encoding encoding;
    } cases[] = {
        { BYTES(""), TRANSFER_7BIT },
        { BYTES("7bit"), TRANSFER_7BIT },
        { BYTES(" 8BIT "), TRANSFER_8BIT },
        { BYTES("binary"), TRANSFER_BINARY },
        { BYTES("Quoted-Printable"), TRANSFER_QUOTED_PRINTABLE },
        { BYTES("(really) BASE64 (yes)"), TRANSFER_BASE64 },
        { BYTES("base64;"), TRANSFER_BASE64 },
        { BYTES("\"base64\""), TRANSFER_BASE64 },
        { BYTES("x-uuencode"), TRANSFER_UNKNOWN },
        { BYTES("text/html"), TRANSFER_7BIT },
        { BYTES("no such thing"), TRANSFER_7BIT },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        assert_int_equal(transfer_parse(cases[i].value), cases[i].encoding);
}

static void decode_in_steps(enum transfer_encoding encoding, struct bytes in, size_t step,
                            struct buf *out)
{
    struct transfer_decoder decoder = transfer_decoder_make(encoding);

    buf_clear(out);
    for (; in.len > 0; in = bytes_from(in, step)) {
        struct bytes piece = exact_copy(bytes_slice(in, 0, step));
        transfer_decode(&decoder, piece, out);
        exact_free(piece);
    }
    transfer_decode_finish(&decoder, out);
}

static void test_decoding(void **state)
{
    enum { QP = TRANSFER_QUOTED_PRINTABLE, B64 = TRANSFER_BASE64 };
    static const struct {
        int encoding;
        struct bytes in;
        struct bytes out;
    } cases[] = {
        { TRANSFER_7BIT, BYTES("a=3D b\r\n"), BYTES("a=3D b\r\n") },
        { TRANSFER_UNKNOWN, BYTES("\0\xff"), BYTES("\0\xff") },
        { B64, BYTES("aGVsbG8="), BYTES("hello") },
        { B64, BYTES("aGVs\r\nbG8=\r\n"), BYTES("hello") },
        { B64, BYTES("aGVsbG8"), BYTES("hello") },
        { B64, BYTES("aGVsbG8=aGVsbG8="), BYTES("hellohello") },
        { B64, BYTES("a!G*V s-b G8="), BYTES("hello") },
        { B64, BYTES("===="), BYTES("") },
        { B64, BYTES("a"), BYTES("") },
        { B64, BYTES("AAECAwQF/+8r\r\nAAEC!AwQ="), BYTES("\0\1\2\3\4\5\xff\xef\x2b\0\1\2\3\4") },
        { QP, BYTES("a=3Db=3d"), BYTES("a=b=") },
        { QP, BYTES("two words\r\n and\tmore =\r\n\r\n\nend \n"),
          BYTES("two words\r\n and\tmore \r\n\nend\n") },
        { QP, BYTES("a \rb\r\r\nc =20\r\n=20 \r\n"), BYTES("a \rb\r\nc  \r\n \r\n") },
        { QP, BYTES("soft=\r\n line"), BYTES("soft line") },
        { QP, BYTES("soft= \t\r\nline"), BYTES("softline") },
        { QP, BYTES("soft=\nline"), BYTES("softline") },
        { QP, BYTES("blanks \t \r\nend"), BYTES("blanks\r\nend") },
        { QP, BYTES("blanks  \nend"), BYTES("blanks\nend") },
        { QP, BYTES("inner  blanks"), BYTES("inner  blanks") },
        { QP, BYTES("bad =XY code =4"), BYTES("bad =XY code =4") },
        { QP, BYTES("bad = 41"), BYTES("bad = 41") },
        { QP, BYTES("==41"), BYTES("=A") },
        { QP, BYTES("bare\rcr"), BYTES("bare\rcr") },
        { QP, BYTES("end="), BYTES("end") },
        { QP, BYTES("end  "), BYTES("end") },
        { QP, BYTES("=C3=A9\xc3\xa9"), BYTES("\xc3\xa9\xc3\xa9") },
    };
    struct buf out = buf_make(1000);

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        for (size_t step = 1; step <= 30; step++) {
            decode_in_steps((enum transfer_encoding)cases[i].encoding, cases[i].in, step, &out);
            ASSERT_BYTES(buf_bytes(&out), cases[i].out);
        }
    }
    buf_done(&out);
}

/* Blanks held back are bounded; more of them come through. */
static void test_many_blanks(void **state)
{
    uint8_t in[TRANSFER_BLANKS_MAX * 3 + 1];
    struct buf out = buf_make(2000);

    (void)state;
    memset(in, ' ', sizeof in);
    in[sizeof in - 1] = 'x';
    decode_in_steps(TRANSFER_QUOTED_PRINTABLE, bytes_make(in, sizeof in), sizeof in, &out);
    ASSERT_BYTES(buf_bytes(&out), bytes_make(in, sizeof in));
    /* Behind a "=" that is no soft line break, for all the blanks, they keep their place. */
    in[0] = '=';
    for (size_t step = 1; step <= sizeof in; step += 100) {
        decode_in_steps(TRANSFER_QUOTED_PRINTABLE, bytes_make(in, sizeof in), step, &out);
        ASSERT_BYTES(buf_bytes(&out), bytes_make(in, sizeof in));
    }
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_decoding),
        cmocka_unit_test(test_many_blanks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
