/* What the verbs that maintain accounts share: an act (src/maintain) on accounts, by the running
 * server or, when none runs, here.
 *
 *     maintaining_begin   which accounts, and by which way
 *     maintaining_act     one act on one of them; each line it says goes to a callback
 *     maintaining_end
 *
 * As root without a server this process becomes the owner of the accounts directory for good, when
 * maintaining_begin has found out what it must as somebody else. */
#ifndef ROOST_CLI_MAINTAIN_H
#define ROOST_CLI_MAINTAIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/err.h"
#include "cli/progress.h"
#include "config/config.h"

struct vfs;

struct maintaining {
    const struct config *config;
    json_t *accounts; /* array of objects with a "name" */
    struct vfs *vfs; /* the accounts directory; NULL: a server runs */
    uint32_t uid; /* who started the command */
    struct progress progress;
};

/* One line that the act has said, but those of progress, which are shown already; the last one,
 * {"result":...}, included. Borrowed. */
typedef void maintaining_line_fn(void *context, const json_t *line);

struct maintaining_call {
    const char *act;
    const json_t *arguments; /* an object, or NULL */
    maintaining_line_fn *line;
    void *context;
};

/* `name` NULL: all accounts. ERR_NOT_FOUND: there is no such account. maintaining_end in any case.
 */
MUST_USE enum err maintaining_begin(struct maintaining *maintaining, const struct config *config,
                                    const char *name, struct note *why);

size_t maintaining_count(const struct maintaining *maintaining);
const char *maintaining_name(const struct maintaining *maintaining, size_t index);

/* ERR_NOT_FOUND: nobody has used the account yet; ERR_BUSY: it or the server is busy, see the note;
 * else what the act was refused for. */
MUST_USE enum err maintaining_act(struct maintaining *maintaining, size_t index,
                                  const struct maintaining_call *call, struct note *why);

/* All three for one account, with a complaint when it fails; answers the exit code. */
int maintaining_run(const struct config *config, const char *name,
                    const struct maintaining_call *call);

void maintaining_end(struct maintaining *maintaining);

#endif
