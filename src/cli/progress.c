/* Progress of long commands. */
#include "cli/progress.h"

#include <stdio.h>
#include <string.h>

#include "sys/terminal.h"

enum { BAR_COLUMNS_MAX = 40, BAR_COLUMNS_MIN = 10, LINE_BYTES_MAX = 512 };

bool progress_is_due(const struct progress *progress, struct mono now)
{
    int64_t least = progress->is_terminal ? PROGRESS_BAR_MS : PROGRESS_LINE_MS;

    return progress->is_begun && now.ms - progress->shown.ms >= least;
}

void progress_print_bar(struct buf *out, const char *label, unsigned percent, unsigned columns)
{
    const unsigned others = sizeof(" [] 100 %") - 1;
    size_t label_len = strlen(label);
    unsigned bar = BAR_COLUMNS_MAX;

    if (columns < BAR_COLUMNS_MIN + others)
        columns = BAR_COLUMNS_MIN + others;
    if (bar > columns - others)
        bar = columns - others;
    if (label_len > columns - others - bar && bar > BAR_COLUMNS_MIN)
        bar = label_len + BAR_COLUMNS_MIN + others > columns
                  ? BAR_COLUMNS_MIN
                  : columns - others - (unsigned)label_len;
    buf_add(out, bytes_slice(bytes_from_string(label), 0, columns - others - bar));
    buf_add_string(out, " [");
    for (unsigned i = 0; i < bar; i++)
        buf_add_byte(out, i * 100 < percent * bar ? '#' : '.');
    buf_add_format(out, "] %3u %%", percent);
}

static unsigned percent_of(uint64_t done, uint64_t total)
{
    if (total == 0 || done >= total)
        return 100;
    return (unsigned)((double)done * 100 / (double)total);
}

void progress_show(struct progress *progress, const char *label, uint64_t done, uint64_t total,
                   struct mono now)
{
    struct buf line = buf_make(LINE_BYTES_MAX);
    unsigned percent = percent_of(done, total);

    if (!progress->is_begun) { /* short work shows nothing */
        progress->is_begun = true;
        progress->shown = now;
        return;
    }
    if (!progress_is_due(progress, now))
        return;
    progress->shown = now;
    if (progress->is_terminal) {
        progress_print_bar(&line, label, percent, terminal_columns() - 1);
        (void)fprintf(stderr, "\r%.*s", BYTES_ARG(buf_bytes(&line)));
        progress->is_drawn = true;
    } else {
        (void)fprintf(stderr, "%s: %u %%\n", label, percent);
    }
    (void)fflush(stderr);
    buf_done(&line);
}

void progress_clear(struct progress *progress)
{
    if (progress->is_drawn)
        (void)fprintf(stderr, "\r\033[K");
    progress->is_drawn = false;
}
