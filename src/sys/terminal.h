/* The person at the keyboard: questions, some with answers that must not be seen. For commands
 * only. */
#ifndef ROOST_SYS_TERMINAL_H
#define ROOST_SYS_TERMINAL_H

#include <stdbool.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/err.h"

/* Standard input, output or error (0, 1, 2) is a terminal. */
bool terminal_is(int fd);

/* Columns of the terminal on standard output; 80 where that cannot be told. */
unsigned terminal_columns(void);

/* Asks on the controlling terminal and appends the line that is typed, without its line break and
 * without showing it. ERR_NOT_FOUND where there is no terminal, ERR_CLOSED at the end of input,
 * ERR_LIMIT past `out`'s maximum. */
MUST_USE enum err terminal_ask_secret(const char *question, struct buf *out, struct note *why);

/* Same, over two descriptors: for tests. `in_fd` need not be a terminal. */
MUST_USE enum err terminal_ask_secret_on(int in_fd, int out_fd, const char *question,
                                         struct buf *out, struct note *why);

/* Asks over two descriptors; true when the line that comes is "y" or "yes", in any case. */
MUST_USE bool terminal_ask_yes(int in_fd, int out_fd, const char *question);

#endif
