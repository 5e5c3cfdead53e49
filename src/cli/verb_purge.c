/* roost purge: forgets for good what was expunged or deleted. */
#include <jansson.h>
#include <stdio.h>
#include <sysexits.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/maintain.h"
#include "cli/when.h"

static void take_line(void *context, const json_t *line)
{
    const json_t *result = json_object_get(line, "result");
    const json_t *since = json_object_get(result, "since");
    char text[WHEN_BYTES_MAX];

    (void)context;
    if (result == NULL)
        return;
    if (since == NULL) {
        (void)printf("there was nothing to forget\n");
        return;
    }
    when_print(json_integer_value(since), text);
    (void)printf("what went before %s is forgotten; %" JSON_INTEGER_FORMAT " bytes are free\n",
                 text, json_integer_value(json_object_get(result, "freed_bytes")));
    if (json_is_true(json_object_get(result, "held")))
        (void)printf("a backup or another reader holds the log: the files are removed when it is "
                     "done\n");
}

static int purge(const struct config *config, const char *name, const char *older_than)
{
    struct maintaining_call call = { .act = "purge", .line = take_line };
    json_t *arguments = json_object();
    int64_t before;
    struct note why;
    int code;

    if (older_than != NULL) {
        if (when_parse(older_than, (int64_t)time(NULL), &before, &why) != ERR_OK) {
            json_decref(arguments);
            return cli_complain(EX_USAGE, "%s", why.text);
        }
        (void)json_object_set_new(arguments, "before", json_integer(before));
    }
    call.arguments = arguments;
    code = maintaining_run(config, name, &call);
    json_decref(arguments);
    return code;
}

static int run(const struct verb *verb, struct arguments arguments)
{
    const char *older_than = NULL;
    const struct option own[] = { { .name = "--older-than", .value = &older_than } };
    struct cli cli = { 0 };
    int code = cli_begin(&cli, verb, arguments, own, ARRAY_COUNT(own));

    if (code == CLI_GO_ON && cli.options.words_count != 1)
        code = cli_complain(EX_USAGE, "purge takes one NAME, the account's");
    if (code == CLI_GO_ON)
        code = cli_configure(&cli);
    if (code == CLI_GO_ON)
        code = purge(&cli.config, cli.options.words[0], older_than);
    cli_end(&cli);
    return code;
}

const struct verb verb_purge = {
    .name = "purge",
    .summary = "forget for good what was expunged or deleted",
    .help =
        "roost purge NAME\n\n"
        "Removes what was expunged or deleted from the account's log, at once and for good, and\n"
        "what roost log tells of it: while the server runs or without it. The disk needs room\n"
        "for the mail that stays. Copies and backups still have it.\n\n"
        "  --older-than TIME   only what went before: 7d for a week ago, 2026-11-20. The log\n"
        "                      forgets by segments: what is younger stays, and perhaps some\n"
        "                      that is older\n\n"
        "  roost purge ann --older-than 7d\n",
    .run = run,
};
