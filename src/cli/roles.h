/* The processes that this binary can be: `roost --role NAME`. */
#ifndef ROOST_CLI_ROLES_H
#define ROOST_CLI_ROLES_H

#include <stddef.h>

#include "sys/sandbox.h"

struct cli_role {
    const char *name;
    const char *does; /* a phrase */
    const char *directory; /* the one it may use, below data; NULL: none */
    /* Answers the exit code. */
    int (*run)(void);
    /* The walls it enters, with `directory_fd` as its directory. What `out_profile` points to lives
     * as long as the process. */
    void (*profile)(int directory_fd, struct sandbox_profile *out_profile);
};

extern const struct cli_role cli_roles[];
extern const size_t cli_roles_count;

/* NULL when there is none of that name. */
const struct cli_role *cli_role_find(const char *name);

/* What `roost --role NAME` does. Ends the process with its exit code; answers one only when there
 * is no such role. */
int cli_role_run(const char *name);

#endif
