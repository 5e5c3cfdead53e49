/* The running server is asked to remove nothing from an account's log while it is copied: by a
 * child that stays who the command was started as, since only root and the owner of data may ask.
 *
 * Without the hold a copy is good as well if it takes less than the hour for which superseded
 * segments stay. */
#ifndef ROOST_CLI_HOLDING_H
#define ROOST_CLI_HOLDING_H

#include <stdbool.h>

#include "base/attributes.h"
#include "base/err.h"
#include "config/config.h"
#include "sys/apart.h"
#include "sys/dialog.h"

struct holding {
    struct apart apart;
    struct dialog dialog;
};

/* Before the process gives up its rights. */
MUST_USE enum err holding_begin(struct holding *holding, const struct config *config,
                                struct note *why);

/* Lets go of the account that was held and holds this one. False: the server would not. */
bool holding_take(struct holding *holding, const char *name);

/* Lets go. Harmless on one that was not begun, with apart.fd and dialog.fd -1. */
void holding_end(struct holding *holding);

#endif
