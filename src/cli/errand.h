/* A part of a command that is done as somebody else: by a child that becomes the owner of what it
 * works on (offline_open_part), and says what it found. The command itself keeps the rights that it
 * was started with. What the child makes is for its user alone. */
#ifndef ROOST_CLI_ERRAND_H
#define ROOST_CLI_ERRAND_H

#include <jansson.h>

#include "base/attributes.h"
#include "base/err.h"
#include "sys/apart.h"
#include "sys/dialog.h"

struct errand {
    /* In the child: does the work and adds values to `found`, an array. */
    enum err (*work)(void *context, json_t *found, struct note *why);
    void *context;
    /* The same, later, in the same child: what `work` left open in the context is open still, its
     * locks included. `word` is what errand_finish was given, as long as the call lasts. NULL: the
     * child ends after `work`. Not called when that has failed. */
    enum err (*finish)(void *context, struct bytes word, json_t *found, struct note *why);
};

/* `*out_found` (an array, the caller's) and the answer are what `work` gave; also after a failure.
 * ERR_CLOSED: the child has died. */
MUST_USE enum err errand_run(const struct errand *errand, json_t **out_found, struct note *why);

/* A child between `work` and `finish`. */
struct errand_child {
    struct apart apart;
    struct dialog dialog;
};

/* As errand_run, of an errand with `finish`; errand_finish or errand_drop must follow when it is
 * ERR_OK. */
MUST_USE enum err errand_begin(const struct errand *errand, struct errand_child *out_child,
                               json_t **out_found, struct note *why);
/* `word` has no line break in it, and less than DIALOG_LINE_BYTES_MAX bytes. */
MUST_USE enum err errand_finish(struct errand_child *child, const char *word, json_t **out_found,
                                struct note *why);
/* The child ends, and `finish` is not called. */
void errand_drop(struct errand_child *child);

#endif
