/* Lines over a socket pair: cut anywhere, too long, too late, and from a peer that is gone. */
#include "sys/dialog.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kit/assert_bytes.h"
#include "sys/fd.h"

enum { SHORT_MS = 50 };

static int begin(struct dialog *dialog)
{
    int pair[2];

    assert_int_equal(fd_pair_stream(pair), ERR_OK);
    dialog_init(dialog, pair[0], SHORT_MS);
    return pair[1];
}

static void write_all(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void test_lines(void **state)
{
    struct dialog dialog;
    struct bytes line;
    int peer = begin(&dialog);

    (void)state;
    write_all(peer, "220 roost\r\n\nhalf");
    assert_int_equal(dialog_receive_line(&dialog, &line), ERR_OK);
    ASSERT_BYTES(line, BYTES("220 roost"));
    assert_int_equal(dialog_receive_line(&dialog, &line), ERR_OK);
    ASSERT_BYTES(line, BYTES(""));
    assert_int_equal(dialog_receive_line(&dialog, &line), ERR_BUSY);
    write_all(peer, " and half\r\n");
    assert_int_equal(dialog_receive_line(&dialog, &line), ERR_OK);
    ASSERT_BYTES(line, BYTES("half and half"));
    write_all(peer, "no end");
    close(peer);
    assert_int_equal(dialog_receive_line(&dialog, &line), ERR_CLOSED);
    dialog_done(&dialog);
    dialog_done(&dialog);
}

static void test_a_line_without_end_is_refused(void **state)
{
    static char text[16 * 1024];
    struct dialog dialog;
    struct bytes line;
    int peer = begin(&dialog);
    enum err err = ERR_BUSY;

    (void)state;
    memset(text, 'x', sizeof(text));
    for (int i = 0; i < 100 && err == ERR_BUSY; i++) {
        assert_true(write(peer, text, sizeof(text)) > 0);
        dialog.timeout_ms = 1;
        err = dialog_receive_line(&dialog, &line);
    }
    assert_int_equal(err, ERR_LIMIT);
    close(peer);
    dialog_done(&dialog);
}

static void test_sending(void **state)
{
    enum { MANY = 4 * 1024 * 1024 };
    uint8_t *many = calloc(1, MANY);
    struct dialog dialog;
    int peer = begin(&dialog);
    char got[8];

    (void)state;
    assert_non_null(many);
    assert_int_equal(dialog_send(&dialog, BYTES("LHLO x\r\n")), ERR_OK);
    assert_int_equal(read(peer, got, sizeof(got)), 8);
    assert_memory_equal(got, "LHLO x\r\n", 8);
    assert_int_equal(dialog_send(&dialog, bytes_make(many, MANY)), ERR_BUSY);
    close(peer);
    assert_int_equal(dialog_send(&dialog, BYTES("x")), ERR_CLOSED);
    dialog_done(&dialog);
    free(many);
}

static void test_opening(void **state)
{
    struct dialog dialog;
    struct note why = { "" };

    (void)state;
    assert_int_equal(dialog_open_unix(&dialog, "/nonexistent/socket", SHORT_MS, &why),
                     ERR_NOT_FOUND);
    assert_non_null(strstr(why.text, "/nonexistent/socket"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_a_line_without_end_is_refused),
        cmocka_unit_test(test_sending),
        cmocka_unit_test(test_opening),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
