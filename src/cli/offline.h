/* The verbs on accounts while no server runs: the accounts database is opened here.
 *
 * As root, its directory is made for the user of role auth where it is missing, and this process
 * becomes that directory's owner for good before it reads anything in it. */
#ifndef ROOST_CLI_OFFLINE_H
#define ROOST_CLI_OFFLINE_H

#include <jansson.h>

#include "base/attributes.h"
#include "base/err.h"
#include "config/config.h"

/* Takes and answers what the control socket does (README.md). ERR_BUSY when somebody else has the
 * database open. */
MUST_USE enum err offline_ask(const struct config *config, const json_t *request,
                              json_t **out_result, struct note *why);

#endif
