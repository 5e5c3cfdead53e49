/* What every verb starts with: its options, its configuration, its way to complain. */
#ifndef ROOST_CLI_CLI_H
#define ROOST_CLI_CLI_H

#include <stdbool.h>

#include "base/attributes.h"
#include "base/err.h"
#include "cli/options.h"
#include "config/load.h"

/* One word behind `roost`. `run` answers an exit code of sysexits.h. */
struct verb {
    const char *name;
    const char *summary; /* a phrase for the list of verbs */
    const char *help; /* usage, what it does, an example; options all verbs have are added */
    int (*run)(const struct verb *verb, struct arguments arguments);
};

extern const struct verb verb_account;
extern const struct verb verb_backup;
extern const struct verb verb_check;
extern const struct verb verb_config;
extern const struct verb verb_deliver;
extern const struct verb verb_restore;
extern const struct verb verb_log;
extern const struct verb verb_sandbox;
extern const struct verb verb_serve;
extern const struct verb verb_purge;
extern const struct verb verb_undelete;
extern const struct verb verb_verify;

/* The life of one verb. Zeroed at first; cli_end in the end, whatever happened. */
struct cli {
    struct options options;
    char *directory; /* the working one */
    struct config_request request; /* what cli_configure loaded */
    struct config_settings settings;
    struct config config;
    bool has_settings;
};

enum { CLI_GO_ON = -1 };

/* Reads the options. CLI_GO_ON, or the exit code when there is nothing to go on with: help was
 * wanted and shown, or the line is wrong and that was said. */
MUST_USE int cli_begin(struct cli *cli, const struct verb *verb, struct arguments arguments,
                       const struct option *own, size_t own_count);

/* Loads and checks the configuration. CLI_GO_ON or the exit code, as above. */
MUST_USE int cli_configure(struct cli *cli);

void cli_end(struct cli *cli);

/* "roost: ..." on standard error; answers `exit_code`. */
int cli_complain(int exit_code, const char *format, ...) PRINTF_LIKE(2, 3);

/* Asks the person at the terminal on standard input, with " [y/N] " behind the question. CLI_GO_ON,
 * or the exit code when the answer is no. */
int cli_ask_yes(const char *format, ...) PRINTF_LIKE(1, 2);

/* Is there a terminal to ask at? CLI_GO_ON; or the exit code of a usage error, after "`what`: where
 * there is no terminal to ask at it wants --yes". */
int cli_check_terminal(const char *what);

/* Does that directory hold any name? Not told unless ERR_OK. */
enum err cli_look_into(const char *path, bool *out_has_names, struct note *why);

/* The exit code that tells an MTA or a script what kind of trouble it was. */
int cli_exit_code(enum err err);

/* The whole program. */
int cli_main(int argc, char **argv);

#endif
