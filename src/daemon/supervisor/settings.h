/* The configuration in use, and what a reload may change of it. */
#ifndef ROOST_DAEMON_SUPERVISOR_SETTINGS_H
#define ROOST_DAEMON_SUPERVISOR_SETTINGS_H

#include "daemon/supervisor/state.h"

/* One reading of the configuration. */
struct reading {
    struct config_settings settings;
    struct config config;
    struct buf text; /* canonical */
};

/* From the file and the command line. With `old` not NULL, settings that need a restart keep the
 * value they have there; `*out_kept` names the first of those that differ, or is NULL. */
MUST_USE enum err reading_make(const struct config_request *request,
                               const struct config_settings *old, struct reading *out_reading,
                               const char **out_kept, struct note *why);
void reading_done(struct reading *reading);

/* It becomes the configuration in use; what was in use is freed. */
void reading_use(struct reading *reading, struct supervisor *supervisor);

#endif
