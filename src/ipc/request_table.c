/* The table of ipc/request_table.h. */
#include "ipc/request_table.h"

enum {
    SUPERVISOR = 1 << IPC_ROLE_SUPERVISOR,
    TLS = 1 << IPC_ROLE_TLS,
    GATE = 1 << IPC_ROLE_GATE,
    AUTH = 1 << IPC_ROLE_AUTH,
    MAIL = 1 << IPC_ROLE_MAIL,
    CONTROL = 1 << IPC_ROLE_CONTROL,
    ROLES = TLS | GATE | AUTH | MAIL | CONTROL,
};

#define ORDER(type, from, to, fd, name) \
    { \
        type, from, to, fd, IPC_KIND_ORDER, name \
    }
#define REQUEST(type, from, to, fd, name) \
    { \
        type, from, to, fd, IPC_KIND_REQUEST, name \
    }
#define ANSWER(type, from, to, fd, name) \
    { \
        type, from, to, fd, IPC_KIND_ANSWER, name \
    }

static const struct ipc_rule rules[] = {
    ORDER(IPC_CONFIG, SUPERVISOR, ROLES, IPC_FD_ONE, "config"),
    ORDER(IPC_DIRECTORY, SUPERVISOR, GATE | AUTH | MAIL, IPC_FD_ONE, "directory"),
    ORDER(IPC_LISTENER, SUPERVISOR, GATE | CONTROL, IPC_FD_ONE, "listener"),
    ORDER(IPC_PEER, SUPERVISOR, ROLES, IPC_FD_ONE, "peer"),
    ORDER(IPC_CERTIFICATE, SUPERVISOR, TLS, IPC_FD_ONE, "certificate"),
    ORDER(IPC_TLS_TICKETS, SUPERVISOR, TLS, IPC_FD_NONE, "tls-tickets"),
    ORDER(IPC_MEMORY, SUPERVISOR, MAIL, IPC_FD_ONE, "memory"),
    ORDER(IPC_PLACE, SUPERVISOR, AUTH, IPC_FD_NONE, "place"),
    ORDER(IPC_START, SUPERVISOR, ROLES, IPC_FD_NONE, "start"),
    ORDER(IPC_STOP, SUPERVISOR, ROLES, IPC_FD_NONE, "stop"),
    ORDER(IPC_READY, ROLES, SUPERVISOR, IPC_FD_NONE, "ready"),
    ORDER(IPC_REFUSED, ROLES, SUPERVISOR, IPC_FD_NONE, "refused"),
    REQUEST(IPC_STATUS, CONTROL, SUPERVISOR, IPC_FD_NONE, "status"),
    ANSWER(IPC_STATUS_ANSWER, SUPERVISOR, CONTROL, IPC_FD_NONE, "status-answer"),
    REQUEST(IPC_RELOAD, CONTROL, SUPERVISOR, IPC_FD_NONE, "reload"),
    ANSWER(IPC_RELOAD_ANSWER, SUPERVISOR, CONTROL, IPC_FD_NONE, "reload-answer"),

    REQUEST(IPC_AUTH_START, GATE, AUTH, IPC_FD_NONE, "auth-start"),
    REQUEST(IPC_AUTH_CONTINUE, GATE, AUTH, IPC_FD_NONE, "auth-continue"),
    ORDER(IPC_AUTH_CANCEL, GATE, AUTH, IPC_FD_NONE, "auth-cancel"),
    ANSWER(IPC_AUTH_CHALLENGE, AUTH, GATE, IPC_FD_NONE, "auth-challenge"),
    ANSWER(IPC_AUTH_RESULT, AUTH, GATE, IPC_FD_NONE, "auth-result"),
    REQUEST(IPC_RECIPIENT, GATE, AUTH, IPC_FD_NONE, "recipient"),
    ANSWER(IPC_RECIPIENT_RESULT, AUTH, GATE, IPC_FD_NONE, "recipient-result"),
    REQUEST(IPC_TICKET, AUTH, MAIL, IPC_FD_NONE, "ticket"),
    ANSWER(IPC_TICKET_ANSWER, MAIL, AUTH, IPC_FD_NONE, "ticket-answer"),
    ORDER(IPC_DELIVERY_TICKET, AUTH, MAIL, IPC_FD_NONE, "delivery-ticket"),
    REQUEST(IPC_HANDOFF, GATE, MAIL, IPC_FD_ONE, "handoff"),
    ANSWER(IPC_HANDOFF_ANSWER, MAIL, GATE, IPC_FD_NONE, "handoff-answer"),
    REQUEST(IPC_DELIVER, GATE, MAIL, IPC_FD_MAYBE, "deliver"),
    ANSWER(IPC_DELIVER_ANSWER, MAIL, GATE, IPC_FD_NONE, "deliver-answer"),
    ORDER(IPC_HAND_BACK, MAIL, GATE, IPC_FD_ONE, "hand-back"),
    REQUEST(IPC_TLS_START, GATE, TLS, IPC_FD_ONE, "tls-start"),
    ANSWER(IPC_TLS_ANSWER, TLS, GATE, IPC_FD_MAYBE, "tls-answer"),

    REQUEST(IPC_ACCOUNT_ADD, CONTROL, AUTH, IPC_FD_NONE, "account-add"),
    REQUEST(IPC_ACCOUNT_LIST, CONTROL, AUTH, IPC_FD_NONE, "account-list"),
    REQUEST(IPC_ACCOUNT_COPY, CONTROL, AUTH, IPC_FD_NONE, "account-copy"),
    REQUEST(IPC_ACCOUNT_SHOW, CONTROL, AUTH, IPC_FD_NONE, "account-show"),
    REQUEST(IPC_ACCOUNT_PASSWORD, CONTROL, AUTH, IPC_FD_NONE, "account-password"),
    REQUEST(IPC_ACCOUNT_REMOVE, CONTROL, AUTH, IPC_FD_NONE, "account-remove"),
    ANSWER(IPC_ACCOUNT_ANSWER, AUTH, CONTROL, IPC_FD_NONE, "account-answer"),
    REQUEST(IPC_ACCOUNT_DROP, AUTH, MAIL, IPC_FD_NONE, "account-drop"),
    ANSWER(IPC_ACCOUNT_DROP_ANSWER, MAIL, AUTH, IPC_FD_NONE, "account-drop-answer"),
    ORDER(IPC_ACCOUNT_LOGOUT, AUTH, MAIL, IPC_FD_NONE, "account-logout"),
    REQUEST(IPC_STATS, CONTROL, TLS | GATE | AUTH | MAIL, IPC_FD_NONE, "stats"),
    ANSWER(IPC_STATS_ANSWER, TLS | GATE | AUTH | MAIL, CONTROL, IPC_FD_NONE, "stats-answer"),
    REQUEST(IPC_MAINTAIN, CONTROL, MAIL, IPC_FD_NONE, "maintain"),
    REQUEST(IPC_MAINTAIN_CONTINUE, CONTROL, MAIL, IPC_FD_NONE, "maintain-continue"),
    ORDER(IPC_MAINTAIN_CANCEL, CONTROL, MAIL, IPC_FD_NONE, "maintain-cancel"),
    ANSWER(IPC_MAINTAIN_ANSWER, MAIL, CONTROL, IPC_FD_NONE, "maintain-answer"),
};

const struct ipc_rule *ipc_rules(size_t *out_count)
{
    *out_count = ARRAY_COUNT(rules);
    return rules;
}

const struct ipc_rule *ipc_rule_find(enum ipc_type type)
{
    for (size_t i = 0; i < ARRAY_COUNT(rules); i++)
        if (rules[i].type == (uint16_t)type)
            return &rules[i];
    return NULL;
}

static bool fd_count_fits(enum ipc_fd_rule rule, size_t count)
{
    switch (rule) {
    case IPC_FD_NONE: return count == 0;
    case IPC_FD_ONE: return count == 1;
    case IPC_FD_MAYBE: return count <= 1;
    }
    return false;
}

bool ipc_is_allowed(enum ipc_type type, enum ipc_role from, enum ipc_role to, size_t fd_count)
{
    const struct ipc_rule *rule = ipc_rule_find(type);

    return rule != NULL && (rule->from & 1U << from) != 0 && (rule->to & 1U << to) != 0 &&
           fd_count_fits((enum ipc_fd_rule)rule->fd, fd_count);
}

bool ipc_roles_talk(enum ipc_role a, enum ipc_role b)
{
    for (size_t i = 0; i < ARRAY_COUNT(rules); i++)
        if (((rules[i].from & 1U << a) != 0 && (rules[i].to & 1U << b) != 0) ||
            ((rules[i].from & 1U << b) != 0 && (rules[i].to & 1U << a) != 0))
            return true;
    return false;
}

enum ipc_role ipc_less_trusted(enum ipc_role a, enum ipc_role b)
{
    static const enum ipc_role order[] = { IPC_ROLE_GATE, IPC_ROLE_TLS, IPC_ROLE_CONTROL,
                                           IPC_ROLE_MAIL, IPC_ROLE_AUTH };

    for (size_t i = 0; i < ARRAY_COUNT(order); i++)
        if (order[i] == a || order[i] == b)
            return order[i];
    return a;
}

bool ipc_is_answer_to(enum ipc_type answer, enum ipc_type request)
{
    static const struct {
        enum ipc_type request;
        enum ipc_type answer;
    } pairs[] = {
        { IPC_STATUS, IPC_STATUS_ANSWER },
        { IPC_RELOAD, IPC_RELOAD_ANSWER },
        { IPC_AUTH_START, IPC_AUTH_CHALLENGE },
        { IPC_AUTH_START, IPC_AUTH_RESULT },
        { IPC_AUTH_CONTINUE, IPC_AUTH_CHALLENGE },
        { IPC_AUTH_CONTINUE, IPC_AUTH_RESULT },
        { IPC_RECIPIENT, IPC_RECIPIENT_RESULT },
        { IPC_TICKET, IPC_TICKET_ANSWER },
        { IPC_HANDOFF, IPC_HANDOFF_ANSWER },
        { IPC_DELIVER, IPC_DELIVER_ANSWER },
        { IPC_TLS_START, IPC_TLS_ANSWER },
        { IPC_ACCOUNT_ADD, IPC_ACCOUNT_ANSWER },
        { IPC_ACCOUNT_LIST, IPC_ACCOUNT_ANSWER },
        { IPC_ACCOUNT_COPY, IPC_ACCOUNT_ANSWER },
        { IPC_ACCOUNT_SHOW, IPC_ACCOUNT_ANSWER },
        { IPC_ACCOUNT_PASSWORD, IPC_ACCOUNT_ANSWER },
        { IPC_ACCOUNT_REMOVE, IPC_ACCOUNT_ANSWER },
        { IPC_ACCOUNT_DROP, IPC_ACCOUNT_DROP_ANSWER },
        { IPC_STATS, IPC_STATS_ANSWER },
        { IPC_MAINTAIN, IPC_MAINTAIN_ANSWER },
        { IPC_MAINTAIN_CONTINUE, IPC_MAINTAIN_ANSWER },
    };

    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++)
        if (pairs[i].answer == answer && pairs[i].request == request)
            return true;
    return false;
}

const char *ipc_role_name(enum ipc_role role)
{
    switch (role) {
    case IPC_ROLE_SUPERVISOR: return "supervisor";
    case IPC_ROLE_TLS: return "tls";
    case IPC_ROLE_GATE: return "gate";
    case IPC_ROLE_AUTH: return "auth";
    case IPC_ROLE_MAIL: return "mail";
    case IPC_ROLE_CONTROL: return "control";
    case IPC_ROLE_COUNT: break;
    }
    return "unknown";
}

const char *ipc_result_text(enum ipc_result result)
{
    switch (result) {
    case IPC_OK: return "ok";
    case IPC_DENIED: return "denied";
    case IPC_NOT_FOUND: return "not found";
    case IPC_EXISTS: return "exists already";
    case IPC_INVALID: return "invalid";
    case IPC_UNAVAILABLE: return "not available now";
    case IPC_LIMIT: return "a limit is reached";
    case IPC_OVER_QUOTA: return "over quota";
    case IPC_TOO_LARGE: return "too large";
    case IPC_NO_SPACE: return "no space";
    case IPC_EXPIRED: return "expired";
    case IPC_UNSUPPORTED: return "not supported";
    case IPC_RESULT_COUNT: break;
    }
    return "unknown";
}
