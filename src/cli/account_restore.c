/* The act is src/maintain/verb_rewind.c. */
#include "cli/account_restore.h"

#include <jansson.h>
#include <stdio.h>
#include <sysexits.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/maintain.h"
#include "cli/when.h"

static json_int_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static const char *plural(json_int_t count)
{
    return count == 1 ? "" : "s";
}

/* "3 messages back, 1 with other flags"; in a dry run what would be. */
static void print_messages(const json_t *object, bool is_dry)
{
    json_int_t messages = number(object, "messages");

    (void)printf("%" JSON_INTEGER_FORMAT " message%s %s, %" JSON_INTEGER_FORMAT " %s", messages,
                 plural(messages), is_dry ? "would come back" : "back", number(object, "flags"),
                 is_dry ? "would get other flags" : "with other flags");
}

static void print_mailbox(const json_t *mailbox, bool is_dry)
{
    const char *name = json_string_value(json_object_get(mailbox, "name"));
    const char *now = json_string_value(json_object_get(mailbox, "now"));

    (void)printf("%s: ", name != NULL ? name : "");
    print_messages(mailbox, is_dry);
    if (json_is_true(json_object_get(mailbox, "made")))
        (void)printf(is_dry ? "; would be made again" : "; made again");
    if (now != NULL && json_is_true(json_object_get(mailbox, "stays")))
        (void)printf("; is called %s now, and stays so", now);
    else if (now != NULL)
        (void)printf(is_dry ? "; is called %s now, and would be renamed"
                            : "; was called %s, and is renamed",
                     now);
    (void)printf("\n");
}

static void print_result(const json_t *result, bool is_dry)
{
    json_int_t mailboxes = number(result, "mailboxes");
    json_int_t taken = number(result, "not_renamed");

    print_messages(result, is_dry);
    (void)printf(", %" JSON_INTEGER_FORMAT " mailbox%s %smade, %" JSON_INTEGER_FORMAT " renamed",
                 mailboxes, mailboxes == 1 ? "" : "es", is_dry ? "would be " : "",
                 number(result, "renamed"));
    if (taken > 0)
        (void)printf(", %" JSON_INTEGER_FORMAT " not renamed: the name is taken", taken);
    (void)printf("%s\n", is_dry ? "; nothing was changed, --yes does it" : "");
}

static void take_line(void *context, const json_t *line)
{
    const struct account_restore *restore = context;
    const json_t *mailbox = json_object_get(line, "mailbox");
    const json_t *result = json_object_get(line, "result");

    if (mailbox != NULL)
        print_mailbox(mailbox, !restore->yes);
    else if (result != NULL)
        print_result(result, !restore->yes);
}

int account_restore_run(struct account_restore *restore, const struct config *config,
                        const char *name)
{
    struct maintaining_call call = { .act = "rewind", .line = take_line, .context = restore };
    json_t *arguments;
    struct note why;
    int64_t at;
    int code;

    if (restore->at == NULL)
        return cli_complain(EX_USAGE, "account restore wants --at TIME");
    if (when_parse(restore->at, (int64_t)time(NULL), &at, &why) != ERR_OK)
        return cli_complain(EX_USAGE, "%s", why.text);
    arguments = json_pack("{s:I, s:b}", "at", (json_int_t)at, "apply", (int)restore->yes);
    call.arguments = arguments;
    code = maintaining_run(config, name, &call);
    json_decref(arguments);
    return code;
}
