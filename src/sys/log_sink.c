/* Lines to standard error that never block.
 *
 * O_NONBLOCK would be shared with everybody else who has this terminal or pipe open, so each line
 * is preceded by a poll: a pipe or socket that polls writable takes at least PIPE_BUF bytes, and
 * larger lines are cut into writes of that size. */
#include "sys/log_sink.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/clock.h"

enum { PREFIX_BYTES_MAX = 96 };

struct stderr_sink {
    struct log_sink sink;
    const char *role;
    uint64_t dropped;
    bool journal;
};

/* True when standard error is the journal's own stream: systemd gives its device and inode. */
static bool is_journal(void)
{
    const char *named = getenv("JOURNAL_STREAM");
    struct stat st;
    char mine[64];

    if (named == NULL || fstat(STDERR_FILENO, &st) < 0)
        return false;
    (void)snprintf(mine, sizeof(mine), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    return strcmp(mine, named) == 0;
}

static bool is_writable(void)
{
    struct pollfd poll_fd = { .fd = STDERR_FILENO, .events = POLLOUT };

    return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLOUT) != 0;
}

static bool write_all(const char *at, size_t len)
{
    bool any = false;

    while (len > 0) {
        size_t piece = len < PIPE_BUF ? len : PIPE_BUF;
        ssize_t sent;

        if (!is_writable())
            return any;
        sent = write(STDERR_FILENO, at, piece);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return any;
        any = true;
        at += sent;
        len -= (size_t)sent;
    }
    return true;
}

/* RFC 3339, in UTC. By hand, as gmtime_r may want to open the time zone's file, which the walls of
 * a role forbid. Years begin in March here, so that leap days come last. */
static int print_time(char *out, size_t size, struct wall now)
{
    int64_t seconds = wall_seconds(now);
    int64_t days = seconds / 86400 + 719468; /* since 0000-03-01 */
    int64_t era = days / 146097; /* 400 years each */
    int64_t day_of_era = days % 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153; /* 0 is March */
    int64_t year = era * 400 + year_of_era + (month >= 10 ? 1 : 0);

    return snprintf(out, size, "%04lld-%02lld-%02lldT%02lld:%02lld:%02lld.%03lldZ ",
                    (long long)year, (long long)(month < 10 ? month + 3 : month - 9),
                    (long long)(day_of_year - (153 * month + 2) / 5 + 1),
                    (long long)(seconds / 3600 % 24), (long long)(seconds / 60 % 60),
                    (long long)(seconds % 60), (long long)(now.us / 1000 % 1000));
}

static size_t print_prefix(const struct stderr_sink *sink, enum log_level level,
                           char out[PREFIX_BYTES_MAX])
{
    static const char priorities[] = { '3', '4', '6', '7' }; /* of syslog(3) */
    int len = 0;

    if (sink->journal) {
        len = snprintf(out, PREFIX_BYTES_MAX, "<%c>", priorities[level]);
    } else {
        if (sink->role != NULL)
            len = print_time(out, PREFIX_BYTES_MAX, clock_wall());
        len += snprintf(out + len, PREFIX_BYTES_MAX - (size_t)len, "%s: ", log_level_text(level));
    }
    if (sink->role != NULL)
        len += snprintf(out + len, PREFIX_BYTES_MAX - (size_t)len, "%.32s[%d]: ", sink->role,
                        (int)getpid());
    return len < 0 ? 0 : (size_t)len;
}

static bool write_line(const struct stderr_sink *sink, enum log_level level, struct bytes line)
{
    char text[PREFIX_BYTES_MAX + LOG_LINE_BYTES_MAX + 1];
    size_t len = print_prefix(sink, level, text);

    if (line.len > LOG_LINE_BYTES_MAX)
        line.len = LOG_LINE_BYTES_MAX;
    memcpy(text + len, line.at, line.len);
    len += line.len;
    text[len++] = '\n';
    return write_all(text, len);
}

static void report_dropped(struct stderr_sink *sink)
{
    char text[64];
    int len = snprintf(text, sizeof(text), "event=log-dropped count=%llu",
                       (unsigned long long)sink->dropped);

    if (len > 0 && write_line(sink, LOG_LEVEL_WARNING, bytes_make(text, (size_t)len)))
        sink->dropped = 0;
}

static void sink_write(struct log_sink *log_sink, enum log_level level, struct bytes line)
{
    struct stderr_sink *sink = CONTAINER_OF(log_sink, struct stderr_sink, sink);

    if (sink->dropped > 0)
        report_dropped(sink);
    if (sink->dropped > 0 || !write_line(sink, level, line))
        sink->dropped++;
}

void log_sink_start(const char *role, enum log_level level_max)
{
    static struct stderr_sink sink;

    sink.sink.write = sink_write;
    sink.role = role;
    sink.journal = is_journal();
    log_set_sink(&sink.sink, level_max);
}
