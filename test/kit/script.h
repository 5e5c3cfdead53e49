/* Dialogues as text files, for sessions that take bytes and give bytes.
 *
 * A line is `K: text` or `Kn: text`, K one letter and n a digit for which of several clients (1
 * when left out). Blank lines and lines that begin with '#' say nothing. What the letters mean is
 * the runner's business, with these in common:
 *
 *   C: text     the client sends the text and CRLF
 *   c: text     the client sends just these bytes; \r \n \0 \\ and \xNN stand for bytes
 *   S: text     the server sends this line, and nothing else before it; <any> stands for any run
 *               of bytes, also for none
 *   O: word     an option for the session to come
 *   T: 60000    time goes on by so many milliseconds
 */
#ifndef ROOST_TEST_KIT_SCRIPT_H
#define ROOST_TEST_KIT_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/bytes.h"

struct script_step {
    char letter;
    unsigned client; /* 1 to 9 */
    unsigned line; /* in the file, from 1 */
    struct bytes text; /* blanks behind the colon: one is left out */
};

struct script {
    const char *path;
    const struct script_step *steps;
    size_t count;
};

/* Reads a file; all memory from `arena`. False with a message to stderr when it cannot be read or a
 * line is not of this form. */
bool script_load(struct script *script, const char *path, struct arena *arena);

/* `text` with its escapes replaced; at NULL when one of them is none. */
struct bytes script_unescape(struct bytes text, struct arena *arena);

/* Whether the line that came is the line that is wanted. */
bool script_line_matches(struct bytes wanted, struct bytes line);

#endif
