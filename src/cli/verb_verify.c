/* roost verify: reads all that is stored and says what does not hold. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "cli/cli.h"
#include "cli/maintain.h"
#include "cli/when.h"

enum { EXIT_DAMAGED = 1 };

struct verifying {
    struct maintaining maintaining;
    bool as_json;
    bool all; /* accounts */
    const char *name; /* of the account at hand */
    size_t damaged; /* accounts */
    size_t failed; /* accounts that could not be read */
    int code; /* of the first of those */
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

static void print_json(const struct verifying *verifying, const json_t *line)
{
    json_t *whole = json_pack("{s:s}", "account", verifying->name);
    char *printed;

    (void)json_object_update(whole, (json_t *)(uintptr_t)line);
    printed = json_dumps(whole, JSON_COMPACT);
    (void)printf("%s\n", printed != NULL ? printed : "{}");
    free(printed);
    json_decref(whole);
}

static void print_when(const json_t *damage)
{
    json_int_t seconds = number(damage, "time");
    char printed[WHEN_BYTES_MAX];

    if (seconds == 0)
        return;
    when_print(seconds, printed);
    (void)printf(", written %s", printed);
}

/* What came by a change that is lost nobody can tell. */
static void print_changes(const json_t *damage)
{
    const json_t *lost = json_object_get(damage, "changes_lost");
    json_int_t first = json_integer_value(json_array_get(lost, 0));
    json_int_t last = json_integer_value(json_array_get(lost, 1));

    if (lost == NULL)
        return;
    (void)printf("; it may have cost changes, and the mail that came with them: number "
                 "%" JSON_INTEGER_FORMAT,
                 first);
    if (last != first)
        (void)printf(" to %" JSON_INTEGER_FORMAT, last);
}

static void print_damage(const struct verifying *verifying, const json_t *damage)
{
    (void)printf("%s: damaged: %s, offset %" JSON_INTEGER_FORMAT ", %" JSON_INTEGER_FORMAT
                 " bytes: %s",
                 verifying->name, text(damage, "segment"), number(damage, "offset"),
                 number(damage, "length"), text(damage, "kind"));
    print_when(damage);
    if (json_is_true(json_object_get(damage, "known")))
        (void)printf("; set aside when the account was opened");
    if (number(damage, "messages") > 0)
        (void)printf("; messages that it costs: %" JSON_INTEGER_FORMAT, number(damage, "messages"));
    print_changes(damage);
    (void)printf("\n");
}

static void print_message(const struct verifying *verifying, const json_t *message)
{
    (void)printf("%s:   %s, UID %" JSON_INTEGER_FORMAT "\n", verifying->name,
                 text(message, "mailbox"), number(message, "uid"));
}

static void print_derived(const struct verifying *verifying, const json_t *derived)
{
    if (!json_is_true(json_object_get(derived, "holds")))
        (void)printf("%s: %s does not hold: it is derived, and made anew when needed\n",
                     verifying->name, text(derived, "file"));
}

static void print_result(const struct verifying *verifying, const json_t *result)
{
    json_int_t damaged = number(result, "damaged");
    json_int_t hit = number(result, "messages_damaged");
    json_int_t messages = number(result, "messages");

    (void)printf("%s: ", verifying->name);
    if (damaged == 0)
        (void)printf("all whole");
    else
        (void)printf("%" JSON_INTEGER_FORMAT " damaged, %" JSON_INTEGER_FORMAT " message%s hit",
                     damaged, hit, hit == 1 ? "" : "s");
    (void)printf("; %" JSON_INTEGER_FORMAT " records, %" JSON_INTEGER_FORMAT
                 " message%s, %" JSON_INTEGER_FORMAT " bytes read\n",
                 number(result, "records"), messages, messages == 1 ? "" : "s",
                 number(result, "bytes"));
}

static void take_line(void *context, const json_t *line)
{
    struct verifying *verifying = context;
    const json_t *damage = json_object_get(line, "damage");
    const json_t *message = json_object_get(line, "message");
    const json_t *derived = json_object_get(line, "derived");
    const json_t *result = json_object_get(line, "result");

    if (number(result, "damaged") > 0)
        verifying->damaged++;
    if (verifying->as_json)
        print_json(verifying, line);
    else if (damage != NULL)
        print_damage(verifying, damage);
    else if (message != NULL)
        print_message(verifying, message);
    else if (derived != NULL)
        print_derived(verifying, derived);
    else if (result != NULL)
        print_result(verifying, result);
}

/* Never used, lost, or removed since the listing. */
static void print_absent(const struct verifying *verifying)
{
    json_t *line;

    if (!verifying->as_json) {
        (void)printf("%s: nobody has used it yet: there is no mail of it\n", verifying->name);
        return;
    }
    line = json_pack("{s:b}", "absent", 1);
    print_json(verifying, line);
    json_decref(line);
}

static void verify_one(struct verifying *verifying, size_t index)
{
    const struct maintaining_call call = { .act = "verify",
                                           .line = take_line,
                                           .context = verifying };
    struct note why = { "" };
    enum err err;

    verifying->name = maintaining_name(&verifying->maintaining, index);
    err = maintaining_act(&verifying->maintaining, index, &call, &why);
    if (err == ERR_NOT_FOUND)
        print_absent(verifying);
    if (err == ERR_OK || err == ERR_NOT_FOUND)
        return;
    (void)cli_complain(0, "%s: %s", verifying->name,
                       why.text[0] != '\0' ? why.text : err_text(err));
    if (verifying->failed++ == 0)
        verifying->code = cli_exit_code(err);
}

static int verify(struct verifying *verifying, const struct config *config, const char *name)
{
    struct note why = { "" };
    enum err err = maintaining_begin(&verifying->maintaining, config, name, &why);
    size_t count = maintaining_count(&verifying->maintaining);

    verifying->all = name == NULL;
    if (err != ERR_OK)
        return cli_complain(cli_exit_code(err), "%s",
                            why.text[0] != '\0' ? why.text : err_text(err));
    for (size_t i = 0; i < count; i++)
        verify_one(verifying, i);
    if (verifying->all && !verifying->as_json)
        (void)printf("accounts: %zu, damaged: %zu, not read: %zu\n", count, verifying->damaged,
                     verifying->failed);
    if (verifying->damaged > 0)
        return EXIT_DAMAGED;
    return verifying->failed > 0 ? verifying->code : EX_OK;
}

static int run(const struct verb *verb, struct arguments arguments)
{
    struct verifying verifying = { .as_json = false };
    const struct option own[] = { { .name = "--json", .flag = &verifying.as_json } };
    struct cli cli = { 0 };
    int code = cli_begin(&cli, verb, arguments, own, ARRAY_COUNT(own));

    if (code == CLI_GO_ON && cli.options.words_count > 1)
        code = cli_complain(EX_USAGE, "verify takes one NAME, or none for all accounts");
    if (code == CLI_GO_ON)
        code = cli_configure(&cli);
    if (code == CLI_GO_ON) {
        code = verify(&verifying, &cli.config,
                      cli.options.words_count == 1 ? cli.options.words[0] : NULL);
        maintaining_end(&verifying.maintaining);
    }
    cli_end(&cli);
    return code;
}

const struct verb verb_verify = {
    .name = "verify",
    .summary = "read all that is stored; say what is damaged",
    .help = "roost verify [NAME]\n\n"
            "Reads every record of the account's log, or of all accounts', while the server runs\n"
            "or without one, and checks it against its checksums. Ends with 0 when all is whole,\n"
            "with 1 when something is damaged. Repairs nothing; without a server it opens the\n"
            "account as the server would: the end of a broken write is cut off, damage is set\n"
            "aside in the log's directory and kept. An account that nobody has used is named as\n"
            "such and no trouble; one whose directory is lost looks like it.\n\n"
            "  --json   one JSON object a line\n\n"
            "  roost verify ann\n",
    .run = run,
};
