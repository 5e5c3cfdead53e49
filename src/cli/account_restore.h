/* roost account restore: an account as it was at one time. */
#ifndef ROOST_CLI_ACCOUNT_RESTORE_H
#define ROOST_CLI_ACCOUNT_RESTORE_H

#include <stdbool.h>

struct config;

struct account_restore {
    const char *at; /* --at; NULL: not given, which is refused */
    bool yes; /* --yes: do it */
};

/* Says what would change, or what has changed; answers the exit code. */
int account_restore_run(struct account_restore *restore, const struct config *config,
                        const char *name);

#endif
