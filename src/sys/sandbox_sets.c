/* What glibc, libevent, OpenSSL and SQLite ask of the kernel, as sets to compose profiles from. */
#include <fcntl.h>
#include <linux/prctl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/attributes.h"
#include "sys/sandbox.h"
#include "sys/spool.h"

/* Sanitizer builds look at their own maps and stacks; they are for tests only. */
#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANDBOX_SANITIZER_NAMES \
    "openat", "readlink", "readlinkat", "sigaltstack", "personality", "getdents64", "prctl", \
        "mprotect", "mmap", "clone", "wait4", "ptrace", "sched_getaffinity", "kill", "tgkill", \
        "fcntl",
const bool sandbox_is_loose = true;
#else
#define SANDBOX_SANITIZER_NAMES
const bool sandbox_is_loose = false;
#endif

static const char *const base_names[] = {
    /* clang-format off */
    SANDBOX_SANITIZER_NAMES
    /* clang-format on */
    /* what is open */
    "read",
    "write", "readv", "writev", "pread64", "pwrite64", "close", "close_range", "lseek", "fstat",
    "poll", "ppoll",
    /* the loop */
    "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd2",
    "timerfd_create", "timerfd_settime", "pipe2",
    /* memory */
    "brk", "munmap", "mremap", "madvise", "sysinfo",
    /* time and chance, where the vDSO does not answer */
    "clock_gettime", "clock_getres", "gettimeofday", "time", "clock_nanosleep", "nanosleep",
    "getrandom", "setitimer",
    /* threads */
    "futex", "set_robust_list", "rseq", "set_tid_address", "sched_yield", "sched_getaffinity",
    "getcpu", "membarrier",
    /* signals and the end */
    "rt_sigreturn", "rt_sigaction", "rt_sigprocmask", "restart_syscall", "exit", "exit_group",
    /* who we are */
    "getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid", "uname", NULL
};

static const struct sandbox_rule base_rules[] = {
    { "mmap", 2, PROT_EXEC, 0 },
    { "mprotect", 2, PROT_EXEC, 0 },
    { "clone", 0, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM },
    { "prctl", 0, UINT64_MAX, PR_SET_NAME },
    { "prctl", 0, UINT64_MAX, PR_SET_VMA }, /* names of mappings */
    { "prlimit64", 2, UINT64_MAX, 0 }, /* asking only */
    { "getrlimit", 0, 0, 0 },
    /* fstat of newer libc. A path that is not empty passes as well, and no filter can look at it:
     * owner, size and times of a file are not hidden from a role, its bytes are. */
    { "newfstatat", 3, UINT64_MAX, AT_EMPTY_PATH },
    /* Not F_SETOWN with F_SETSIG: a descriptor's news as a signal to any process. */
    { "fcntl", 1, UINT32_MAX, F_GETFD },
    { "fcntl", 1, UINT32_MAX, F_SETFD },
    { "fcntl", 1, UINT32_MAX, F_GETFL },
    { "fcntl", 1, UINT32_MAX, F_SETFL },
    { "fcntl", 1, UINT32_MAX, F_DUPFD_CLOEXEC },
    { "fcntl", 1, UINT32_MAX, F_GETLK },
    { "fcntl", 1, UINT32_MAX, F_SETLK },
    { "fcntl", 1, UINT32_MAX, F_OFD_SETLK },
    { "fcntl", 1, UINT32_MAX, F_GET_SEALS },
    { "fcntl", 1, UINT32_MAX, F_ADD_SEALS },
};

const struct sandbox_set sandbox_base = { base_names, base_rules, ARRAY_COUNT(base_rules) };

static const char *const socket_names[] = {
    "shutdown",
    "getsockname",
    "getpeername",
    NULL,
};

static const struct sandbox_rule socket_rules[] = {
    /* Options by name. A socket that is handed on keeps what was set: SO_LINGER would make the
     * last close(2) of another process wait for a client that never reads, and filters, buffers
     * beyond the limit and upper-layer protocols are more kernel than a stranger should meet. */
    { "setsockopt", 1, UINT32_MAX, IPPROTO_TCP, 2, UINT32_MAX, TCP_NODELAY },
    { "setsockopt", 1, UINT32_MAX, IPPROTO_TCP, 2, UINT32_MAX, TCP_QUICKACK },
    { "setsockopt", 1, UINT32_MAX, SOL_SOCKET, 2, UINT32_MAX, SO_SNDBUF },
    { "getsockopt", 1, UINT32_MAX, SOL_SOCKET, 2, UINT32_MAX, SO_TYPE },
    { "getsockopt", 1, UINT32_MAX, SOL_SOCKET, 2, UINT32_MAX, SO_DOMAIN },
    { "getsockopt", 1, UINT32_MAX, SOL_SOCKET, 2, UINT32_MAX, SO_ACCEPTCONN },
    { "getsockopt", 1, UINT32_MAX, SOL_SOCKET, 2, UINT32_MAX, SO_PEERCRED },
    /* A listener that was shut down, and a fast open, would be a connection to anywhere. Nobody
     * needs out-of-band bytes. */
    { "sendmsg", 2, MSG_FASTOPEN | MSG_OOB, 0 },
    { "sendto", 3, MSG_FASTOPEN | MSG_OOB, 0, 4 /* the address */, UINT64_MAX, 0 },
    { "recvmsg", 2, MSG_OOB, 0 },
    { "recvfrom", 3, MSG_OOB, 0 },
    { "ioctl", 1, UINT32_MAX, FIONREAD },
};

const struct sandbox_set sandbox_sockets = { socket_names, socket_rules,
                                             ARRAY_COUNT(socket_rules) };

static const char *const listener_names[] = { "accept4", NULL };

const struct sandbox_set sandbox_listeners = { listener_names, NULL, 0 };

static const char *const no_names[] = { NULL };

enum { TYPE_MASK = 0xf }; /* of a socket: without SOCK_CLOEXEC and SOCK_NONBLOCK */

static const struct sandbox_rule pair_rules[] = {
    /* No datagrams: each of those may carry an address of its own, to anybody's socket. */
    { "socketpair", 0, UINT64_MAX, AF_UNIX, 1, TYPE_MASK, SOCK_STREAM },
};

const struct sandbox_set sandbox_pairs = { no_names, pair_rules, ARRAY_COUNT(pair_rules) };

static const char *const spool_names[] = { "memfd_create", NULL };

static const struct sandbox_rule spool_rules[] = {
    { "openat", 2, UINT32_MAX, SPOOL_OPEN_FLAGS },
};

const struct sandbox_set sandbox_spool = { spool_names, spool_rules, ARRAY_COUNT(spool_rules) };

static const char *const file_names[] = {
    "openat",       "newfstatat", "statx",     "fstatfs",         "unlink",    "unlinkat",
    "rename",       "renameat",   "renameat2", "mkdir",           "mkdirat",   "rmdir",
    "getdents64",   "ftruncate",  "fallocate", "fadvise64",       "fdatasync", "fsync",
    "preadv",       "preadv2",    "pwritev",   "sync_file_range", "faccessat", "faccessat2",
    "memfd_create", NULL,
};

const struct sandbox_set sandbox_files = { file_names, NULL, 0 };

enum { IO_WHO_PROCESS = 1 };

static const struct sandbox_rule idle_rules[] = {
    { "sched_setscheduler", 0, UINT64_MAX, 0 /* itself */, 1, UINT32_MAX, SCHED_BATCH },
    { "setpriority", 0, UINT32_MAX, PRIO_PROCESS, 1, UINT64_MAX,
      0 /* itself; up needs a capability */ },
    { "ioprio_set", 0, UINT32_MAX, IO_WHO_PROCESS, 1, UINT64_MAX, 0 /* itself */ },
};

const struct sandbox_set sandbox_idle = { no_names, idle_rules, ARRAY_COUNT(idle_rules) };

/* fchown: where users are not parted, root's SQLite gives its journal the owner of the database. */
static const char *const sqlite_names[] = {
    "access", "getcwd", "readlink", "readlinkat", "fchmod", "fchown", "stat", "lstat", NULL,
};

const struct sandbox_set sandbox_sqlite = { sqlite_names, NULL, 0 };
