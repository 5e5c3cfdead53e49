/* The log of a process: lines to standard error, never blocking.
 *
 * A line is `TIME LEVEL: role[pid]: event=... key=value`, written at once, of at most 4.2 KB; the
 * time is UTC, as 2026-11-02T10:00:00.000Z. When standard error is the journal's (JOURNAL_STREAM),
 * which adds the time itself, a `<N>` priority leads the line instead of both. When the reader
 * (journal, terminal, pipe) cannot take a line, it is dropped and counted; the next that fits is
 * preceded by `event=log-dropped count=N`. One sink a process. */
#ifndef ROOST_SYS_LOG_SINK_H
#define ROOST_SYS_LOG_SINK_H

#include "base/log.h"

/* Sets the process's sink: lines up to `level_max` go to standard error. `role` is borrowed for the
 * life of the process; NULL, for a command of a person: no prefix but the level. Call again to
 * change the level. */
void log_sink_start(const char *role, enum log_level level_max);

#endif
