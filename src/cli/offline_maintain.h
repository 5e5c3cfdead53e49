/* Maintenance while no server runs: this process opens the account itself and runs the same acts
 * (maintain/maintain.h), jobs inline. */
#ifndef ROOST_CLI_OFFLINE_MAINTAIN_H
#define ROOST_CLI_OFFLINE_MAINTAIN_H

#include <jansson.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/err.h"
#include "config/config.h"

struct vfs;

/* Finds the account, or all (`name` NULL), in the accounts database: in a child, as its owner. Then
 * opens the accounts directory and, as root, becomes its owner for good. The caller owns both. */
MUST_USE enum err offline_maintain_begin(const struct config *config, const char *name,
                                         json_t **out_accounts, struct vfs **out_vfs,
                                         struct note *why);

struct offline_call {
    const struct config *config;
    struct vfs *accounts; /* the directory */
    const json_t *account; /* as offline_ask shows it */
    const char *act;
    uint32_t uid; /* who wants it, for the log */
    const json_t *arguments; /* an object, or NULL */
    void (*line)(void *context, const json_t *line); /* each line the act says */
    void *context;
};

/* Makes no account where none is: ERR_NOT_FOUND. ERR_BUSY: another process has it open. */
MUST_USE enum err offline_maintain(const struct offline_call *call, struct note *why);

#endif
