/* Building log lines. The sink is the one mutable global of the house. */
#include "base/log.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "base/num.h"

static struct log_sink *log_sink;
static enum log_level log_level_max = LOG_LEVEL_INFO;

void log_set_sink(struct log_sink *sink, enum log_level level_max)
{
    log_sink = sink;
    log_level_max = level_max;
}

static void add(struct log_line *line, const void *at, size_t len)
{
    size_t room = sizeof(line->text) - line->len;

    if (len > room)
        len = room;
    memcpy(line->text + line->len, at, len);
    line->len += len;
}

static void add_key(struct log_line *line, const char *key)
{
    if (line->len > 0)
        add(line, " ", 1);
    add(line, key, strlen(key));
    add(line, "=", 1);
}

static bool is_plain(struct bytes value)
{
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.at[i];

        if (c <= ' ' || c >= 127 || c == '"' || c == '\\' || c == '=')
            return false;
    }
    return value.len > 0;
}

static void add_quoted(struct log_line *line, struct bytes value)
{
    static const char hex[] = "0123456789abcdef";

    add(line, "\"", 1);
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.at[i];

        if (c == '"' || c == '\\') {
            add(line, (const char[]){ '\\', (char)c }, 2);
        } else if (ascii_is_control(c) || c >= 127) {
            add(line, (const char[]){ '\\', 'x', hex[c >> 4], hex[c & 15] }, 4);
        } else {
            add(line, &c, 1);
        }
    }
    add(line, "\"", 1);
}

void log_begin(struct log_line *line, enum log_level level, const char *event)
{
    line->level = level;
    line->len = 0;
    log_string(line, "event", event);
}

void log_bytes(struct log_line *line, const char *key, struct bytes value)
{
    add_key(line, key);
    if (is_plain(value))
        add(line, value.at, value.len);
    else
        add_quoted(line, value);
}

void log_string(struct log_line *line, const char *key, const char *value)
{
    log_bytes(line, key, bytes_from_string(value));
}

void log_number(struct log_line *line, const char *key, int64_t value)
{
    char digits[NUM_DECIMAL_MAX];
    uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    add_key(line, key);
    if (value < 0)
        add(line, "-", 1);
    add(line, digits, num_print(size, digits));
}

void log_end(struct log_line *line)
{
    if (log_sink != NULL && line->level <= log_level_max)
        log_sink->write(log_sink, line->level, bytes_make(line->text, line->len));
}

void log_event(enum log_level level, const char *event, const char *key, const char *text)
{
    struct log_line line;

    log_begin(&line, level, event);
    if (text != NULL)
        log_string(&line, key, text);
    log_end(&line);
}

const char *log_level_text(enum log_level level)
{
    static const char *const names[] = { "error", "warning", "info", "debug" };

    return names[level];
}
