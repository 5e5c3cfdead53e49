/* roost log: what happened to an account. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "base/num.h"
#include "cli/cli.h"
#include "cli/maintain.h"
#include "cli/when.h"

enum { LIMIT_MAX = 100000 }; /* of src/maintain/verb_log.c */

struct telling {
    const char *mailbox; /* NULL: all */
    const char *since;
    const char *limit;
    int64_t since_seconds; /* 0: not given */
    bool as_json;
};

static json_int_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value != NULL ? value : "";
}

/* "3 messages (4:6)", with a verb before and a mailbox behind it. */
static void print_messages(const json_t *event, const char *verb, const char *where)
{
    json_int_t messages = number(event, "messages");

    (void)printf("%s %" JSON_INTEGER_FORMAT " message%s %s %s", verb, messages,
                 messages == 1 ? "" : "s", where, text(event, "mailbox"));
}

/* Of a transfer they are told before: they are those of the mailbox that it was from. */
static void print_uids(const json_t *event)
{
    if (json_object_get(event, "uids") != NULL && json_object_get(event, "to") == NULL)
        (void)printf(", UID %s", text(event, "uids"));
}

static void print_deleted(const json_t *event)
{
    json_int_t messages = number(event, "messages");

    (void)printf("deleted mailbox %s with %" JSON_INTEGER_FORMAT " message%s",
                 text(event, "mailbox"), messages, messages == 1 ? "" : "s");
}

static void print_added(const json_t *event)
{
    const char *protocol = text(event, "protocol");
    bool is_delivery = strcmp(protocol, "lmtp") == 0 || strcmp(protocol, "smtp") == 0;

    print_messages(event, is_delivery ? "delivered" : "appended", "to");
}

static void print_transfer(const json_t *event, const char *verb)
{
    json_int_t messages = number(event, "messages");

    (void)printf("%s %" JSON_INTEGER_FORMAT " message%s", verb, messages, messages == 1 ? "" : "s");
    if (json_object_get(event, "uids") != NULL)
        (void)printf(" (UID %s)", text(event, "uids"));
    (void)printf(" from %s to %s", text(event, "mailbox"), text(event, "to"));
}

static void print_what(const json_t *event)
{
    const char *what = text(event, "what");
    const char *mailbox = text(event, "mailbox");

    if (strcmp(what, "began") == 0)
        (void)printf("the account was made");
    else if (strcmp(what, "epoch") == 0)
        (void)printf("a new epoch began: %s", text(event, "detail"));
    else if (strcmp(what, "created") == 0)
        (void)printf("created mailbox %s", mailbox);
    else if (strcmp(what, "renamed") == 0)
        (void)printf("renamed mailbox %s to %s", mailbox, text(event, "to"));
    else if (strcmp(what, "deleted") == 0)
        print_deleted(event);
    else if (strcmp(what, "added") == 0)
        print_added(event);
    else if (strcmp(what, "undeleted") == 0)
        print_messages(event, "brought back", "to");
    else if (strcmp(what, "flagged") == 0)
        print_messages(event, "flagged", "in");
    else if (strcmp(what, "copied") == 0 || strcmp(what, "moved") == 0)
        print_transfer(event, what);
    else if (strcmp(what, "expunged") == 0)
        print_messages(event, "expunged", "from");
    else
        (void)printf("%s %s", what, mailbox);
    print_uids(event);
    if (strcmp(what, "flagged") == 0)
        (void)printf(": %s", text(event, "detail"));
}

static void print_event(const json_t *event)
{
    char when[WHEN_BYTES_MAX];

    when_print(number(event, "time"), when);
    (void)printf("%s  %s", when, text(event, "protocol"));
    if (json_object_get(event, "actor") != NULL)
        (void)printf(" %s", text(event, "actor"));
    if (json_object_get(event, "session") != NULL)
        (void)printf(" session %" JSON_INTEGER_FORMAT, number(event, "session"));
    (void)printf(": ");
    print_what(event);
    (void)printf("\n");
}

/* Where there may be more than is told. */
static void print_cut(const struct telling *telling, const json_t *result)
{
    json_int_t since = number(result, "since");
    char when[WHEN_BYTES_MAX];

    if (!json_is_true(json_object_get(result, "cut")) || telling->since_seconds > since)
        return;
    when_print(since, when);
    (void)printf("the history reaches back to %s\n", when);
}

static void take_line(void *context, const json_t *line)
{
    const struct telling *telling = context;
    const json_t *event = json_object_get(line, "event");
    char *printed;

    if (!telling->as_json) {
        if (event != NULL)
            print_event(event);
        else
            print_cut(telling, json_object_get(line, "result"));
        return;
    }
    printed = json_dumps(line, JSON_COMPACT);
    (void)printf("%s\n", printed != NULL ? printed : "{}");
    free(printed);
}

/* The arguments that were given, into `out`. */
static int read_arguments(struct telling *telling, json_t *out)
{
    struct note why;
    uint64_t limit;

    if (telling->since != NULL) {
        if (when_parse(telling->since, (int64_t)time(NULL), &telling->since_seconds, &why) !=
            ERR_OK)
            return cli_complain(EX_USAGE, "%s", why.text);
        (void)json_object_set_new(out, "since", json_integer(telling->since_seconds));
    }
    if (telling->limit != NULL) {
        if (!num_parse(bytes_from_string(telling->limit), LIMIT_MAX, &limit) || limit == 0)
            return cli_complain(EX_USAGE, "--limit wants a number from 1 to %d, not \"%s\"",
                                LIMIT_MAX, telling->limit);
        (void)json_object_set_new(out, "limit", json_integer((json_int_t)limit));
    }
    if (telling->mailbox != NULL &&
        json_object_set_new(out, "mailbox", json_string(telling->mailbox)) != 0)
        return cli_complain(EX_DATAERR, "a mailbox's name is UTF-8");
    return CLI_GO_ON;
}

static int run(const struct verb *verb, struct arguments arguments)
{
    struct telling telling = { .mailbox = NULL };
    const struct option own[] = { { .name = "--mailbox", .value = &telling.mailbox },
                                  { .name = "--since", .value = &telling.since },
                                  { .name = "--limit", .value = &telling.limit },
                                  { .name = "--json", .flag = &telling.as_json } };
    struct maintaining_call call = { .act = "log", .line = take_line, .context = &telling };
    json_t *asked = json_object();
    struct cli cli = { 0 };
    int code = cli_begin(&cli, verb, arguments, own, ARRAY_COUNT(own));

    call.arguments = asked;
    if (code == CLI_GO_ON && cli.options.words_count != 1)
        code = cli_complain(EX_USAGE, "log takes one NAME, the account's");
    if (code == CLI_GO_ON)
        code = read_arguments(&telling, asked);
    if (code == CLI_GO_ON)
        code = cli_configure(&cli);
    if (code == CLI_GO_ON)
        code = maintaining_run(&cli.config, cli.options.words[0], &call);
    json_decref(asked);
    cli_end(&cli);
    return code;
}

const struct verb verb_log = {
    .name = "log",
    .summary = "what happened to an account, and by whom",
    .help =
        "roost log NAME [--mailbox NAME] [--since TIME] [--limit N] [--json]\n\n"
        "Prints what happened to the account, oldest first: when, by which protocol, user and\n"
        "session (the number that the server's log lines have), and what. How far back:\n"
        "mail.expunged_days; where something was forgotten the last line says since when all is\n"
        "known. Changes nothing.\n\n"
        "  --mailbox NAME   only what happened to this one, by its name now or then\n"
        "  --since TIME     2026-11-20, \"2026-11-20 14:30\", 14:30 of today, or 2h, 3d, 1w for "
        "so\n"
        "                   long ago; local unless a zone is given: \"2026-11-20 14:30Z\"\n"
        "  --limit N        only the last N lines\n"
        "  --json           one JSON object a line\n\n"
        "  roost log ann --since 1d --mailbox INBOX\n",
    .run = run,
};
