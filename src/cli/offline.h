/* The verbs on accounts while no server runs: the accounts database is opened here.
 *
 * As root, its directory is made for the user of role auth where it is missing, and this process
 * becomes that directory's owner for good before it reads anything in it. */
#ifndef ROOST_CLI_OFFLINE_H
#define ROOST_CLI_OFFLINE_H

#include <jansson.h>

#include "auth/accounts.h"
#include "base/attributes.h"
#include "base/err.h"
#include "config/config.h"

/* A directory of data that one role alone has. */
struct offline_part {
    const char *name;
    const char *user; /* whose it is when roles have users of their own */
};
extern const struct offline_part offline_auth;
extern const struct offline_part offline_accounts;

/* That directory as a descriptor, made where it is missing (as root: for its user); then this
 * process is its owner's, for good. */
MUST_USE enum err offline_open_part(const struct config *config, const struct offline_part *part,
                                    int *out_fd, struct note *why);

/* How the settings want passwords kept. */
struct accounts_policy offline_policy(const struct config *config);

/* Takes and answers what the control socket does (README.md). ERR_BUSY when somebody else has the
 * database open. */
MUST_USE enum err offline_ask(const struct config *config, const json_t *request,
                              json_t **out_result, struct note *why);

#endif
