/* Accounts whose work crashes shards: noted when a shard dies, and at the second time set apart, in
 * a process of role mail beyond those that accounts are spread over. See blame.h for the limits. */
#ifndef ROOST_DAEMON_SUPERVISOR_QUARANTINE_H
#define ROOST_DAEMON_SUPERVISOR_QUARANTINE_H

#include "daemon/supervisor/state.h"

/* It has ended, `status` as of wait(2); not yet replaced: auth hears where its accounts are served
 * before it hears of the next process in its place. Its marks are cleared. */
void quarantine_note_end(struct worker *worker, int status);

/* For a process of auth that starts: all accounts that are set apart. */
void quarantine_tell_all(struct worker *auth);

#endif
