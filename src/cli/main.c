/* roost: the word after the name decides. */
#include <stdio.h>
#include <sysexits.h>

#include "cli/cli.h"

/* A full disk behind standard output shows only when the last of it is written. */
static int finish(int code)
{
    bool failed = ferror(stdout) != 0;

    failed = fflush(stdout) != 0 || failed;
    return failed ? cli_complain(EX_IOERR, "cannot write standard output") : code;
}

int main(int argc, char **argv)
{
    return finish(cli_main(argc, argv));
}
