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

static void print_mailbox(const json_t *mailbox)
{
    const char *name = json_string_value(json_object_get(mailbox, "name"));
    const char *now = json_string_value(json_object_get(mailbox, "now"));
    json_int_t messages = number(mailbox, "messages");
    json_int_t flags = number(mailbox, "flags");

    (void)printf("%s: %" JSON_INTEGER_FORMAT " message%s back, flags of %" JSON_INTEGER_FORMAT
                 " message%s",
                 name != NULL ? name : "", messages, plural(messages), flags, plural(flags));
    if (json_is_true(json_object_get(mailbox, "made")))
        (void)printf(", made again");
    if (now != NULL)
        (void)printf(", named %s now", now);
    (void)printf("\n");
}

static void print_result(const json_t *result)
{
    json_int_t mailboxes = number(result, "mailboxes");
    json_int_t messages = number(result, "messages");
    json_int_t flags = number(result, "flags");
    json_int_t taken = number(result, "not_renamed");

    (void)printf("%" JSON_INTEGER_FORMAT " message%s back, flags of %" JSON_INTEGER_FORMAT
                 " message%s, %" JSON_INTEGER_FORMAT " mailbox%s made, %" JSON_INTEGER_FORMAT
                 " renamed",
                 messages, plural(messages), flags, plural(flags), mailboxes,
                 mailboxes == 1 ? "" : "es", number(result, "renamed"));
    if (taken > 0)
        (void)printf(", %" JSON_INTEGER_FORMAT " not renamed: the name is taken", taken);
    (void)printf("%s\n", json_is_true(json_object_get(result, "applied"))
                             ? ""
                             : "; nothing was changed, --yes does it");
}

static void take_line(void *context, const json_t *line)
{
    const json_t *mailbox = json_object_get(line, "mailbox");
    const json_t *result = json_object_get(line, "result");

    (void)context;
    if (mailbox != NULL)
        print_mailbox(mailbox);
    else if (result != NULL)
        print_result(result);
}

int account_restore_run(const struct account_restore *restore, const struct config *config,
                        const char *name)
{
    struct maintaining_call call = { .act = "rewind", .line = take_line };
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
