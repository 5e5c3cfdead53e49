/* roost serve: the server, in the foreground. */
#include <sysexits.h>

#include "cli/cli.h"
#include "daemon/supervisor/supervisor.h"
#include "sys/child.h"
#include "sys/fd.h"

static int run(const struct verb *verb, struct arguments arguments)
{
    FD_LOCAL int exe_fd = -1;
    struct note why = { "" };
    struct cli cli = { 0 };
    enum err err = child_open_self(&exe_fd, &why);
    int code = cli_begin(&cli, verb, arguments, NULL, 0);

    if (code == CLI_GO_ON && cli.options.words_count > 0)
        code = cli_complain(EX_USAGE, "serve takes no \"%s\"", cli.options.words[0]);
    if (code == CLI_GO_ON)
        code = cli_configure(&cli);
    if (code == CLI_GO_ON && err != ERR_OK)
        code = cli_complain(EX_OSERR, "%s", why.text);
    if (code == CLI_GO_ON)
        code = supervisor_main(
            &(struct supervisor_options){ .request = &cli.request, .exe_fd = exe_fd });
    cli_end(&cli);
    return code;
}

const struct verb verb_serve = {
    .name = "serve",
    .summary = "run the server",
    .help = "roost serve\n\n"
            "Runs in the foreground and logs to standard error. SIGTERM ends it in order. SIGHUP\n"
            "reads certificate and settings again; the log says which settings want a restart.\n"
            "With nothing set it serves on loopback.\n\n"
            "  roost serve --set data=/srv/mail --set domains=example.org\n",
    .run = run,
};
