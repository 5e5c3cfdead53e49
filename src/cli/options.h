/* What a command line holds: options by name, words by place. Pure. */
#ifndef ROOST_CLI_OPTIONS_H
#define ROOST_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "base/err.h"

enum { OPTIONS_SETS_MAX = 100, OPTIONS_WORDS_MAX = 8 };

/* `--name` of one verb: a flag, or with a value (`--name VALUE`, `--name=VALUE`). One of the two
 * pointers is NULL. */
struct option {
    const char *name;
    bool *flag;
    const char **value;
};

/* All borrowed from argv. */
struct options {
    bool help;
    const char *file; /* --config; NULL: not given */
    const char *sets[OPTIONS_SETS_MAX]; /* --set, in order */
    size_t sets_count;
    const char *words[OPTIONS_WORDS_MAX]; /* what is no option */
    size_t words_count;
};

/* What came behind the verb. */
struct arguments {
    char *const *at;
    int count;
};

/* `--` ends the options. ERR_INVALID with a note for unknown options, missing or unwanted values,
 * too many words. */
MUST_USE enum err options_parse(struct arguments arguments, const struct option *own,
                                size_t own_count, struct options *out_options, struct note *why);

#endif
