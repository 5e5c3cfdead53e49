/* Who may send which message to whom, and with how many descriptors: the law of the house.
 *
 * A role asks it for every message that it receives, before it looks at the fields. What the table
 * does not allow ends the channel: a process that breaks the law has been broken into. */
#ifndef ROOST_IPC_REQUEST_TABLE_H
#define ROOST_IPC_REQUEST_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "ipc/messages.h"

enum ipc_fd_rule { IPC_FD_NONE, IPC_FD_ONE, IPC_FD_MAYBE };

enum ipc_kind {
    IPC_KIND_ORDER, /* wants no answer */
    IPC_KIND_REQUEST, /* its `request` number comes back in an answer */
    IPC_KIND_ANSWER,
};

struct ipc_rule {
    uint16_t type; /* enum ipc_type */
    uint8_t from; /* set of 1 << enum ipc_role */
    uint8_t to;
    uint8_t fd; /* enum ipc_fd_rule */
    uint8_t kind; /* enum ipc_kind */
    const char *name; /* "handoff"; for the log */
};

/* The rule of a type, or NULL. */
const struct ipc_rule *ipc_rule_find(enum ipc_type type);

/* All rules, for lists and tests. */
const struct ipc_rule *ipc_rules(size_t *out_count);

/* True when `from` may send this to `to` with that many descriptors. */
MUST_USE bool ipc_is_allowed(enum ipc_type type, enum ipc_role from, enum ipc_role to,
                             size_t fd_count);

/* Which of the two is sooner believed to have been broken into: the nearer one to strangers. */
enum ipc_role ipc_less_trusted(enum ipc_role a, enum ipc_role b);

/* True when an answer of that type may come to that request. */
MUST_USE bool ipc_is_answer_to(enum ipc_type answer, enum ipc_type request);

/* "supervisor", "tls", "gate", "auth", "mail", "control". */
const char *ipc_role_name(enum ipc_role role);

/* True when the two roles ever talk: the supervisor makes channels for these pairs only. */
MUST_USE bool ipc_roles_talk(enum ipc_role a, enum ipc_role b);

/* "no such account" for IPC_NOT_FOUND; lower case, static. */
const char *ipc_result_text(enum ipc_result result);

#endif
