/* roost purge: forgets for good what was expunged or deleted. */
#include <jansson.h>
#include <stdio.h>
#include <sysexits.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/maintain.h"
#include "cli/when.h"

enum { COUNTED_MAX = 1 << 20 }; /* LOST_MESSAGES_MAX */

struct purging {
    const char *older_than; /* NULL: all */
    bool is_dry;
    bool yes;
    int64_t before; /* seconds */
};

static json_int_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* "3 messages (1234 bytes) that went before 2026-11-20 00:00:00". */
static void print_messages(const struct purging *purging, const json_t *result)
{
    json_int_t messages = number(result, "messages");
    char text[WHEN_BYTES_MAX];

    if (messages > COUNTED_MAX)
        (void)printf("more than %d messages that went", COUNTED_MAX);
    else
        (void)printf("%" JSON_INTEGER_FORMAT " message%s (%" JSON_INTEGER_FORMAT
                     " bytes) that went",
                     messages, messages == 1 ? "" : "s", number(result, "bytes"));
    when_print(purging->before, text);
    if (purging->older_than != NULL)
        (void)printf(" before %s", text);
}

static void print_dry(const struct purging *purging, const json_t *result)
{
    if (number(result, "messages") == 0) {
        (void)printf("there is no message to forget; nothing was changed\n");
        return;
    }
    print_messages(purging, result);
    (void)printf(" would be forgotten%s; nothing was changed\n",
                 purging->older_than != NULL ? ", but for those beside which the log tells of "
                                               "younger changes"
                                             : "");
}

static void print_result(const struct purging *purging, const json_t *result)
{
    const json_t *since = json_object_get(result, "since");
    bool leaves = number(result, "messages") > 0;
    char text[WHEN_BYTES_MAX];

    if (since == NULL && !leaves)
        (void)printf("there was nothing to forget\n");
    if (since != NULL) {
        when_print(json_integer_value(since), text);
        (void)printf("what went before %s is forgotten; %" JSON_INTEGER_FORMAT " bytes are free\n",
                     text, number(result, "freed_bytes"));
    }
    if (leaves) {
        print_messages(purging, result);
        (void)printf(" stay, because the log tells of younger changes beside them; without "
                     "--older-than they are forgotten, too\n");
    }
    if (json_is_true(json_object_get(result, "held")))
        (void)printf("a backup or another reader holds the log: the files are removed when it is "
                     "done\n");
}

static void take_line(void *context, const json_t *line)
{
    const struct purging *purging = context;
    const json_t *result = json_object_get(line, "result");

    if (result == NULL)
        return;
    if (purging->is_dry)
        print_dry(purging, result);
    else
        print_result(purging, result);
}

static int purge(struct purging *purging, const struct config *config, const char *name)
{
    struct maintaining_call call = { .act = "purge", .line = take_line, .context = purging };
    json_t *arguments = json_pack("{s:b}", "dry_run", (int)purging->is_dry);
    int code;

    if (purging->older_than != NULL)
        (void)json_object_set_new(arguments, "before", json_integer(purging->before));
    call.arguments = arguments;
    code = maintaining_run(config, name, &call);
    json_decref(arguments);
    return code;
}

static int read_time(struct purging *purging)
{
    struct note why;

    if (purging->older_than != NULL &&
        when_parse(purging->older_than, (int64_t)time(NULL), &purging->before, &why) != ERR_OK)
        return cli_complain(EX_USAGE, "%s", why.text);
    return CLI_GO_ON;
}

/* It cannot be undone: --yes, or a person who says so. */
static int confirm(const struct purging *purging, const char *name)
{
    char text[WHEN_BYTES_MAX];
    int code;

    if (purging->yes || purging->is_dry)
        return CLI_GO_ON;
    code = cli_check_terminal("purge cannot be undone");
    if (code != CLI_GO_ON)
        return code;
    if (purging->older_than == NULL)
        return cli_ask_yes("Forget for good what %s has expunged and deleted?", name);
    when_print(purging->before, text);
    return cli_ask_yes("Forget for good what %s has expunged and deleted before %s?", name, text);
}

static int run(const struct verb *verb, struct arguments arguments)
{
    struct purging purging = { .older_than = NULL };
    const struct option own[] = { { .name = "--older-than", .value = &purging.older_than },
                                  { .name = "--dry-run", .flag = &purging.is_dry },
                                  { .name = "--yes", .flag = &purging.yes } };
    struct cli cli = { 0 };
    int code = cli_begin(&cli, verb, arguments, own, ARRAY_COUNT(own));

    if (code == CLI_GO_ON && cli.options.words_count != 1)
        code = cli_complain(EX_USAGE, "purge takes one NAME, the account's");
    if (code == CLI_GO_ON)
        code = read_time(&purging);
    if (code == CLI_GO_ON)
        code = cli_configure(&cli);
    if (code == CLI_GO_ON)
        code = confirm(&purging, cli.options.words[0]);
    if (code == CLI_GO_ON)
        code = purge(&purging, &cli.config, cli.options.words[0]);
    cli_end(&cli);
    return code;
}

const struct verb verb_purge = {
    .name = "purge",
    .summary = "forget for good what was expunged or deleted",
    .help =
        "roost purge NAME [--older-than TIME] [--dry-run] [--yes]\n\n"
        "Removes what was expunged or deleted from the account's log, at once and for good, and\n"
        "what roost log tells of it: while the server runs or without it. The disk needs room\n"
        "for the mail that stays. Copies and backups still have it.\n\n"
        "  --older-than TIME   only what went before: 7d for a week ago, 2026-11-20 (local). The "
        "log\n"
        "                      forgets by segments: what is younger stays, and what is older\n"
        "                      and stands beside it, too; how much that is it says\n"
        "  --dry-run           say what there is to forget, and change nothing\n"
        "  --yes               do not ask; without a terminal to ask at it is required\n\n"
        "  roost purge ann --older-than 7d\n",
    .run = run,
};
