/* Settings as text, each with the place where it was set, on their way to a struct config.
 *
 * Fill: config_settings_init, then config_settings_read (the file), config_settings_assign (--set;
 * the later wins), then config_settings_complete once. After that use: config_make,
 * config_settings_print, config_setting_origin_print. Pure; memory is the settings' own arena.
 * All errors are ERR_INVALID with a note that names the place; ERR_LIMIT when the text is too
 * long altogether. */
#ifndef ROOST_CONFIG_SETTINGS_H
#define ROOST_CONFIG_SETTINGS_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "config/config.h"
#include "config/keys.h"

enum {
    CONFIG_TEXT_BYTES_MAX = 1024 * 1024, /* of a file, or of canonical text */
    CONFIG_VALUE_BYTES_MAX = 64 * 1024,
};

enum config_origin {
    CONFIG_ORIGIN_DEFAULT,
    CONFIG_ORIGIN_FILE,
    CONFIG_ORIGIN_SET, /* on the command line */
};

struct config_setting {
    struct bytes text;
    enum config_origin origin;
    unsigned line; /* in the file */
    bool is_canonical; /* ${data} and ${run} have been replaced before */
};

struct config_settings {
    struct arena arena;
    const char *file; /* name for messages; NULL until a file was read */
    struct config_setting at[CONFIG_KEYS_MAX]; /* in the order of config_keys */
};

/* Who starts the server, and where: decides the defaults of data and run. NULL: not known. */
struct config_place {
    bool is_root;
    const char *home; /* $HOME */
    const char *data_home; /* $XDG_DATA_HOME */
    const char *runtime_dir; /* $XDG_RUNTIME_DIR */
};

void config_settings_init(struct config_settings *settings);
void config_settings_done(struct config_settings *settings);

/* A file's text. `file` is its name for messages, borrowed for the life of the settings. */
MUST_USE enum err config_settings_read(struct config_settings *settings, struct bytes text,
                                       const char *file, struct note *why);

/* The canonical text of config_settings_print: no sections, comments or continued lines. */
MUST_USE enum err config_settings_read_canonical(struct config_settings *settings,
                                                 struct bytes text, struct note *why);

/* KEY=VALUE. A path that does not begin with / is taken from `directory` (absolute) on. */
MUST_USE enum err config_settings_assign(struct config_settings *settings, struct bytes assignment,
                                         const char *directory, struct note *why);

/* Defaults for what was not set, then ${data} and ${run} in paths and addresses. */
MUST_USE enum err config_settings_complete(struct config_settings *settings,
                                           const struct config_place *place, struct note *why);

/* All values checked. `out_config` is the caller's to free; it borrows nothing. */
MUST_USE enum err config_make(const struct config_settings *settings, struct config *out_config,
                              struct note *why);

/* `key = value`, one a line, every key. */
void config_settings_print(const struct config_settings *settings, struct buf *out);

/* "default", "roost.conf:12" or "--set", for the setting of config_keys[index]. */
void config_setting_origin_print(const struct config_settings *settings, size_t index,
                                 struct buf *out);

#endif
