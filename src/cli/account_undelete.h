/* roost account undelete: a removed account, back from the trash. */
#ifndef ROOST_CLI_ACCOUNT_UNDELETE_H
#define ROOST_CLI_ACCOUNT_UNDELETE_H

#include "base/bytes.h"

struct config;

/* The account of that name that was removed last, with its mail and id, and a new password; answers
 * the exit code. No server may run. */
int account_undelete_run(const struct config *config, const char *name, struct bytes password);

#endif
