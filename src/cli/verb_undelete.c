/* roost undelete: brings back what was expunged or deleted. */
#include <jansson.h>
#include <stdio.h>
#include <sysexits.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/maintain.h"
#include "cli/when.h"

struct undeleting {
    const char *mailbox; /* NULL: all */
    const char *since;
    bool is_dry;
    int64_t since_seconds;
};

static json_int_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void print_mailbox(const json_t *mailbox)
{
    json_int_t messages = number(mailbox, "messages");
    const char *name = json_string_value(json_object_get(mailbox, "name"));
    char first[WHEN_BYTES_MAX];
    char last[WHEN_BYTES_MAX];

    when_print(number(mailbox, "first"), first);
    when_print(number(mailbox, "last"), last);
    (void)printf("%s: %" JSON_INTEGER_FORMAT " message%s, %" JSON_INTEGER_FORMAT " bytes",
                 name != NULL ? name : "", messages, messages == 1 ? "" : "s",
                 number(mailbox, "bytes"));
    (void)printf(number(mailbox, "first") == number(mailbox, "last") ? ", gone since %s"
                                                                     : ", gone from %s to %s",
                 first, last);
    (void)printf("%s\n", json_is_true(json_object_get(mailbox, "made")) ? "; made again" : "");
}

static void print_result(const struct undeleting *undeleting, const json_t *result)
{
    json_int_t messages = number(result, "messages");
    json_int_t mailboxes = number(result, "mailboxes");
    json_int_t levels = number(result, "levels");
    char since[WHEN_BYTES_MAX];

    when_print(number(result, "since"), since);
    if (messages == 0 && mailboxes == 0) {
        (void)printf("nothing to bring back; the log knows what went since %s\n", since);
        return;
    }
    (void)printf("%" JSON_INTEGER_FORMAT " message%s and %" JSON_INTEGER_FORMAT " mailbox%s %s",
                 messages, messages == 1 ? "" : "s", mailboxes, mailboxes == 1 ? "" : "es",
                 undeleting->is_dry ? "would come back" : "came back");
    if (levels > 0)
        (void)printf(", and %" JSON_INTEGER_FORMAT " above %s made", levels,
                     undeleting->is_dry ? "would be"
                     : levels == 1      ? "was"
                                        : "were");
    (void)printf("%s\n", undeleting->is_dry ? "; nothing was changed" : "");
}

static void take_line(void *context, const json_t *line)
{
    const json_t *mailbox = json_object_get(line, "mailbox");
    const json_t *result = json_object_get(line, "result");

    if (mailbox != NULL)
        print_mailbox(mailbox);
    else if (result != NULL)
        print_result(context, result);
}

static json_t *arguments_of(const struct undeleting *undeleting)
{
    json_t *arguments = json_object();

    (void)json_object_set_new(arguments, "dry_run", json_boolean(undeleting->is_dry));
    if (undeleting->since != NULL)
        (void)json_object_set_new(arguments, "since", json_integer(undeleting->since_seconds));
    if (undeleting->mailbox == NULL ||
        json_object_set_new(arguments, "mailbox", json_string(undeleting->mailbox)) == 0)
        return arguments;
    json_decref(arguments);
    return NULL;
}

static int undelete(struct undeleting *undeleting, const struct config *config, const char *name)
{
    struct maintaining_call call = { .act = "undelete", .line = take_line, .context = undeleting };
    json_t *arguments = arguments_of(undeleting);
    int code;

    if (arguments == NULL)
        return cli_complain(EX_DATAERR, "a mailbox's name is UTF-8");
    call.arguments = arguments;
    code = maintaining_run(config, name, &call);
    json_decref(arguments);
    return code;
}

static int read_since(struct undeleting *undeleting)
{
    struct note why;

    if (undeleting->since != NULL && when_parse(undeleting->since, (int64_t)time(NULL),
                                                &undeleting->since_seconds, &why) != ERR_OK)
        return cli_complain(EX_USAGE, "%s", why.text);
    return CLI_GO_ON;
}

static int run(const struct verb *verb, struct arguments arguments)
{
    struct undeleting undeleting = { .mailbox = NULL };
    const struct option own[] = { { .name = "--mailbox", .value = &undeleting.mailbox },
                                  { .name = "--since", .value = &undeleting.since },
                                  { .name = "--dry-run", .flag = &undeleting.is_dry } };
    struct cli cli = { 0 };
    int code = cli_begin(&cli, verb, arguments, own, ARRAY_COUNT(own));

    if (code == CLI_GO_ON && cli.options.words_count != 1)
        code = cli_complain(EX_USAGE, "undelete takes one NAME, the account's");
    if (code == CLI_GO_ON)
        code = read_since(&undeleting);
    if (code == CLI_GO_ON)
        code = cli_configure(&cli);
    if (code == CLI_GO_ON)
        code = undelete(&undeleting, &cli.config, cli.options.words[0]);
    cli_end(&cli);
    return code;
}

const struct verb verb_undelete = {
    .name = "undelete",
    .summary = "bring back messages and mailboxes that were deleted",
    .help =
        "roost undelete NAME [--mailbox NAME] [--since TIME] [--dry-run]\n\n"
        "Brings back messages that were expunged and mailboxes that were deleted, with their\n"
        "flags and dates, into the mailboxes where they were: while the server runs, open\n"
        "sessions hear of them at once, or without one. \\Deleted is left out, so that the next\n"
        "EXPUNGE does not take them again. What was moved is not lost and stays where it is.\n"
        "Doing it twice brings nothing back twice. How far back: mail.expunged_days.\n\n"
        "  --mailbox NAME   only what was in this one, whether it still exists or not\n"
        "  --since TIME     only what went at this time or later: 2026-11-20, \"2026-11-20\n"
        "                   14:30\", 14:30 of today, or 2h, 3d, 1w for so long ago;\n"
        "                   local unless a zone is given: \"2026-11-20 14:30Z\"\n"
        "  --dry-run        say what would come back, and change nothing\n\n"
        "  roost undelete ann --since 2h --dry-run\n",
    .run = run,
};
