/* Sections as they are sent: BINARY, NUL, line ends. RFC 9051 s4.3.1, s7.5.2; RFC 3516 s6. */
#include "imap/fetch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kit/imap_seat.h"
#include "kit/mem_vfs.h"
#include "message/charset.h"

struct bench {
    struct vfs *vfs;
    struct desk desk;
    struct imap_seat seat;
};

static void open_bench(struct bench *bench)
{
    bench->vfs = mem_vfs_new(1);
    desk_init(&bench->desk, bench->vfs);
    assert_int_equal(desk_open(&bench->desk), ERR_OK);
    imap_seat_open(&bench->seat, &bench->desk);
}

static void close_bench(struct bench *bench)
{
    imap_seat_close(&bench->seat);
    desk_close(&bench->desk);
    assert_int_equal(mem_vfs_open_files(bench->vfs), 0);
    mem_vfs_free(bench->vfs);
}

static uint32_t count_of(struct bytes out, struct bytes word)
{
    uint32_t count = 0;

    for (size_t at = bytes_find(out, 0, word); at < out.len;
         at = bytes_find(out, at + word.len, word))
        count++;
    return count;
}

/* BINARY of what holds NUL is a literal8 (RFC 9051 section 4.3), also where the piece has none. */
static void test_binary(void **state)
{
    static const char text[] = "Content-Transfer-Encoding: base64\r\n\r\nQQBC\r\n";
    struct bench bench;

    open_bench(&bench);
    assert_int_equal(desk_append(&bench.desk, desk_mailbox(&bench.desk, "INBOX"),
                                 bytes_from_string(text), FLAG_SEEN, NULL),
                     ERR_OK);
    (void)imap_seat_run(&bench.seat, "a SELECT INBOX");
    assert_true(bytes_starts_with(imap_seat_run(&bench.seat, "a FETCH 1 BINARY[1]"),
                                  BYTES("* 1 FETCH (BINARY[1] ~{3}\r\nA\0B)\r\n")));
    assert_true(bytes_starts_with(imap_seat_run(&bench.seat, "a FETCH 1 BINARY[1]<2.9>"),
                                  BYTES("* 1 FETCH (BINARY[1]<2> ~{1}\r\nB)\r\n")));
    assert_true(bytes_starts_with(imap_seat_run(&bench.seat, "a FETCH 1 BINARY[1]<3.9>"),
                                  BYTES("* 1 FETCH (BINARY[1]<3> ~{0}\r\n)\r\n")));
    assert_true(bytes_starts_with(imap_seat_run(&bench.seat, "a FETCH 1 BINARY[]<0.7>"),
                                  BYTES("* 1 FETCH (BINARY[]<0> {7}\r\nContent)\r\n")));
    close_bench(&bench);
}

/* No line end is mended where it is not one byte: U+000A, U+0A05 and "A" in UTF-16. */
static void test_binary_of_utf16(void **state)
{
    static const char text[] = "Content-Type: text/plain; charset=UTF-16LE\r\n"
                               "Content-Transfer-Encoding: base64\r\n\r\nCgAFCkEA\r\n";
    struct bench bench;

    open_bench(&bench);
    assert_int_equal(desk_append(&bench.desk, desk_mailbox(&bench.desk, "INBOX"),
                                 bytes_from_string(text), FLAG_SEEN, NULL),
                     ERR_OK);
    (void)imap_seat_run(&bench.seat, "a SELECT INBOX");
    assert_true(bytes_starts_with(imap_seat_run(&bench.seat, "a FETCH 1 BINARY[1]"),
                                  BYTES("* 1 FETCH (BINARY[1] ~{6}\r\n\n\0\5\nA\0)\r\n")));
    assert_true(bytes_starts_with(imap_seat_run(&bench.seat, "a FETCH 1 BINARY.SIZE[1]"),
                                  BYTES("* 1 FETCH (BINARY.SIZE[1] 6)\r\n")));
    close_bench(&bench);
}

/* A NUL in the message itself is sent by BINARY only (RFC 9051 section 4.3.1); sizes are the same.
 */
static void test_nul_in_a_message(void **state)
{
    static const char text[] = "Subject: a\r\n\r\nx\0\0y\0";
    struct bench bench;

    open_bench(&bench);
    assert_int_equal(desk_append(&bench.desk, desk_mailbox(&bench.desk, "INBOX"),
                                 bytes_make(text, sizeof(text) - 1), FLAG_SEEN, NULL),
                     ERR_OK);
    (void)imap_seat_run(&bench.seat, "a SELECT INBOX");
    assert_true(bytes_starts_with(imap_seat_run(&bench.seat, "a FETCH 1 BODY[TEXT]"),
                                  BYTES("* 1 FETCH (BODY[TEXT] {5}\r\nx\x80\x80y\x80)\r\n")));
    assert_true(bytes_starts_with(
        imap_seat_run(&bench.seat, "a FETCH 1 BODY[]"),
        BYTES("* 1 FETCH (BODY[] {19}\r\nSubject: a\r\n\r\nx\x80\x80y\x80)\r\n")));
    assert_true(
        bytes_starts_with(imap_seat_run(&bench.seat, "a FETCH 1 BINARY[]"),
                          BYTES("* 1 FETCH (BINARY[] ~{19}\r\nSubject: a\r\n\r\nx\0\0y\0)\r\n")));
    close_bench(&bench);
}

/* BINARY of text has lines that end in CRLF, of other parts the very bytes (RFC 9051
 * section 7.5.2). */
static void test_lines_of_binary(void **state)
{
    static const char text[] =
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\nCmEKYg0KCmMNZA==\r\n--b\r\n"
        "Content-Type: a/b\r\nContent-Transfer-Encoding: "
        "base64\r\n\r\nYQpi\r\n--b\r\n\r\nx\ny\r\n--b--";
    struct bench bench;

    open_bench(&bench);
    assert_int_equal(desk_append(&bench.desk, desk_mailbox(&bench.desk, "INBOX"),
                                 bytes_from_string(text), FLAG_SEEN, NULL),
                     ERR_OK);
    (void)imap_seat_run(&bench.seat, "a SELECT INBOX");
    assert_true(bytes_starts_with(
        imap_seat_run(&bench.seat, "a FETCH 1 (BINARY.SIZE[1] BINARY[1])"),
        BYTES("* 1 FETCH (BINARY.SIZE[1] 13 BINARY[1] {13}\r\n\r\na\r\nb\r\n\r\nc\rd)\r\n")));
    assert_true(
        bytes_starts_with(imap_seat_run(&bench.seat, "a FETCH 1 (BINARY.SIZE[2] BINARY[2])"),
                          BYTES("* 1 FETCH (BINARY.SIZE[2] 3 BINARY[2] {3}\r\na\nb)\r\n")));
    assert_true(
        bytes_starts_with(imap_seat_run(&bench.seat, "a FETCH 1 (BINARY[3] BODY[3])"),
                          BYTES("* 1 FETCH (BINARY[3] {4}\r\nx\r\ny BODY[3] {3}\r\nx\ny)\r\n")));
    close_bench(&bench);
}

/* A CRLF that two chunks share is one. */
static void test_lines_across_chunks(void **state)
{
    enum { LINES = 30000 };
    struct buf text = buf_make(4 * LINES);
    struct bench bench;

    open_bench(&bench);
    for (int shift = 0; shift < 3; shift++) {
        buf_clear(&text);
        buf_add_string(&text, &"X: ab\r\n\r\n"[2 - shift]);
        for (int i = 0; i < LINES; i++)
            buf_add_string(&text, "x\r\n");
        assert_int_equal(desk_append(&bench.desk, desk_mailbox(&bench.desk, "INBOX"),
                                     buf_bytes(&text), FLAG_SEEN, NULL),
                         ERR_OK);
    }
    (void)imap_seat_run(&bench.seat, "a SELECT INBOX");
    assert_int_equal(
        count_of(imap_seat_run(&bench.seat, "a FETCH 1:3 BINARY.SIZE[1]"), BYTES(" 90000)")), 3);
    assert_int_equal(count_of(imap_seat_run(&bench.seat, "a FETCH 1:3 BINARY[1]"), BYTES("x\r\n")),
                     3 * LINES);
    buf_done(&text);
    close_bench(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_binary),
        cmocka_unit_test(test_binary_of_utf16),
        cmocka_unit_test(test_nul_in_a_message),
        cmocka_unit_test(test_lines_of_binary),
        cmocka_unit_test(test_lines_across_chunks),
    };
    int failed;

    (void)charset_open_all();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    charset_close_all();
    return failed;
}
