/* walls_probe [ROLE ...]: each attempt inside the walls of each role, and what came of it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attributes.h"
#include "cli/roles.h"
#include "probe/probe.h"

enum { EXIT_SKIPPED = 77, TIME_LIMIT_S = 10 };

static const struct {
    const char *name;
    unsigned bit;
} known_roles[] = {
    { "tls", TLS }, { "auth", AUTH }, { "mail", MAIL }, { "gate", GATE }, { "control", CONTROL },
};

static const struct attempt *const all_attempts[] = { file_attempts, socket_attempts,
                                                      process_attempts };

struct trial {
    const struct scenery *scenery;
    attempt_fn *act;
};

static int run_trial(void *context)
{
    const struct itimerval limit = { .it_value = { .tv_sec = TIME_LIMIT_S } };
    const struct trial *trial = context;

    (void)setitimer(ITIMER_REAL, &limit, NULL);
    return trial->act(trial->scenery);
}

/* 0 when the attempt succeeds without walls. */
static int try_without_walls(struct trial *trial)
{
    int status;
    pid_t child = fork();

    if (child == 0)
        _exit(run_trial(trial));
    if (child < 0 || waitpid(child, &status, 0) != child)
        return errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

static bool say(bool ok, const char *role, const char *attempt, const char *what)
{
    (void)printf("%s %s %s: %s\n", ok ? "ok" : "not ok", role, attempt, what);
    return ok;
}

static bool judge(const char *role, unsigned bit, const struct attempt *attempt,
                  enum sandbox_outcome outcome, const char *text)
{
    bool may = (attempt->allowed & bit) != 0;

    switch (outcome) {
    case SANDBOX_ALLOWED: return say(may, role, attempt->name, "done");
    case SANDBOX_KILLED: return say(!may, role, attempt->name, "killed");
    case SANDBOX_REFUSED:
        return say(!may && (attempt->flags & REFUSABLE) != 0, role, attempt->name, text);
    case SANDBOX_BROKEN: break;
    }
    return say(false, role, attempt->name, text);
}

static bool attempt_as(const struct cli_role *role, unsigned bit, const struct attempt *attempt,
                       struct scenery *scenery)
{
    struct sandbox_profile profile = { .role = role->name };
    struct trial trial = { scenery, attempt->act };
    struct note why = { "" };
    enum sandbox_outcome outcome;
    int number = 0;

    if (!scenery_refresh(scenery) || !scenery_set_directory(scenery, role->directory))
        return false;
    role->profile(scenery->directory_fd, &profile);
    outcome = sandbox_probe(&profile, run_trial, &trial, &number, &why);
    return judge(role->name, bit, attempt, outcome,
                 outcome == SANDBOX_REFUSED ? strerrorname_np(number) : why.text);
}

static bool possible_without_walls(const struct attempt *attempt, struct scenery *scenery)
{
    struct trial trial = { scenery, attempt->act };
    int number;

    if ((attempt->flags & RARE) != 0)
        return true;
    if (!scenery_refresh(scenery) ||
        !scenery_set_directory(scenery,
                               strcmp(attempt->name, "use-spool") == 0 ? "spool" : "accounts"))
        return false;
    number = try_without_walls(&trial);
    return number == 0 || say(false, "nobody", attempt->name, strerrorname_np(number));
}

static unsigned role_bit(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(known_roles); i++)
        if (strcmp(known_roles[i].name, name) == 0)
            return known_roles[i].bit;
    return 0;
}

static bool is_chosen(const char *name, char **names)
{
    if (*names == NULL)
        return true;
    for (; *names != NULL; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

static unsigned try_all(struct scenery *scenery, const struct cli_role *role)
{
    unsigned bit = role_bit(role->name);
    unsigned failed = 0;

    if (bit == 0) {
        (void)say(false, role->name, "all", "nobody has said what this role may do");
        return 1;
    }
    for (size_t i = 0; i < ARRAY_COUNT(all_attempts); i++)
        for (const struct attempt *attempt = all_attempts[i]; attempt->name != NULL; attempt++)
            failed += !attempt_as(role, bit, attempt, scenery);
    return failed;
}

static unsigned try_nobody(struct scenery *scenery)
{
    unsigned failed = 0;

    for (size_t i = 0; i < ARRAY_COUNT(all_attempts); i++)
        for (const struct attempt *attempt = all_attempts[i]; attempt->name != NULL; attempt++)
            failed += !possible_without_walls(attempt, scenery);
    return failed;
}

static const char *why_not_here(void)
{
    struct sandbox_report report = sandbox_available();

    if (sandbox_is_loose)
        return "a build with a sanitizer has loose walls";
    if (report.landlock_abi == 0 || !report.seccomp)
        return "this kernel lacks Landlock or seccomp filters";
    return NULL;
}

int main(int argc, char **argv)
{
    const struct rlimit no_core = { 0, 0 };
    struct scenery scenery;
    unsigned failed;

    if (why_not_here() != NULL) {
        (void)printf("skipped: %s\n", why_not_here());
        return EXIT_SKIPPED;
    }
    (void)setrlimit(RLIMIT_CORE, &no_core);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (!scenery_make(&scenery)) {
        scenery_remove(&scenery);
        return 1;
    }
    failed = try_nobody(&scenery);
    for (size_t i = 0; i < cli_roles_count; i++)
        if (is_chosen(cli_roles[i].name, argv + 1))
            failed += try_all(&scenery, &cli_roles[i]);
    scenery_remove(&scenery);
    (void)printf("%u of the attempts ended as they must not\n", failed);
    return failed == 0 ? 0 : 1;
}
