/* The walls around a role: Landlock for files, seccomp for system calls, no new privileges.
 *
 * A profile is data: which sets of system calls, which of them only with certain arguments, which
 * directories. Everything else kills the process (seccomp) or is refused (Landlock: a profile
 * without paths reaches no file at all). Entered once, before the first thread and the first
 * foreign byte; there is no way out. */
#ifndef ROOST_SYS_SANDBOX_H
#define ROOST_SYS_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/err.h"

/* A call allowed only where (argument `index` & `mask`) == `value`, and the same for the `also_`
 * fields (a mask of 0: nothing more is asked). Several rules for one name are alternatives. */
struct sandbox_rule {
    const char *name;
    unsigned index;
    uint64_t mask;
    uint64_t value;
    unsigned also_index;
    uint64_t also_mask;
    uint64_t also_value;
};

/* System calls that belong together. A name that this architecture does not have is skipped; one
 * that nobody knows is ERR_INVALID. */
struct sandbox_set {
    const char *const *names; /* ended by NULL */
    const struct sandbox_rule *rules;
    size_t rule_count;
};

/* Any role: memory, time, futexes, reading and writing what is open, epoll, exit, abort, and
 * threads (clone with CLONE_THREAD only; clone3 answers ENOSYS, so libc falls back). Memory can
 * never be made executable. */
extern const struct sandbox_set sandbox_base;
/* Sockets that are there: recvmsg, sendmsg, shutdown, getpeername, the few options that we set and
 * ask for. Never socket, connect, bind, nor an address of one's own with what is sent. */
extern const struct sandbox_set sandbox_sockets;
/* accept4. */
extern const struct sandbox_set sandbox_listeners;
/* Connected pairs of unix byte streams. */
extern const struct sandbox_set sandbox_pairs;
/* What sys/spool.h needs: memfd_create, and openat for unnamed files alone. */
extern const struct sandbox_set sandbox_spool;
/* openat, rename, unlink, ftruncate, fdatasync, mkdir ...: with Landlock paths. */
extern const struct sandbox_set sandbox_files;
/* What process_become_idle asks for: a thread may give up its priority, and not take one. */
extern const struct sandbox_set sandbox_idle;
/* What SQLite needs beyond sandbox_files. */
extern const struct sandbox_set sandbox_sqlite;

/* True in builds with a sanitizer, which must look at its own maps and stacks: their sets allow
 * more, and what they let through proves nothing. Such builds are for tests only. */
extern const bool sandbox_is_loose;

enum sandbox_access {
    SANDBOX_READ = 1, /* open files to read, list directories */
    SANDBOX_WRITE = 2, /* and to write, make, truncate, rename and remove files and directories */
    SANDBOX_UNIX = 4, /* make unix sockets */
    SANDBOX_SPOOL = 8, /* write and read files, but neither make, name, list nor remove any */
};

/* The directory (or file) behind `fd` and everything below it. */
struct sandbox_path {
    int fd;
    unsigned access;
};

struct sandbox_profile {
    const char *role;
    const struct sandbox_set *const *sets; /* ended by NULL */
    const struct sandbox_rule *rules;
    size_t rule_count;
    const struct sandbox_path *paths;
    size_t path_count;
};

struct sandbox_report {
    int landlock_abi; /* 0: none */
    bool seccomp;
};

/* What this kernel offers. */
struct sandbox_report sandbox_available(void);

/* Puts the walls up. With `required` a missing wall is ERR_UNSUPPORTED and the caller must end;
 * without, the walls that exist are put up, and `why` says which are missing. */
MUST_USE enum err sandbox_enter(const struct sandbox_profile *profile, bool required,
                                struct note *why);

/* For tests and `roost sandbox`: in a process of its own inside the profile, calls `act` and tells
 * how that ended. */
enum sandbox_outcome {
    SANDBOX_ALLOWED, /* act answered 0 */
    SANDBOX_REFUSED, /* act answered an errno: *out_errno */
    SANDBOX_KILLED, /* seccomp ended the process */
    SANDBOX_BROKEN, /* the probe itself failed; see the note */
};
enum sandbox_outcome sandbox_probe(const struct sandbox_profile *profile, int (*act)(void *context),
                                   void *context, int *out_errno, struct note *why);

/* The names that the profile allows, one for each index, those with conditions last; NULL at the
 * end. For `roost sandbox`. */
const char *sandbox_allowed(const struct sandbox_profile *profile, size_t index);

#endif
