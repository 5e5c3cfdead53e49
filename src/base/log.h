/* Events for the administrator: one line each, `event=NAME key=value ...`, at most 4 KB.
 *
 * Only daemons and sessions log, never the libraries below them. The line goes to the sink that the
 * role's main has set (sys/log_sink.h writes it without blocking); before that, nowhere. Values
 * that hold a blank, quote, control or non-ASCII byte are quoted and escaped: what a peer sent
 * cannot forge a line. Never log a password, a key or mail text.
 *
 *     struct log_line line;
 *     log_begin(&line, LOG_LEVEL_INFO, "login");
 *     log_bytes(&line, "user", user);
 *     log_number(&line, "ms", ms);
 *     log_end(&line);
 */
#ifndef ROOST_BASE_LOG_H
#define ROOST_BASE_LOG_H

#include <stdint.h>

#include "base/bytes.h"

enum { LOG_LINE_BYTES_MAX = 4096 };

enum log_level {
    LOG_LEVEL_ERROR, /* an administrator must act */
    LOG_LEVEL_WARNING, /* something is wrong, the server copes */
    LOG_LEVEL_INFO, /* logins, deliveries, starts and ends */
    LOG_LEVEL_DEBUG,
};

struct log_line {
    enum log_level level;
    size_t len;
    char text[LOG_LINE_BYTES_MAX];
};

/* Receives one finished line without its newline. Set once at start, by the role's main. */
struct log_sink {
    void (*write)(struct log_sink *sink, enum log_level level, struct bytes line);
};

/* Lines above `level_max` are dropped. `sink` stays borrowed for the life of the process. */
void log_set_sink(struct log_sink *sink, enum log_level level_max);

void log_begin(struct log_line *line, enum log_level level, const char *event);
void log_string(struct log_line *line, const char *key, const char *value);
void log_bytes(struct log_line *line, const char *key, struct bytes value);
void log_number(struct log_line *line, const char *key, int64_t value);
void log_end(struct log_line *line);

/* One line with one text: for rare events. `text` may be NULL. */
void log_event(enum log_level level, const char *event, const char *key, const char *text);

/* "error", "warning", "info", "debug". */
const char *log_level_text(enum log_level level);

#endif
