/* Asking at the terminal. */
#include "sys/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "sys/fd.h"

enum { COLUMNS_STANDARD = 80, ANSWER_BYTES_MAX = 80 };

bool terminal_is(int fd)
{
    return isatty(fd) == 1;
}

unsigned terminal_columns(void)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return COLUMNS_STANDARD;
    return size.ws_col;
}

static bool say(int fd, const char *text)
{
    size_t len = strlen(text);

    return write(fd, text, len) == (ssize_t)len;
}

/* One line, byte by byte: what is behind it belongs to somebody else. */
static enum err read_line(int fd, struct buf *out)
{
    for (;;) {
        uint8_t byte;
        ssize_t len = read(fd, &byte, 1);

        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return fd_err(errno);
        if (len == 0)
            return ERR_CLOSED;
        if (byte == '\n')
            return out->overflowed ? ERR_LIMIT : ERR_OK;
        buf_add_byte(out, byte);
    }
}

enum err terminal_ask_secret_on(int in_fd, int out_fd, const char *question, struct buf *out,
                                struct note *why)
{
    struct termios before;
    bool hidden = tcgetattr(in_fd, &before) == 0;
    enum err err;

    if (hidden) {
        struct termios silent = before;

        silent.c_lflag &= ~(tcflag_t)ECHO;
        hidden = tcsetattr(in_fd, TCSAFLUSH, &silent) == 0;
    }
    if (!say(out_fd, question))
        err = ERR_IO;
    else
        err = read_line(in_fd, out);
    if (hidden) {
        (void)tcsetattr(in_fd, TCSAFLUSH, &before);
        (void)say(out_fd, "\n");
    }
    if (err != ERR_OK)
        note_set(why, "no answer at the terminal: %s", err_text(err));
    return err;
}

enum err terminal_ask_secret(const char *question, struct buf *out, struct note *why)
{
    FD_LOCAL int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return note_fail(why, ERR_NOT_FOUND, "there is no terminal to ask at");
    return terminal_ask_secret_on(fd, fd, question, out, why);
}

bool terminal_ask_yes(int in_fd, int out_fd, const char *question)
{
    struct buf answer = buf_make(ANSWER_BYTES_MAX);
    bool yes = say(out_fd, question) && read_line(in_fd, &answer) == ERR_OK &&
               (bytes_equal_nocase(buf_bytes(&answer), BYTES("y")) ||
                bytes_equal_nocase(buf_bytes(&answer), BYTES("yes")));

    buf_done(&answer);
    return yes;
}
