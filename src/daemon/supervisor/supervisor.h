/* The supervisor: see README.md. */
#ifndef ROOST_DAEMON_SUPERVISOR_SUPERVISOR_H
#define ROOST_DAEMON_SUPERVISOR_SUPERVISOR_H

#include "base/attributes.h"
#include "config/load.h"

struct supervisor_options {
    const struct config_request *request; /* read at the start, and again at each reload */
    int exe_fd; /* child_open_self; roles are `roost --role NAME` of it */
};

/* Runs the server until it is told to end. Answers the exit code: 0, or one of sysexits.h after a
 * line in the log that says what was wrong. */
MUST_USE int supervisor_main(const struct supervisor_options *options);

#endif
