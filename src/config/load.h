/* The configuration of a command: defaults, the file, the --set assignments. */
#ifndef ROOST_CONFIG_LOAD_H
#define ROOST_CONFIG_LOAD_H

#include <stddef.h>

#include "base/attributes.h"
#include "base/err.h"
#include "config/settings.h"

/* Read when no file was named and it is there. */
#define CONFIG_FILE_STANDARD "/etc/roost/roost.conf"

struct config_request {
    const char *file; /* --config; NULL: CONFIG_FILE_STANDARD, if it is there */
    const char *const *assignments; /* --set, in the order of the command line */
    size_t assignments_count;
    const char *directory; /* the working directory, absolute */
    struct config_place place;
};

/* Fills settings that were just initialised; what it borrows is `request->file`. ERR_NOT_FOUND
 * when a named file is not there, ERR_INVALID for what stands in it; with a note. */
MUST_USE enum err config_load(const struct config_request *request,
                              struct config_settings *settings, struct note *why);

#endif
