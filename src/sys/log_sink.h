/* The log of a process: lines to standard error, never blocking.
 *
 * A line is written as `TIME LEVEL: role[pid]: event=... key=value` with one write of at most 4.2
 * KB; the time is UTC, as 2026-11-02T10:00:00.000Z.
 * When the reader (journal, terminal, pipe) cannot take it, the line is dropped and counted; the
 * next line that fits is preceded by `event=log-dropped count=N`. When standard error is the
 * journal's (JOURNAL_STREAM), which adds the time itself, a `<N>` priority leads the line instead of
 * both. One sink a process. */
#ifndef ROOST_SYS_LOG_SINK_H
#define ROOST_SYS_LOG_SINK_H

#include "base/log.h"

/* Sets the process's sink: lines up to `level_max` go to standard error. `role` is borrowed for the
 * life of the process and may be NULL (no prefix but the level: a command of a person). Call again to change the level. */
void log_sink_start(const char *role, enum log_level level_max);

#endif
