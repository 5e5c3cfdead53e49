/* roost sandbox: what each process may do, from the very profiles that they enter. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cli/cli.h"
#include "cli/roles.h"
#include "config/nearest.h"

enum { LINE_COLUMNS = 88, INDENT_COLUMNS = 14 };

static void print_files(const struct cli_role *role, const struct sandbox_profile *profile)
{
    unsigned access = 0;

    for (size_t i = 0; i < profile->path_count; i++)
        access |= profile->paths[i].access;
    if (access == 0)
        (void)printf("  files       none\n");
    else
        (void)printf("  files       data/%s%s%s\n", role->directory,
                     (access & SANDBOX_READ) != 0 ? ", to read" : "",
                     (access & SANDBOX_WRITE) != 0 ? ", to write" : "");
}

/* How many names `profile` allows whatever their arguments. */
static size_t count_free(const struct sandbox_profile *profile)
{
    size_t count = 0;

    for (size_t i = 0; profile->sets[i] != NULL; i++)
        for (size_t k = 0; profile->sets[i]->names[k] != NULL; k++)
            count++;
    return count;
}

/* The names from number `from` to before `to`, in lines; one that comes again at once is said
 * once. */
static void print_calls(const struct sandbox_profile *profile, const char *label, size_t from,
                        size_t to)
{
    const char *before = "";
    const char *name;
    size_t used = 0;

    (void)printf("  %-*s", INDENT_COLUMNS - 2, label);
    for (size_t i = from; i < to && (name = sandbox_allowed(profile, i)) != NULL; i++) {
        if (strcmp(name, before) == 0)
            continue;
        if (used + 1 + strlen(name) > LINE_COLUMNS - INDENT_COLUMNS) {
            (void)printf("\n%*s", INDENT_COLUMNS, "");
            used = 0;
        }
        used += (size_t)printf("%s%s", used == 0 ? "" : " ", name);
        before = name;
    }
    (void)printf("\n");
}

static void print_role(const struct cli_role *role)
{
    struct sandbox_profile profile = { .role = role->name };

    role->profile(role->directory != NULL ? 0 : -1, &profile); /* shown, never entered */
    (void)printf("%s: %s\n", role->name, role->does);
    (void)printf("  user        roost-%s, when started as root\n", role->name);
    print_files(role, &profile);
    print_calls(&profile, "may call", 0, count_free(&profile));
    print_calls(&profile, "on terms", count_free(&profile), SIZE_MAX);
    (void)printf("  all else    ends the process\n\n");
}

static void print_kernel(void)
{
    struct sandbox_report report = sandbox_available();

    (void)printf("This kernel: Landlock %s, seccomp %s.\n", report.landlock_abi > 0 ? "yes" : "NO",
                 report.seccomp ? "yes" : "NO");
}

static int refuse_role(const char *word)
{
    struct nearest nearest = nearest_make(bytes_from_string(word));

    for (size_t i = 0; i < cli_roles_count; i++)
        nearest_offer(&nearest, cli_roles[i].name);
    return cli_complain(EX_USAGE, "no process \"%s\"; %s%s", word,
                        nearest.name != NULL ? "did you mean " : "`roost sandbox` shows them all",
                        nearest.name != NULL ? nearest.name : "");
}

static int run(const struct verb *verb, struct arguments arguments)
{
    struct cli cli = { 0 };
    int code = cli_begin(&cli, verb, arguments, NULL, 0);

    if (code != CLI_GO_ON)
        return code;
    for (size_t i = 0; i < cli.options.words_count; i++)
        if (cli_role_find(cli.options.words[i]) == NULL)
            return refuse_role(cli.options.words[i]);
    for (size_t i = 0; i < cli.options.words_count; i++)
        print_role(cli_role_find(cli.options.words[i]));
    for (size_t i = 0; cli.options.words_count == 0 && i < cli_roles_count; i++)
        print_role(&cli_roles[i]);
    print_kernel();
    return EX_OK;
}

const struct verb verb_sandbox = {
    .name = "sandbox",
    .summary = "what each process may do",
    .help = "roost sandbox [PROCESS ...]\n\n"
            "Shows the files and the system calls that each process is held to, taken from the\n"
            "profiles that the processes enter before they read anything from outside. Calls on\n"
            "terms are allowed with harmless arguments only: no executable memory, no new\n"
            "processes, no more rights.\n\n"
            "  roost sandbox gate\n",
    .run = run,
};
