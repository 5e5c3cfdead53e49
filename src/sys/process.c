/* What a process does to itself. */
#include "sys/process.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "sys/fd.h"

enum {
    ARENAS_MAX = 80, /* more than a role has threads */
    TRIM_THRESHOLD_BYTES = 2 * 1024 * 1024,
    MMAP_THRESHOLD_BYTES = 512 * 1024,
};

void process_set_name(const char *name)
{
    (void)prctl(PR_SET_NAME, name, 0, 0, 0);
}

/* linux/ioprio.h is not in Debian 12's headers of libc. */
enum { IO_WHO_PROCESS = 1, IO_CLASS_IDLE = 3, IO_CLASS_SHIFT = 13, NICE_LAST = 19 };

void process_become_idle(void)
{
    const struct sched_param none = { 0 };

    (void)sched_setscheduler(0, SCHED_BATCH, &none);
    (void)setpriority(PRIO_PROCESS, 0, NICE_LAST); /* of the thread alone */
    (void)syscall(SYS_ioprio_set, IO_WHO_PROCESS, 0, IO_CLASS_IDLE << IO_CLASS_SHIFT);
}

void process_tune_memory(void)
{
    /* One arena for each thread: its lock would make the loop's thread wait for one that is idle
     * (process_become_idle). Fixed thresholds: glibc would raise them with the first large block
     * and then keep what large mails have used. They are above what a busy connection puts by and
     * gives back with each piece of its output: fresh pages for each cost more than the bytes in
     * them. What is left of them goes with process_trim_memory. */
    (void)mallopt(M_ARENA_MAX, ARENAS_MAX);
    (void)mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD_BYTES);
    (void)mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES);
}

void process_trim_memory(void)
{
    (void)malloc_trim(0);
}

uint64_t process_raise_fd_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 0;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

void process_end_soon(int grace_ms)
{
    struct itimerval after = { .it_value = { .tv_sec = grace_ms / 1000,
                                             .tv_usec = (suseconds_t)(grace_ms % 1000) * 1000 } };
    const struct sigaction standard = { .sa_handler = SIG_DFL };

    (void)sigaction(SIGALRM, &standard, NULL);
    (void)setitimer(ITIMER_REAL, &after, NULL);
}

void process_end_now(int exit_code)
{
    _exit(exit_code);
}

static volatile sig_atomic_t orphan_grace_ms;

static void on_orphaned(int number)
{
    process_end_soon(orphan_grace_ms);
}

void process_end_with_parent(int grace_ms)
{
    struct sigaction action = { .sa_handler = on_orphaned, .sa_flags = SA_RESTART };
    sigset_t set;

    orphan_grace_ms = grace_ms;
    sigemptyset(&action.sa_mask);
    (void)sigaction(SIGUSR2, &action, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGALRM);
    (void)sigprocmask(SIG_UNBLOCK, &set, NULL);
    (void)prctl(PR_SET_PDEATHSIG, SIGUSR2, 0, 0, 0);
}

enum { CAPABILITY_WORDS = 2, CAPABILITY_BITS = 32 };

static const int root_keeps[] = { CAP_CHOWN,  CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH,
                                  CAP_FOWNER, CAP_SETUID,       CAP_SETGID,
                                  CAP_KILL };

void process_drop_privileges(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct has[CAPABILITY_WORDS];
    uint32_t kept[CAPABILITY_WORDS] = { 0, 0 };

    for (size_t i = 0; process_is_root() && i < ARRAY_COUNT(root_keeps); i++)
        kept[root_keeps[i] / CAPABILITY_BITS] |= UINT32_C(1) << root_keeps[i] % CAPABILITY_BITS;
    /* Each of these can fail only where there is nothing to give up. */
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    for (int i = 0; i < CAPABILITY_WORDS * CAPABILITY_BITS; i++)
        if ((kept[i / CAPABILITY_BITS] & UINT32_C(1) << i % CAPABILITY_BITS) == 0)
            (void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
    if (syscall(SYS_capget, &header, has) < 0)
        return;
    for (int i = 0; i < CAPABILITY_WORDS; i++) {
        has[i].permitted &= kept[i];
        has[i].effective &= kept[i];
        has[i].inheritable = 0;
    }
    (void)syscall(SYS_capset, &header, has);
}

bool process_is_root(void)
{
    return geteuid() == 0;
}

uint32_t process_uid(void)
{
    return geteuid();
}

unsigned process_cpus(void)
{
    cpu_set_t set;
    int count = 0;

    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        count = CPU_COUNT(&set);
    return count < 1 ? 1 : (unsigned)count;
}

void process_host_name(char out_name[PROCESS_HOST_NAME_MAX])
{
    if (gethostname(out_name, PROCESS_HOST_NAME_MAX) < 0)
        out_name[0] = '\0';
    out_name[PROCESS_HOST_NAME_MAX - 1] = '\0';
}

enum err process_become(uint32_t uid, uint32_t gid, struct note *why)
{
    pid_t parent = getppid();
    int ends_with_it = 0;

    if (geteuid() == uid && getegid() == gid)
        return ERR_OK;
    (void)prctl(PR_GET_PDEATHSIG, &ends_with_it, 0, 0, 0);
    if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
        return note_fail(why, ERR_DENIED, "cannot become user %u, group %u: %s", uid, gid,
                         fd_errno_text(errno));
    if (ends_with_it == 0)
        return ERR_OK;
    (void)prctl(PR_SET_PDEATHSIG, ends_with_it, 0, 0, 0); /* the kernel has forgotten it */
    if (getppid() != parent)
        (void)raise(ends_with_it);
    return ERR_OK;
}
