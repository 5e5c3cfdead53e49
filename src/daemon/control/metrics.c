/* Metrics: the table of families, and their text. */
#include "daemon/control/metrics.h"

#include <inttypes.h>
#include <string.h>

#include "ipc/request_table.h"

enum metric_type { GAUGE, COUNTER, INFO };

enum { LABELS_MAX = 2 };

struct metric {
    const char *name; /* of the family; its unit, if any, ends it */
    enum metric_type type;
    const char *unit; /* NULL: a plain number */
    const char *help;
    /* Of the rest none for what the supervisor tells. */
    enum ipc_role role; /* whose it is */
    const char *key; /* in its stats */
    const char *labels[LABELS_MAX]; /* an object by label for each of them */
};

static const struct metric build = { "roost_build", INFO, NULL, "The version that runs.", 0,
                                     NULL,          { 0 } };
static const struct metric start_time = { "roost_start_time_seconds",
                                          GAUGE,
                                          "seconds",
                                          "When the server was started, in Unix time.",
                                          0,
                                          NULL,
                                          { 0 } };
static const struct metric up = {
    "roost_up", GAUGE, NULL, "Whether the process answered when this page was made.", 0, NULL, { 0 }
};
static const struct metric restarts = {
    "roost_restarts", COUNTER, NULL, "Times that the process was started again.", 0, NULL, { 0 }
};

static const struct metric metrics[] = {
    { "roost_gate_connections",
      GAUGE,
      NULL,
      "Connections at the gate: before their login, or bringing mail.",
      IPC_ROLE_GATE,
      "connections",
      { "service", "tls" } },
    { "roost_gate_connections_accepted",
      COUNTER,
      NULL,
      "Connections accepted; tls is yes for ports with TLS from the first byte.",
      IPC_ROLE_GATE,
      "connections_total",
      { "service", "tls" } },
    { "roost_tls_connections",
      GAUGE,
      NULL,
      "Connections with TLS, handshakes among them.",
      IPC_ROLE_TLS,
      "connections",
      { 0 } },
    { "roost_tls_handshakes",
      COUNTER,
      NULL,
      "Handshakes that have ended, by result.",
      IPC_ROLE_TLS,
      "handshakes_total",
      { "result" } },
    { "roost_logins",
      COUNTER,
      NULL,
      "Logins, by SASL mechanism (the LOGIN command counts as PLAIN) and result.",
      IPC_ROLE_AUTH,
      "logins_total",
      { "mechanism", "result" } },
    { "roost_imap_sessions",
      GAUGE,
      NULL,
      "IMAP sessions that are logged in.",
      IPC_ROLE_MAIL,
      "sessions_by_tls",
      { "tls" } },
    { "roost_imap_sessions_begun",
      COUNTER,
      NULL,
      "IMAP sessions that were begun.",
      IPC_ROLE_MAIL,
      "logins_total",
      { 0 } },
    { "roost_accounts_open",
      GAUGE,
      NULL,
      "Accounts that are open: in use, or a while ago.",
      IPC_ROLE_MAIL,
      "accounts_open",
      { 0 } },
    { "roost_accounts_opened",
      COUNTER,
      NULL,
      "Times that an account was opened.",
      IPC_ROLE_MAIL,
      "accounts_opened_total",
      { 0 } },
    { "roost_account_failures",
      COUNTER,
      NULL,
      "Accounts that could not be opened, or whose log could not be written.",
      IPC_ROLE_MAIL,
      "failures_total",
      { "at" } },
    { "roost_deliveries_pending",
      GAUGE,
      NULL,
      "Deliveries on their way in.",
      IPC_ROLE_MAIL,
      "deliveries",
      { 0 } },
    { "roost_deliveries",
      COUNTER,
      NULL,
      "Deliveries that were answered, by result.",
      IPC_ROLE_MAIL,
      "deliveries_total",
      { "result" } },
    { "roost_log_syncs",
      COUNTER,
      NULL,
      "Syncs of the accounts' logs that made something durable.",
      IPC_ROLE_MAIL,
      "log_syncs_total",
      { 0 } },
    { "roost_log_appended_bytes",
      COUNTER,
      "bytes",
      "Bytes appended to the accounts' logs and durable; bodies with a file of their own not "
      "counted.",
      IPC_ROLE_MAIL,
      "log_bytes_total",
      { 0 } },
    { "roost_held_output_bytes",
      GAUGE,
      "bytes",
      "Answers to clients that wait for the disk.",
      IPC_ROLE_MAIL,
      "held_output_bytes",
      { 0 } },
};

static const char *suffix_of(enum metric_type type)
{
    switch (type) {
    case GAUGE: return "";
    case COUNTER: return "_total";
    case INFO: return "_info";
    }
    return "";
}

static void print_head(struct buf *out, const struct metric *metric)
{
    static const char *const types[] = { "gauge", "counter", "info" };

    buf_add_format(out, "# TYPE %s %s\n", metric->name, types[metric->type]);
    if (metric->unit != NULL)
        buf_add_format(out, "# UNIT %s %s\n", metric->name, metric->unit);
    buf_add_format(out, "# HELP %s %s\n", metric->name, metric->help);
}

/* Backslash, quote and line feed are escaped, all else stands for itself. */
static void print_label(struct buf *out, const char *name, const char *value)
{
    buf_add_format(out, "%s=\"", name);
    for (; *value != '\0'; value++)
        switch (*value) {
        case '\\': buf_add(out, BYTES("\\\\")); break;
        case '"': buf_add(out, BYTES("\\\"")); break;
        case '\n': buf_add(out, BYTES("\\n")); break;
        default: buf_add_byte(out, (uint8_t)*value);
        }
    buf_add_byte(out, '"');
}

/* A sample up to the place for more labels. */
static void begin_sample(struct buf *out, const struct metric *metric)
{
    buf_add_format(out, "%s%s{", metric->name, suffix_of(metric->type));
}

static void print_number(struct buf *out, const json_t *number)
{
    buf_add_format(out, "} %" JSON_INTEGER_FORMAT "\n", json_integer_value(number));
}

static bool is_count(const json_t *json)
{
    return json_is_integer(json) && json_integer_value(json) >= 0;
}

/* One series, or a branch of them: the labels so far have these values. */
struct branch {
    const struct metric *metric;
    unsigned process;
    const char *values[LABELS_MAX];
    unsigned depth;
};

static void print_sample(struct buf *out, const struct branch *branch, const json_t *number)
{
    begin_sample(out, branch->metric);
    buf_add_format(out, "process=\"%u\"", branch->process);
    for (unsigned i = 0; i < branch->depth; i++) {
        buf_add_byte(out, ',');
        print_label(out, branch->metric->labels[i], branch->values[i]);
    }
    print_number(out, number);
}

/* Calls itself once for each label of the metric. */
static void print_branch(struct buf *out, struct branch branch, const json_t *json)
{
    unsigned depth = branch.depth;
    const char *value;
    json_t *below;

    if (depth == LABELS_MAX || branch.metric->labels[depth] == NULL) {
        if (is_count(json))
            print_sample(out, &branch, json);
        return;
    }
    branch.depth++;
    json_object_foreach((json_t *)(uintptr_t)json, value, below)
    {
        branch.values[depth] = value;
        print_branch(out, branch, below);
    }
}

static void print_metric(struct buf *out, const struct metric *metric,
                         const struct metrics_process *processes, size_t count)
{
    print_head(out, metric);
    for (size_t i = 0; i < count; i++) {
        const struct branch branch = { metric, processes[i].index, { 0 }, 0 };

        if (processes[i].role == metric->role)
            print_branch(out, branch, json_object_get(processes[i].stats, metric->key));
    }
}

static void print_process(struct buf *out, const struct metric *metric, const char *role,
                          json_int_t index)
{
    begin_sample(out, metric);
    print_label(out, "role", role);
    buf_add_format(out, ",process=\"%" JSON_INTEGER_FORMAT "\"", index);
}

/* Unknown ones, and those that were not asked, have not answered. */
static bool has_answered(const char *role, json_int_t index,
                         const struct metrics_process *processes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(ipc_role_name(processes[i].role), role) == 0 && processes[i].index == index)
            return processes[i].stats != NULL;
    return false;
}

static void print_up(struct buf *out, const char *role, json_int_t index, bool is_up)
{
    print_process(out, &up, role, index);
    buf_add(out, is_up ? BYTES("} 1\n") : BYTES("} 0\n"));
}

/* By the supervisor's list where there is one: a process that has not come up yet stands in it, and
 * one that is needed no more does not. */
static void print_ups(struct buf *out, const json_t *listed,
                      const struct metrics_process *processes, size_t count)
{
    size_t i;
    json_t *process;

    print_head(out, &up);
    print_up(out, "supervisor", 0, listed != NULL);
    json_array_foreach(listed, i, process)
    {
        const char *role = json_string_value(json_object_get(process, "role"));
        json_int_t index = json_integer_value(json_object_get(process, "index"));

        if (role != NULL)
            print_up(out, role, index, has_answered(role, index, processes, count));
    }
    for (i = 0; listed == NULL && i < count; i++)
        print_up(out, ipc_role_name(processes[i].role), processes[i].index,
                 processes[i].stats != NULL);
}

static void print_restarts(struct buf *out, const json_t *listed)
{
    size_t i;
    json_t *process;

    print_head(out, &restarts);
    json_array_foreach(listed, i, process)
    {
        const char *role = json_string_value(json_object_get(process, "role"));
        const json_t *number = json_object_get(process, "restarts");

        if (role == NULL || !is_count(number))
            continue;
        print_process(out, &restarts, role, json_integer_value(json_object_get(process, "index")));
        print_number(out, number);
    }
}

static void print_server(struct buf *out, const json_t *status)
{
    const json_t *started = json_object_get(status, "started");

    print_head(out, &build);
    begin_sample(out, &build);
    print_label(out, "version", ROOST_VERSION);
    buf_add(out, BYTES("} 1\n"));
    print_head(out, &start_time);
    if (is_count(started))
        buf_add_format(out, "%s %" JSON_INTEGER_FORMAT "\n", start_time.name,
                       json_integer_value(started));
}

json_t *metrics_parse(struct bytes text)
{
    json_t *json = json_loadb((const char *)text.at, text.len, JSON_REJECT_DUPLICATES, NULL);

    if (json_is_object(json))
        return json;
    json_decref(json);
    return NULL;
}

void metrics_print(struct buf *out, const json_t *status, const struct metrics_process *processes,
                   size_t count)
{
    const json_t *listed = json_object_get(status, "processes");

    print_server(out, status);
    print_ups(out, listed, processes, count);
    print_restarts(out, listed);
    for (size_t i = 0; i < ARRAY_COUNT(metrics); i++)
        print_metric(out, &metrics[i], processes, count);
    buf_add(out, BYTES("# EOF\n"));
}
