/* The table of verbs, help, version. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cli/cli.h"
#include "cli/roles.h"
#include "config/nearest.h"

static int run_help(const struct verb *verb, struct arguments arguments);
static int run_version(const struct verb *verb, struct arguments arguments);

static const struct verb verb_help = {
    .name = "help",
    .summary = "this list, or the help of a command",
    .help = "roost help [COMMAND]\n\n"
            "Lists the commands, or explains one.\n\n"
            "  roost help account\n",
    .run = run_help,
};

static const struct verb verb_version = {
    .name = "version",
    .summary = "which Roost this is",
    .help = "roost version\n\n"
            "Prints the version.\n\n"
            "  roost version\n",
    .run = run_version,
};

static const struct verb *const verbs[] = {
    &verb_serve,   &verb_account,  &verb_deliver, &verb_config, &verb_check,
    &verb_verify,  &verb_undelete, &verb_log,     &verb_purge,  &verb_backup,
    &verb_restore, &verb_sandbox,  &verb_version, &verb_help,
};

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(verbs); i++)
        if (strcmp(verbs[i]->name, name) == 0)
            return verbs[i];
    return NULL;
}

static void print_verbs(FILE *out)
{
    (void)fprintf(out, "Roost keeps mail: LMTP in, IMAP out.\n\n"
                       "  roost COMMAND [OPTION ...]\n\n");
    for (size_t i = 0; i < ARRAY_COUNT(verbs); i++)
        (void)fprintf(out, "  %-9s %s\n", verbs[i]->name, verbs[i]->summary);
    (void)fprintf(out, "\n`roost COMMAND --help` explains one, with an example.\n");
}

static int refuse_verb(const char *name)
{
    struct nearest nearest = nearest_make(bytes_from_string(name));

    for (size_t i = 0; i < ARRAY_COUNT(verbs); i++)
        nearest_offer(&nearest, verbs[i]->name);
    if (nearest.name != NULL)
        return cli_complain(EX_USAGE, "no command \"%s\"; did you mean %s?", name, nearest.name);
    return cli_complain(EX_USAGE, "no command \"%s\"; `roost help` lists them", name);
}

static int run_help(const struct verb *verb, struct arguments arguments)
{
    static char help_option[] = "--help";
    char *const help_line[] = { help_option };
    struct cli cli = { 0 };
    int code = cli_begin(&cli, verb, arguments, NULL, 0);
    const struct verb *wanted;

    if (code != CLI_GO_ON)
        return code;
    if (cli.options.words_count > 1)
        return cli_complain(EX_USAGE, "help takes one COMMAND");
    if (cli.options.words_count == 0) {
        print_verbs(stdout);
        return EX_OK;
    }
    wanted = find_verb(cli.options.words[0]);
    if (wanted == NULL)
        return refuse_verb(cli.options.words[0]);
    return wanted->run(wanted, (struct arguments){ .at = help_line, .count = 1 });
}

static int run_version(const struct verb *verb, struct arguments arguments)
{
    struct cli cli = { 0 };
    int code = cli_begin(&cli, verb, arguments, NULL, 0);

    if (code != CLI_GO_ON)
        return code;
    if (cli.options.words_count > 0)
        return cli_complain(EX_USAGE, "version takes no \"%s\"", cli.options.words[0]);
    (void)printf("Roost %s\n", ROOST_VERSION);
    return EX_OK;
}

int cli_main(int argc, char **argv)
{
    const struct verb *verb;
    const char *word = argc > 1 ? argv[1] : NULL;

    if (argc == 3 && strcmp(word, "--role") == 0)
        return cli_role_run(argv[2]);
    if (word == NULL) {
        print_verbs(stderr);
        return EX_USAGE;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        word = "help";
    if (strcmp(word, "--version") == 0)
        word = "version";
    verb = find_verb(word);
    if (verb == NULL)
        return refuse_verb(word);
    return verb->run(verb, (struct arguments){ .at = argv + 2, .count = argc - 2 });
}
