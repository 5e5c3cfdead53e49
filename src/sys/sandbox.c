/* Landlock by system calls (the C library has no wrappers), seccomp by libseccomp. */
#include "sys/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/fd.h"

/* Landlock as it grew after the headers of Debian 12 (Linux 6.1, ABI 2). */
enum { LANDLOCK_ABI_NEEDED = 2, LANDLOCK_ABI_TRUNCATE = 3, LANDLOCK_ABI_NET = 4 };
enum { LANDLOCK_ABI_IOCTL = 5, LANDLOCK_ABI_SCOPE = 6 };

static const uint64_t fs_truncate = UINT64_C(1) << 14;
static const uint64_t fs_ioctl_dev = UINT64_C(1) << 15;
static const uint64_t fs_first_thirteen = (UINT64_C(1) << 13) - 1; /* ABI 1 */
static const uint64_t net_bind_and_connect = 3;
static const uint64_t scope_abstract_unix_and_signal = 3;

/* struct landlock_ruleset_attr with the fields that came later; older kernels take a prefix. */
struct ruleset {
    uint64_t fs;
    uint64_t net;
    uint64_t scoped;
};

static int landlock_abi(void)
{
    long abi =
        syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);

    return abi < 0 ? 0 : (int)abi;
}

struct sandbox_report sandbox_available(void)
{
    /* A NULL program is EFAULT where filters exist, and changes nothing. */
    bool seccomp = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL) < 0 && errno == EFAULT;

    return (struct sandbox_report){ .landlock_abi = landlock_abi(), .seccomp = seccomp };
}

static uint64_t handled_fs(int abi)
{
    uint64_t handled = fs_first_thirteen;

    if (abi >= LANDLOCK_ABI_NEEDED)
        handled |= LANDLOCK_ACCESS_FS_REFER;
    if (abi >= LANDLOCK_ABI_TRUNCATE)
        handled |= fs_truncate;
    if (abi >= LANDLOCK_ABI_IOCTL)
        handled |= fs_ioctl_dev;
    return handled;
}

static uint64_t path_rights(const struct sandbox_path *path, bool is_directory)
{
    const uint64_t for_files =
        LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | fs_truncate;
    uint64_t rights = 0;

    if ((path->access & SANDBOX_READ) != 0)
        rights |= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
    if ((path->access & SANDBOX_WRITE) != 0)
        rights |= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
                  LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                  LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                  LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REFER | fs_truncate;
    if ((path->access & SANDBOX_SPOOL) != 0)
        rights |= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE;
    if ((path->access & SANDBOX_UNIX) != 0)
        rights |= LANDLOCK_ACCESS_FS_MAKE_SOCK;
    return is_directory ? rights : rights & for_files;
}

static enum err add_path(int ruleset_fd, const struct sandbox_path *path, uint64_t handled,
                         struct note *why)
{
    struct landlock_path_beneath_attr beneath = { .parent_fd = path->fd };
    struct stat st;

    if (fstat(path->fd, &st) < 0)
        return note_fail(why, fd_err(errno), "sandbox: no directory: %s", fd_errno_text(errno));
    beneath.allowed_access = path_rights(path, S_ISDIR(st.st_mode)) & handled;
    if (syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0U) < 0)
        return note_fail(why, fd_err(errno), "sandbox: landlock_add_rule: %s",
                         fd_errno_text(errno));
    return ERR_OK;
}

static enum err enter_landlock(const struct sandbox_profile *profile, int abi, struct note *why)
{
    struct ruleset ruleset = { .fs = handled_fs(abi) };
    size_t size = sizeof(ruleset.fs);
    FD_LOCAL int fd = -1;

    if (abi >= LANDLOCK_ABI_NET) {
        ruleset.net = net_bind_and_connect;
        size += sizeof(ruleset.net);
    }
    if (abi >= LANDLOCK_ABI_SCOPE) {
        ruleset.scoped = scope_abstract_unix_and_signal;
        size += sizeof(ruleset.scoped);
    }
    fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, size, 0U);
    if (fd < 0)
        return note_fail(why, fd_err(errno), "sandbox: landlock_create_ruleset: %s",
                         fd_errno_text(errno));
    for (size_t i = 0; i < profile->path_count; i++) {
        enum err err = add_path(fd, &profile->paths[i], ruleset.fs, why);

        if (err != ERR_OK)
            return err;
    }
    if (syscall(SYS_landlock_restrict_self, fd, 0U) < 0)
        return note_fail(why, fd_err(errno), "sandbox: landlock_restrict_self: %s",
                         fd_errno_text(errno));
    return ERR_OK;
}

static enum err allow_name(scmp_filter_ctx filter, const char *name, struct note *why)
{
    int number = seccomp_syscall_resolve_name(name);

    if (number == __NR_SCMP_ERROR)
        return note_fail(why, ERR_INVALID, "sandbox: no system call is named %s", name);
    if (number < 0)
        return ERR_OK; /* another architecture's */
    if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0) < 0)
        return note_fail(why, ERR_IO, "sandbox: cannot allow %s", name);
    return ERR_OK;
}

static enum err allow_rule(scmp_filter_ctx filter, const struct sandbox_rule *rule,
                           struct note *why)
{
    int number = seccomp_syscall_resolve_name(rule->name);
    const struct scmp_arg_cmp compare[] = {
        SCMP_CMP64(rule->index, SCMP_CMP_MASKED_EQ, rule->mask, rule->value),
        SCMP_CMP64(rule->also_index, SCMP_CMP_MASKED_EQ, rule->also_mask, rule->also_value),
    };
    unsigned count = rule->also_mask == 0 ? 1 : 2;

    if (number == __NR_SCMP_ERROR)
        return note_fail(why, ERR_INVALID, "sandbox: no system call is named %s", rule->name);
    if (number < 0)
        return ERR_OK;
    if (seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, count, compare) < 0)
        return note_fail(why, ERR_IO, "sandbox: cannot allow %s", rule->name);
    return ERR_OK;
}

static enum err allow_set(scmp_filter_ctx filter, const struct sandbox_set *set, struct note *why)
{
    enum err err = ERR_OK;

    for (size_t i = 0; err == ERR_OK && set->names != NULL && set->names[i] != NULL; i++)
        err = allow_name(filter, set->names[i], why);
    for (size_t i = 0; err == ERR_OK && i < set->rule_count; i++)
        err = allow_rule(filter, &set->rules[i], why);
    return err;
}

static enum err fill_filter(scmp_filter_ctx filter, const struct sandbox_profile *profile,
                            struct note *why)
{
    /* abort() of our own assertions: a signal to ourselves, never to others. */
    const struct sandbox_rule own_signal = { "tgkill", 0, UINT32_MAX, (uint64_t)getpid() };
    const struct sandbox_set own = { NULL, profile->rules, profile->rule_count };
    enum err err = allow_rule(filter, &own_signal, why);

    for (size_t i = 0; err == ERR_OK && profile->sets[i] != NULL; i++)
        err = allow_set(filter, profile->sets[i], why);
    if (err == ERR_OK)
        err = allow_set(filter, &own, why);
    /* Its flags are behind a pointer that a filter cannot follow; libc falls back to clone. */
    if (err == ERR_OK && seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) < 0)
        err = note_fail(why, ERR_IO, "sandbox: cannot refuse clone3");
    return err;
}

static enum err enter_seccomp(const struct sandbox_profile *profile, struct note *why)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    enum err err;
    int failed;

    if (filter == NULL)
        return note_fail(why, ERR_UNSUPPORTED, "sandbox: libseccomp does not know this machine");
    /* A binary tree of numbers instead of a list: the common calls cost a few comparisons. */
    (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    err = fill_filter(filter, profile, why);
    if (err == ERR_OK) {
        failed = seccomp_load(filter);
        if (failed < 0)
            err = note_fail(why, fd_err(-failed), "sandbox: seccomp: %s", fd_errno_text(-failed));
    }
    seccomp_release(filter);
    return err;
}

enum err sandbox_enter(const struct sandbox_profile *profile, bool required, struct note *why)
{
    struct sandbox_report has = sandbox_available();
    enum err err = ERR_OK;

    if (has.landlock_abi < LANDLOCK_ABI_NEEDED || !has.seccomp) {
        note_set(why, "this kernel lacks %s%s%s; sandbox.required = no starts without",
                 has.landlock_abi < LANDLOCK_ABI_NEEDED ? "Landlock (Linux 5.19)" : "",
                 has.landlock_abi < LANDLOCK_ABI_NEEDED && !has.seccomp ? " and " : "",
                 has.seccomp ? "" : "seccomp filters");
        if (required)
            return ERR_UNSUPPORTED;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return note_fail(why, fd_err(errno), "sandbox: no_new_privs: %s", fd_errno_text(errno));
    if (has.landlock_abi >= LANDLOCK_ABI_NEEDED)
        err = enter_landlock(profile, has.landlock_abi, why);
    if (err == ERR_OK && has.seccomp)
        err = enter_seccomp(profile, why);
    return err;
}

enum { PROBE_BROKEN = 255 };

static NORETURN void run_probe(const struct sandbox_profile *profile, int (*act)(void *),
                               void *context, int report_fd)
{
    const struct rlimit no_core = { 0, 0 };
    struct note why = { "" };
    ssize_t ignored;

    (void)setrlimit(RLIMIT_CORE, &no_core);
    if (sandbox_enter(profile, true, &why) == ERR_OK)
        _exit(act(context));
    ignored = write(report_fd, why.text, sizeof(why.text));
    (void)ignored; /* the status tells the rest */
    _exit(PROBE_BROKEN);
}

static enum sandbox_outcome outcome_of(int status, int *out_errno, struct note *why)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        return SANDBOX_KILLED;
    if (!WIFEXITED(status)) {
        note_set(why, "the probe ended by signal %d", WTERMSIG(status));
        return SANDBOX_BROKEN;
    }
    if (WEXITSTATUS(status) == PROBE_BROKEN)
        return SANDBOX_BROKEN;
    if (WEXITSTATUS(status) == 0)
        return SANDBOX_ALLOWED;
    *out_errno = WEXITSTATUS(status);
    return SANDBOX_REFUSED;
}

enum sandbox_outcome sandbox_probe(const struct sandbox_profile *profile, int (*act)(void *context),
                                   void *context, int *out_errno, struct note *why)
{
    struct note told = { "" };
    int report[2];
    int status;
    ssize_t got;
    pid_t pid;

    if (pipe2(report, O_CLOEXEC) < 0)
        return SANDBOX_BROKEN;
    pid = fork();
    if (pid == 0)
        run_probe(profile, act, context, report[1]);
    fd_close(&report[1]);
    got = read(report[0], told.text, sizeof(told.text) - 1);
    fd_close(&report[0]);
    if (got > 0)
        note_set(why, "%s", told.text);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return SANDBOX_BROKEN;
    return outcome_of(status, out_errno, why);
}

const char *sandbox_allowed(const struct sandbox_profile *profile, size_t index)
{
    for (size_t i = 0; profile->sets[i] != NULL; i++) {
        for (size_t j = 0; profile->sets[i]->names[j] != NULL; j++) {
            if (index-- == 0)
                return profile->sets[i]->names[j];
        }
    }
    for (size_t i = 0; profile->sets[i] != NULL; i++) {
        if (index < profile->sets[i]->rule_count)
            return profile->sets[i]->rules[index].name;
        index -= profile->sets[i]->rule_count;
    }
    return index < profile->rule_count ? profile->rules[index].name : NULL;
}
