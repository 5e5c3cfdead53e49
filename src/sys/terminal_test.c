/* Questions: over a pseudo terminal nothing is shown, and the echo comes back on. */
#include "sys/terminal.h"

#include <fcntl.h>
#include <pty.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "kit/assert_bytes.h"

static void write_all(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void test_over_a_pipe(void **state)
{
    struct buf answer = buf_make(6);
    struct note why = { "" };
    int in[2];
    int out[2];
    char said[16] = "";

    (void)state;
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    write_all(in[1], "secret\nnumber two\n");
    assert_int_equal(terminal_ask_secret_on(in[0], out[1], "Word: ", &answer, &why), ERR_OK);
    ASSERT_BYTES(buf_bytes(&answer), BYTES("secret"));
    assert_int_equal(read(out[0], said, sizeof(said)), 6);
    assert_string_equal(said, "Word: ");
    buf_clear(&answer);
    assert_int_equal(terminal_ask_secret_on(in[0], out[1], "", &answer, &why), ERR_LIMIT);
    buf_clear(&answer);
    close(in[1]);
    assert_int_equal(terminal_ask_secret_on(in[0], out[1], "", &answer, &why), ERR_CLOSED);
    assert_string_not_equal(why.text, "");
    close(in[0]);
    close(out[0]);
    close(out[1]);
    buf_done(&answer);
}

static void test_yes_and_no(void **state)
{
    static const struct {
        const char *typed;
        bool yes;
    } cases[] = { { "y\n", true },  { "Yes\n", true },   { "\n", false },
                  { "n\n", false }, { "yess\n", false }, { "y", false } };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char said[8] = "";
        int in[2];
        int out[2];

        assert_int_equal(pipe2(in, O_CLOEXEC), 0);
        assert_int_equal(pipe2(out, O_CLOEXEC), 0);
        write_all(in[1], cases[i].typed);
        close(in[1]);
        assert_int_equal(terminal_ask_yes(in[0], out[1], "Sure? "), cases[i].yes);
        assert_int_equal(read(out[0], said, sizeof(said)), 6);
        assert_string_equal(said, "Sure? ");
        close(in[0]);
        close(out[0]);
        close(out[1]);
    }
}

static void test_a_terminal_does_not_show_it(void **state)
{
    struct buf answer = buf_make(64);
    struct termios after;
    char shown[64] = "";
    int keyboard;
    int screen;

    (void)state;
    assert_int_equal(openpty(&keyboard, &screen, NULL, NULL, NULL), 0);
    assert_true(terminal_is(screen));
    /* TCSAFLUSH would drop what is typed ahead: the answer is typed by a second process. */
    if (fork() == 0) {
        char question[8];

        if (read(keyboard, question, sizeof(question)) > 0)
            write_all(keyboard, "secret\n");
        _exit(0);
    }
    assert_int_equal(terminal_ask_secret_on(screen, screen, "Word: ", &answer, NULL), ERR_OK);
    ASSERT_BYTES(buf_bytes(&answer), BYTES("secret"));
    assert_int_equal(tcgetattr(screen, &after), 0);
    assert_true((after.c_lflag & ECHO) != 0);
    assert_true(read(keyboard, shown, sizeof(shown) - 1) > 0);
    assert_null(strstr(shown, "secret"));
    close(keyboard);
    close(screen);
    buf_done(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_over_a_pipe),
        cmocka_unit_test(test_yes_and_no),
        cmocka_unit_test(test_a_terminal_does_not_show_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
