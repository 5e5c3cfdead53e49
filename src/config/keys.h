/* The table of settings. */
#ifndef ROOST_CONFIG_KEYS_H
#define ROOST_CONFIG_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "config/nearest.h"

enum { CONFIG_KEYS_MAX = 80 };

enum config_type {
    CONFIG_PATH, /* const char *: absolute, or "" where min is 0 */
    CONFIG_BOOL, /* bool */
    CONFIG_NUMBER, /* uint64_t */
    CONFIG_SIZE, /* uint64_t, bytes */
    CONFIG_DURATION, /* uint64_t, milliseconds */
    CONFIG_CHOICE, /* unsigned, the place in `choices` */
    CONFIG_LIST, /* struct config_list, parted by blanks */
    CONFIG_LISTEN, /* struct config_listen, parted by blanks */
};

/* What must happen before a changed value counts. */
enum config_apply { CONFIG_RESTART, CONFIG_RELOAD };

struct config_key {
    const char *name;
    enum config_type type;
    enum config_apply apply;
    size_t field; /* offset in struct config */
    const char *standard; /* the default as text; NULL: depends on who starts it (settings.h) */
    uint64_t min; /* of the value; of paths 1: not empty */
    uint64_t max; /* of the value; of lists: how many */
    const char *choices; /* CONFIG_CHOICE: words apart by one blank. CONFIG_LIST: what may stand in
                          * it, NULL for anything */
    const char *help; /* a sentence or two */
    const char *example; /* a value */
};

extern const struct config_key config_keys[];
extern const size_t config_keys_count; /* at most CONFIG_KEYS_MAX */

/* What stands before the first dot of the keys' names, each once. */
extern const char *const config_sections[];
extern const size_t config_sections_count;

/* NULL when there is none of that name. */
const struct config_key *config_key_find(struct bytes name);

/* The nearest right name, or NULL. */
const char *config_key_nearest(struct bytes name);

/* "a duration such as 30s, 10m or 2h": for complaints and help. Static memory. */
const char *config_type_text(enum config_type type);

/* What the setting wants: "a duration such as 30s, 10m or 2h, from 30m to 7d", "one of normal,
 * strict". For types without a range `otherwise` unless it is NULL. */
struct buf;
void config_key_wanted_print(const struct config_key *key, const char *otherwise, struct buf *out);

#endif
