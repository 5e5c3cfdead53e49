/* What the verbs share. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "sys/files.h"
#include "sys/process.h"
#include "sys/terminal.h"
#include "sys/vfs.h"
#include "sys/vfs_posix.h"

int cli_complain(int exit_code, const char *format, ...)
{
    va_list args;

    (void)fputs("roost: ", stderr);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
    return exit_code;
}

int cli_ask_yes(const char *format, ...)
{
    va_list args;

    (void)fflush(stdout);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    if (terminal_ask_yes(0, 2, " [y/N] "))
        return CLI_GO_ON;
    return cli_complain(EX_NOPERM, "nothing was changed");
}

int cli_check_terminal(const char *what)
{
    if (terminal_is(0))
        return CLI_GO_ON;
    return cli_complain(EX_USAGE, "%s: where there is no terminal to ask at it wants --yes", what);
}

enum err cli_look_into(const char *path, bool *out_has_names, struct note *why)
{
    struct vfs *vfs;
    int fd = -1;
    enum err err = file_open_directory(path, &fd, why);

    if (err != ERR_OK)
        return err;
    vfs = vfs_posix_new(fd);
    err = vfs_has_names(vfs, "", out_has_names);
    vfs_posix_free(vfs);
    return err == ERR_OK ? err : note_fail(why, err, "cannot list %s: %s", path, err_text(err));
}

int cli_exit_code(enum err err)
{
    switch (err) {
    case ERR_OK: return EX_OK;
    case ERR_NOT_FOUND: return EX_NOUSER;
    case ERR_EXISTS: return EX_CANTCREAT;
    case ERR_NO_SPACE: return EX_CANTCREAT;
    case ERR_INVALID: return EX_DATAERR;
    case ERR_DENIED: return EX_NOPERM;
    case ERR_BUSY: return EX_TEMPFAIL;
    case ERR_CLOSED: return EX_TEMPFAIL;
    case ERR_IO: return EX_IOERR;
    case ERR_CORRUPT: return EX_SOFTWARE;
    case ERR_LIMIT: return EX_UNAVAILABLE;
    case ERR_OVER_QUOTA: return EX_UNAVAILABLE;
    case ERR_CONFLICT: return EX_UNAVAILABLE;
    case ERR_UNSUPPORTED: return EX_UNAVAILABLE;
    }
    return EX_SOFTWARE;
}

int cli_begin(struct cli *cli, const struct verb *verb, struct arguments arguments,
              const struct option *own, size_t own_count)
{
    struct note why;

    if (options_parse(arguments, own, own_count, &cli->options, &why) != ERR_OK)
        return cli_complain(EX_USAGE, "%s: %s", verb->name, why.text);
    if (!cli->options.help)
        return CLI_GO_ON;
    (void)printf("%s\n"
                 "Every command takes these as well:\n"
                 "  --config FILE     the configuration (" CONFIG_FILE_STANDARD
                 ", if it is there)\n"
                 "  --set KEY=VALUE   a setting; wins over the file, as often as wanted\n"
                 "  --help            this text\n",
                 verb->help);
    return EX_OK;
}

int cli_configure(struct cli *cli)
{
    struct note why = { "" };
    enum err err;

    cli->directory = realpath(".", NULL);
    cli->request = (struct config_request){
        .file = cli->options.file,
        .assignments = cli->options.sets,
        .assignments_count = cli->options.sets_count,
        .directory = cli->directory != NULL ? cli->directory : "",
        .place = { .is_root = process_is_root(),
                   .home = getenv("HOME"),
                   .data_home = getenv("XDG_DATA_HOME"),
                   .runtime_dir = getenv("XDG_RUNTIME_DIR") },
    };
    config_settings_init(&cli->settings);
    cli->has_settings = true;
    err = config_load(&cli->request, &cli->settings, &why);
    if (err == ERR_OK)
        err = config_make(&cli->settings, &cli->config, &why);
    return err == ERR_OK ? CLI_GO_ON : cli_complain(EX_CONFIG, "%s", why.text);
}

void cli_end(struct cli *cli)
{
    if (cli->has_settings)
        config_settings_done(&cli->settings);
    config_done(&cli->config);
    free(cli->directory);
}
