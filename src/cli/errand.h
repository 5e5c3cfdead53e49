/* A part of a command that is done as somebody else: by a child that becomes the owner of what it
 * works on (offline_open_part), and says what it found. The command itself keeps the rights that it
 * was started with. What the child makes is for its user alone. */
#ifndef ROOST_CLI_ERRAND_H
#define ROOST_CLI_ERRAND_H

#include <jansson.h>

#include "base/attributes.h"
#include "base/err.h"

struct errand {
    /* In the child: does the work and adds values to `found`, an array. */
    enum err (*work)(void *context, json_t *found, struct note *why);
    void *context;
};

/* `*out_found` (an array, the caller's) and the answer are what `work` gave; also after a failure.
 * ERR_CLOSED: the child has died. */
MUST_USE enum err errand_run(const struct errand *errand, json_t **out_found, struct note *why);

#endif
