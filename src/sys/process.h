/* What a process does to itself at its start, before it meets anybody. */
#ifndef ROOST_SYS_PROCESS_H
#define ROOST_SYS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/err.h"

/* The name that ps and top show of the calling thread, at most 15 bytes; the first thread's is the
 * process's. */
void process_set_name(const char *name);

/* The calling thread has from now on the least share of a processor that others want too, and its
 * reads and writes of files come after those of others, where the device keeps an order. For good.
 * What the system refuses is left as it is. (Not SCHED_IDLE: with several others on its processor
 * such a thread was seen to wait for half a minute, with what it held.) */
void process_become_idle(void);

/* An arena of malloc for each thread, and an early trim, for processes with many small sessions.
 * Before threads. */
void process_tune_memory(void);

/* Gives memory that malloc holds but does not use back to the kernel. */
void process_trim_memory(void);

/* Soft limit of descriptors raised to the hard one; answers it. */
uint64_t process_raise_fd_limit(void);

/* When the process that started us ends, we get `grace_ms` to end in order; then the kernel ends
 * us, even if we hang. Uses SIGUSR2 and SIGALRM. */
void process_end_with_parent(int grace_ms);

/* Ends this process within `grace_ms`, even if it hangs from now on. */
void process_end_soon(int grace_ms);

/* Ends this process at once: no handler of a library, no check for leaks, nothing flushed. For
 * processes behind walls, where exit() would make calls that kill. */
NORETURN void process_end_now(int exit_code);

/* Gives up what a process that binds ports, starts children as other users and reads the
 * administrator's files as root does not need: all other capabilities, for good, those that an
 * ordinary user was lent among them, and whatever an exec could add. Before threads. */
void process_drop_privileges(void);

/* True when the effective user is root. */
bool process_is_root(void);

/* The effective user's number. */
uint32_t process_uid(void);

/* Number of processors that this process may run on, at least 1. */
unsigned process_cpus(void);

/* The name of this machine, "" when it has none. */
enum { PROCESS_HOST_NAME_MAX = 65 };
void process_host_name(char out_name[PROCESS_HOST_NAME_MAX]);

/* Becomes that user for good (groups included); for an administrator's command that was started as
 * root and is to work as the owner of the data. A child that ends with its parent still does. */
MUST_USE enum err process_become(uint32_t uid, uint32_t gid, struct note *why);

#endif
