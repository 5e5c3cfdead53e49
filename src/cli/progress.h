/* How far long work has come, on standard error: a bar on a terminal, a plain line every few
 * seconds elsewhere. */
#ifndef ROOST_CLI_PROGRESS_H
#define ROOST_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/time.h"

enum {
    PROGRESS_BAR_MS = 100, /* least time between two bars, and between two lines */
    PROGRESS_LINE_MS = 5000,
};

/* Zeroed but for `is_terminal` at first. */
struct progress {
    bool is_terminal;
    bool is_drawn; /* a bar stands there */
    bool is_begun;
    struct mono shown;
};

/* `label` is what is worked at; done and total in any unit. */
void progress_show(struct progress *progress, const char *label, uint64_t done, uint64_t total,
                   struct mono now);

/* Takes the bar away, so that other lines may be printed. */
void progress_clear(struct progress *progress);

/* Pure: the bar of at most `columns` columns, without line break; and whether it is time for
 * another word. */
void progress_print_bar(struct buf *out, const char *label, unsigned percent, unsigned columns);
bool progress_is_due(const struct progress *progress, struct mono now);

#endif
