/* roost account: by the running server, or in the accounts database when none runs. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "auth/name.h"
#include "cli/account_restore.h"
#include "cli/account_undelete.h"
#include "cli/cli.h"
#include "cli/control.h"
#include "cli/offline.h"
#include "cli/when.h"
#include "config/nearest.h"
#include "sys/dialog.h"
#include "sys/terminal.h"

enum { SECRET_BYTES_MAX = 1024 };

struct act {
    const char *name;
    const char *verb; /* of the control socket */
    bool takes_name;
    bool takes_password;
    void (*print)(const json_t *result);
};

static void print_time(const char *label, const json_t *seconds)
{
    char text[WHEN_BYTES_MAX];

    when_print(json_integer_value(seconds), text);
    (void)printf("%-17s %s\n", label, text);
}

static const char *name_of(const json_t *account)
{
    const char *name = json_string_value(json_object_get(account, "name"));

    return name != NULL ? name : "";
}

static void print_account(const json_t *account)
{
    json_int_t quota = json_integer_value(json_object_get(account, "quota_bytes"));
    const char *id = json_string_value(json_object_get(account, "id"));

    (void)printf("%-17s %s\n", "name", name_of(account));
    (void)printf("%-17s %s\n", "id", id != NULL ? id : "");
    print_time("created", json_object_get(account, "created"));
    print_time("password changed", json_object_get(account, "password_changed"));
    if (quota > 0)
        (void)printf("%-17s %" JSON_INTEGER_FORMAT " bytes\n", "quota", quota);
    else
        (void)printf("%-17s %s\n", "quota", "that of mail.quota");
    (void)printf("%-17s %s\n", "logins",
                 json_is_true(json_object_get(account, "disabled")) ? "disabled" : "allowed");
    (void)printf("%-17s %s\n", "SCRAM keys",
                 json_is_true(json_object_get(account, "scram")) ? "yes" : "no");
}

static void print_list(const json_t *accounts)
{
    size_t index;
    json_t *account;

    json_array_foreach(accounts, index, account)(void) printf("%s\n", name_of(account));
}

static void print_added(const json_t *account)
{
    (void)printf("added %s\n", name_of(account));
}

static void print_password(const json_t *account)
{
    (void)printf("changed the password of %s\n", name_of(account));
}

static void print_removed(const json_t *account)
{
    (void)printf("removed %s\n", name_of(account));
}

static const struct act acts[] = {
    { "add", "account.add", true, true, print_added },
    { "list", "account.list", false, false, print_list },
    { "show", "account.show", true, false, print_account },
    { "password", "account.password", true, true, print_password },
    { "remove", "account.remove", true, false, print_removed },
    { "restore", NULL, true, false, NULL }, /* account_restore.h */
    { "undelete", NULL, true, true, NULL }, /* account_undelete.h */
};

static int find_act(const struct options *options, const struct act **out_act)
{
    const char *word = options->words_count > 0 ? options->words[0] : "";
    struct nearest nearest = nearest_make(bytes_from_string(word));

    for (size_t i = 0; i < ARRAY_COUNT(acts); i++) {
        size_t words = acts[i].takes_name ? 2 : 1;

        nearest_offer(&nearest, acts[i].name);
        if (strcmp(word, acts[i].name) != 0)
            continue;
        if (options->words_count != words)
            return cli_complain(EX_USAGE, "account %s takes %s", word,
                                words == 2 ? "one NAME" : "no name");
        *out_act = &acts[i];
        return CLI_GO_ON;
    }
    if (word[0] == '\0')
        return cli_complain(EX_USAGE, "account wants one of add, list, show, password, remove, "
                                      "restore, undelete");
    if (nearest.name != NULL)
        return cli_complain(EX_USAGE, "account: no \"%s\"; did you mean %s?", word, nearest.name);
    return cli_complain(EX_USAGE,
                        "account: no \"%s\"; it does add, list, show, password, remove, "
                        "restore, undelete",
                        word);
}

/* The first line of standard input. */
static int read_password(struct buf *out)
{
    int c;

    while ((c = getchar()) != EOF && c != '\n')
        buf_add_byte(out, (uint8_t)c);
    if (bytes_ends_with(buf_bytes(out), BYTES("\r")))
        buf_truncate(out, out->len - 1);
    if (out->len == 0 || out->overflowed)
        return cli_complain(EX_DATAERR, "there is no password on standard input");
    return CLI_GO_ON;
}

static int ask_password(struct buf *out)
{
    struct buf again = buf_make(SECRET_BYTES_MAX);
    struct note why = { "" };
    int code = CLI_GO_ON;

    if (terminal_ask_secret("Password: ", out, &why) != ERR_OK ||
        terminal_ask_secret("The same again: ", &again, &why) != ERR_OK)
        code = cli_complain(EX_NOINPUT, "%s; --password-stdin takes the password from a pipe",
                            why.text);
    else if (!bytes_equal(buf_bytes(out), buf_bytes(&again)))
        code = cli_complain(EX_DATAERR, "the two differ");
    if (again.at != NULL)
        explicit_bzero(again.at, again.capacity);
    buf_done(&again);
    return code;
}

static enum err ask(const struct config *config, const json_t *request, json_t **out_result,
                    struct note *why)
{
    struct dialog dialog;
    enum err err = control_open(config, &dialog, why);

    if (err == ERR_NOT_FOUND)
        return offline_ask(config, request, out_result, why);
    if (err != ERR_OK)
        return err;
    err = control_ask(&dialog, request, out_result, why);
    dialog_done(&dialog);
    return err;
}

static int act_on(const struct config *config, const struct act *act, const char *name,
                  struct bytes password)
{
    json_t *request = json_pack("{s:s}", "verb", act->verb);
    json_t *result = NULL;
    struct note why = { "" };
    enum err err;

    if (name != NULL && json_object_set_new(request, "name", json_string(name)) != 0) {
        json_decref(request);
        return cli_complain(EX_DATAERR, "a name is UTF-8");
    }
    if (password.len > 0 &&
        json_object_set_new(request, "password",
                            json_stringn((const char *)password.at, password.len)) != 0) {
        json_decref(request);
        return cli_complain(EX_DATAERR, "a password is UTF-8");
    }
    err = ask(config, request, &result, &why);
    json_decref(request);
    if (err != ERR_OK)
        return cli_complain(cli_exit_code(err), "%s",
                            why.text[0] != '\0' ? why.text : err_text(err));
    act->print(result);
    json_decref(result);
    return EX_OK;
}

/* Before somebody types a password for nothing. */
static int check_name(const char *name)
{
    struct account_name checked;
    struct note why = { "" };

    if (account_name_check(bytes_from_string(name), &checked, &why) != ERR_OK)
        return cli_complain(EX_DATAERR, "%s", why.text);
    return CLI_GO_ON;
}

/* With the password that it takes. */
static int act_by_name(const struct cli *cli, const struct act *act, bool from_stdin)
{
    struct buf password = buf_make(SECRET_BYTES_MAX);
    int code = CLI_GO_ON;

    if (act->print == print_added || act->verb == NULL)
        code = check_name(cli->options.words[1]);
    if (code == CLI_GO_ON && act->takes_password)
        code = from_stdin ? read_password(&password) : ask_password(&password);
    if (code == CLI_GO_ON && act->verb == NULL)
        code = account_undelete_run(&cli->config, cli->options.words[1], buf_bytes(&password));
    else if (code == CLI_GO_ON)
        code = act_on(&cli->config, act, act->takes_name ? cli->options.words[1] : NULL,
                      buf_bytes(&password));
    if (password.at != NULL)
        explicit_bzero(password.at, password.capacity);
    buf_done(&password);
    return code;
}

static int check_options(const struct act *act, const struct account_restore *restore)
{
    if ((act->verb != NULL || act->takes_password) && restore->at != NULL)
        return cli_complain(EX_USAGE, "--at belongs to account restore");
    if ((act->verb != NULL || act->takes_password) && act->print != print_removed && restore->yes)
        return cli_complain(EX_USAGE, "--yes belongs to account restore and account remove");
    return CLI_GO_ON;
}

/* A slip in a script is as bad as one at the terminal. */
static int confirm_removal(const char *name)
{
    int code = cli_check_terminal("account remove ends an account");

    if (code != CLI_GO_ON)
        return code;
    return cli_ask_yes("Remove %s? The mail goes to the trash.", name);
}

static int run(const struct verb *verb, struct arguments arguments)
{
    bool from_stdin = false;
    struct account_restore restore = { .at = NULL };
    const struct option own[] = { { .name = "--password-stdin", .flag = &from_stdin },
                                  { .name = "--at", .value = &restore.at },
                                  { .name = "--yes", .flag = &restore.yes } };
    const struct act *act = NULL;
    struct cli cli = { 0 };
    int code = cli_begin(&cli, verb, arguments, own, ARRAY_COUNT(own));

    if (code == CLI_GO_ON)
        code = find_act(&cli.options, &act);
    if (code == CLI_GO_ON)
        code = check_options(act, &restore);
    if (code == CLI_GO_ON)
        code = cli_configure(&cli);
    if (code == CLI_GO_ON && act->print == print_removed && !restore.yes)
        code = confirm_removal(cli.options.words[1]);
    if (code == CLI_GO_ON && act->verb == NULL && !act->takes_password)
        code = account_restore_run(&restore, &cli.config, cli.options.words[1]);
    else if (code == CLI_GO_ON)
        code = act_by_name(&cli, act, from_stdin);
    cli_end(&cli);
    return code;
}

const struct verb verb_account = {
    .name = "account",
    .summary = "add, list, show, remove, restore, undelete accounts; set passwords",
    .help =
        "roost account add|show|password NAME\n"
        "roost account remove NAME [--yes]\n"
        "roost account restore NAME --at TIME [--yes]\n"
        "roost account undelete NAME\n"
        "roost account list\n\n"
        "Works while the server runs and while it does not. A removed account's mail goes to\n"
        "the trash; the same name later is another account. undelete, while no server runs, "
        "brings\n"
        "back the last removed one of that name that has mail, under its old id, with a new\n"
        "password.\n\n"
        "restore says what the account was at that time and is not now and, with --yes, makes\n"
        "it so again: mailboxes that are missing are made, messages that were there come back,\n"
        "flags and names become what they were, but nothing becomes \\Deleted. Nothing is taken\n"
        "away: what came since stays, and a message that was moved is in both places. How far\n"
        "back: mail.expunged_days.\n\n"
        "  --at TIME          2026-11-20, \"2026-11-20 14:30\", 14:30 of today, or 2h, 3d, 1w for "
        "so\n"
        "                     long ago; local unless a zone is given: \"2026-11-20 14:30Z\"\n"
        "  --yes              restore: do it; without it nothing is changed. remove: do not ask;\n"
        "                     without a terminal to ask at it is required\n"
        "  --password-stdin   take the password from standard input instead of asking\n\n"
        "  roost account add ann\n"
        "  roost account restore ann --at \"2026-11-20 14:30\"\n"
        "  echo 'a good password' | roost account password ann --password-stdin\n",
    .run = run,
};
