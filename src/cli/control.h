/* The client's side of the control socket (README.md): one question, its answer. */
#ifndef ROOST_CLI_CONTROL_H
#define ROOST_CLI_CONTROL_H

#include <jansson.h>
#include <stdbool.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/err.h"
#include "config/config.h"
#include "sys/dialog.h"

enum { CONTROL_TIMEOUT_MS = 30000, CONTROL_PATH_BYTES = 4096 };

/* Where the server listens. ERR_LIMIT: the path of `run` is too long. */
MUST_USE enum err control_path(const struct config *config, char out_path[CONTROL_PATH_BYTES],
                               struct note *why);

/* A dialogue with it; dialog_done when it is ERR_OK. ERR_NOT_FOUND: no server runs. */
MUST_USE enum err control_open(const struct config *config, struct dialog *dialog,
                               struct note *why);

/* Sends the request and reads the answer to its end; the arrays of an answer in parts are joined.
 * `*out_result` is the caller's reference. What the server refused comes back as the err that its
 * code stands for, with its text; ERR_CLOSED or ERR_BUSY when it does not answer, ERR_CORRUPT when
 * the answer is none. */
MUST_USE enum err control_ask(struct dialog *dialog, const json_t *request, json_t **out_result,
                              struct note *why);

/* Same, but hands each part of the answer to `each`, borrowed, as it comes; no part may be longer
 * in coming than CONTROL_TIMEOUT_MS. What `each` answers but ERR_OK ends it. */
typedef enum err control_part_fn(void *context, json_t *part);
MUST_USE enum err control_ask_parts(struct dialog *dialog, const json_t *request,
                                    control_part_fn *each, void *context, struct note *why);

/* One line of an answer. Pure. `*out_result` may become NULL: the line had none. */
MUST_USE enum err control_decode(struct bytes line, json_t **out_result, bool *out_more,
                                 struct note *why);

/* The err that a code ("not-found") stands for; ERR_INVALID for unknown ones. */
enum err control_code_err(const char *code);

#endif
