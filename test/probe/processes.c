/* Attempts on programs, on other processes and on memory. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe/probe.h"

enum { MEMORY_BYTES = 65536 };

static int done(long result)
{
    return result < 0 ? errno : 0;
}

static int run_program(const struct scenery *scenery)
{
    (void)execl("/bin/true", "true", (char *)NULL);
    return errno;
}

static int run_program_by_descriptor(const struct scenery *scenery)
{
    static char name[] = "true";
    char *const words[] = { name, NULL };

    (void)syscall(SYS_execveat, AT_FDCWD, "/bin/true", words, words + 1, 0);
    return errno;
}

static int wait_for(pid_t child)
{
    if (child == 0)
        _exit(0);
    if (child < 0)
        return errno;
    return done(waitpid(child, NULL, 0));
}

static int fork_process(const struct scenery *scenery)
{
    return wait_for(fork());
}

static int clone_raw(const struct scenery *scenery)
{
    return wait_for((pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL));
}

static int clone3_raw(const struct scenery *scenery)
{
    struct clone_args args = { .exit_signal = SIGCHLD };

    return wait_for((pid_t)syscall(SYS_clone3, &args, sizeof(args)));
}

static int trace(const struct scenery *scenery)
{
    if (ptrace(PTRACE_SEIZE, scenery->victim, NULL, NULL) < 0)
        return errno;
    return 0; /* let go when this process ends */
}

static int read_memory(const struct scenery *scenery)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)scenery->victim);
    return done(open(path, O_RDONLY | O_CLOEXEC));
}

static int read_memory_by_call(const struct scenery *scenery)
{
    char byte;
    struct iovec here = { &byte, 1 };
    struct iovec there = { (void *)(uintptr_t)scenery, 1 }; /* the same place: it was forked */

    return done(process_vm_readv(scenery->victim, &here, 1, &there, 1, 0));
}

static int take_descriptor(const struct scenery *scenery)
{
    int pidfd = (int)syscall(SYS_pidfd_open, scenery->victim, 0);

    if (pidfd < 0)
        return errno;
    return done(syscall(SYS_pidfd_getfd, pidfd, 0, 0));
}

static int signal_kill(const struct scenery *scenery)
{
    return done(kill(scenery->victim, SIGURG));
}

static int signal_tgkill(const struct scenery *scenery)
{
    return done(syscall(SYS_tgkill, scenery->victim, scenery->victim, SIGURG));
}

static int signal_queue(const struct scenery *scenery)
{
    return done(sigqueue(scenery->victim, SIGURG, (union sigval){ 0 }));
}

/* A descriptor that has news tells its owner by a signal; both can be chosen. */
static int signal_by_descriptor(const struct scenery *scenery)
{
    int fd = scenery->stream[0];

    if (fcntl(fd, F_SETOWN, scenery->victim) < 0 || fcntl(fd, F_SETSIG, SIGURG) < 0 ||
        fcntl(fd, F_SETFL, O_ASYNC) < 0)
        return errno;
    return done(write(scenery->stream[1], "x", 1));
}

static int limit_other(const struct scenery *scenery)
{
    struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

    if (prlimit(scenery->victim, RLIMIT_CORE, NULL, &limit) < 0)
        return errno;
    return done(prlimit(scenery->victim, RLIMIT_CORE, &limit, NULL));
}

static int slow_other(const struct scenery *scenery)
{
    return done(setpriority(PRIO_PROCESS, (id_t)scenery->victim, 19));
}

static int executable_map(const struct scenery *scenery)
{
    void *at = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return at == MAP_FAILED ? errno : 0;
}

static int executable_later(const struct scenery *scenery)
{
    void *at = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return at == MAP_FAILED ? errno : done(mprotect(at, MEMORY_BYTES, PROT_READ | PROT_EXEC));
}

static int shared_memory(const struct scenery *scenery)
{
    int id = shmget(IPC_PRIVATE, MEMORY_BYTES, 0600);

    return id < 0 ? errno : done(shmctl(id, IPC_RMID, NULL));
}

static int io_uring(const struct scenery *scenery)
{
    char params[256] = { 0 };

    return done(syscall(SYS_io_uring_setup, 4, params));
}

static int user_namespace(const struct scenery *scenery)
{
    return done(unshare(CLONE_NEWUSER));
}

static int become_root(const struct scenery *scenery)
{
    return done(setresuid(0, 0, 0));
}

static int become_same(const struct scenery *scenery)
{
    return done(setresuid(getuid(), getuid(), getuid()));
}

static int own_keyring(const struct scenery *scenery)
{
    return done(syscall(SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -3, 1));
}

static int become_dumpable(const struct scenery *scenery)
{
    return done(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int keep_capabilities(const struct scenery *scenery)
{
    return done(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
}

static void *nothing(void *context)
{
    return context;
}

static int start_thread(const struct scenery *scenery)
{
    pthread_t thread;
    int failed = pthread_create(&thread, NULL, nothing, NULL);

    return failed != 0 ? failed : pthread_join(thread, NULL);
}

/* What a loop, OpenSSL and malloc want of the kernel. */
static int live(const struct scenery *scenery)
{
    struct epoll_event event = { .events = EPOLLIN };
    struct timespec now;
    uint64_t number = 1;
    int loop = epoll_create1(EPOLL_CLOEXEC);
    int waker = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    void *at = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (loop < 0 || waker < 0 || at == MAP_FAILED || munmap(at, MEMORY_BYTES) < 0)
        return errno;
    if (epoll_ctl(loop, EPOLL_CTL_ADD, waker, &event) < 0 || write(waker, &number, 8) != 8 ||
        epoll_wait(loop, &event, 1, 0) != 1)
        return errno;
    if (clock_gettime(CLOCK_MONOTONIC, &now) < 0 || getrandom(&number, 8, 0) != 8)
        return errno;
    return 0;
}

/* Our own assertions must be able to end us. */
static int signal_self(const struct scenery *scenery)
{
    return done(syscall(SYS_tgkill, getpid(), gettid(), 0));
}

const struct attempt process_attempts[] = {
    { "execve", run_program, NOBODY, 0 },
    { "execveat", run_program_by_descriptor, NOBODY, 0 },
    { "fork", fork_process, NOBODY, 0 },
    { "clone", clone_raw, NOBODY, 0 },
    { "clone3", clone3_raw, NOBODY, REFUSABLE }, /* ENOSYS: libc then falls back to clone */
    { "ptrace", trace, NOBODY, 0 },
    { "open-memory-of-other", read_memory, NOBODY, REFUSABLE },
    { "read-memory-of-other", read_memory_by_call, NOBODY, 0 },
    { "take-descriptor-of-other", take_descriptor, NOBODY, 0 },
    { "kill", signal_kill, NOBODY, 0 },
    { "tgkill", signal_tgkill, NOBODY, 0 },
    { "sigqueue", signal_queue, NOBODY, 0 },
    { "signal-by-descriptor", signal_by_descriptor, NOBODY, 0 },
    { "limit-other", limit_other, NOBODY, 0 },
    { "slow-other", slow_other, NOBODY, 0 },
    { "executable-memory", executable_map, NOBODY, 0 },
    { "executable-memory-later", executable_later, NOBODY, 0 },
    { "shared-memory", shared_memory, NOBODY, 0 },
    { "io-uring", io_uring, NOBODY, RARE },
    { "user-namespace", user_namespace, NOBODY, RARE },
    { "become-root", become_root, NOBODY, RARE },
    { "become-same", become_same, NOBODY, 0 },
    { "keyring", own_keyring, NOBODY, RARE },
    { "become-dumpable", become_dumpable, NOBODY, 0 },
    { "keep-capabilities", keep_capabilities, NOBODY, 0 },
    { "start-thread", start_thread, ALL, 0 },
    { "live", live, ALL, 0 },
    { "signal-self", signal_self, ALL, 0 },
    { NULL, NULL, 0, 0 },
};
