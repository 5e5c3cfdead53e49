/* Maintenance by the way that is open. */
#include "cli/maintain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cli/cli.h"
#include "cli/control.h"
#include "cli/offline.h"
#include "cli/offline_maintain.h"
#include "sys/clock.h"
#include "sys/process.h"
#include "sys/terminal.h"
#include "sys/vfs_posix.h"

/* One that is not there is told here from one that nobody has used. */
static enum err accounts_online(struct dialog *dialog, const char *name, json_t **out_accounts,
                                struct note *why)
{
    json_t *request = name == NULL ? json_pack("{s:s}", "verb", "account.list")
                                   : json_pack("{s:s, s:s}", "verb", "account.show", "name", name);
    json_t *result = NULL;
    enum err err;

    if (request == NULL)
        return note_fail(why, ERR_INVALID, "a name is UTF-8");
    err = control_ask(dialog, request, &result, why);
    json_decref(request);
    if (err == ERR_OK)
        *out_accounts = name == NULL ? result : json_pack("[o]", result);
    return err;
}

enum err maintaining_begin(struct maintaining *maintaining, const struct config *config,
                           const char *name, struct note *why)
{
    struct dialog dialog;
    enum err err;

    *maintaining = (struct maintaining){ .config = config,
                                         .uid = process_uid(),
                                         .progress = { .is_terminal = terminal_is(2) } };
    err = control_open(config, &dialog, why);
    if (err == ERR_NOT_FOUND)
        return offline_maintain_begin(config, name, &maintaining->accounts, &maintaining->vfs, why);
    if (err != ERR_OK)
        return err;
    err = accounts_online(&dialog, name, &maintaining->accounts, why);
    dialog_done(&dialog);
    return err;
}

size_t maintaining_count(const struct maintaining *maintaining)
{
    return json_array_size(maintaining->accounts);
}

const char *maintaining_name(const struct maintaining *maintaining, size_t index)
{
    const json_t *account = json_array_get(maintaining->accounts, index);
    const char *name = json_string_value(json_object_get(account, "name"));

    return name != NULL ? name : "";
}

/* An act that is running. */
struct running {
    struct maintaining *maintaining;
    const struct maintaining_call *call;
    const char *name;
};

static void take_line(void *context, const json_t *line)
{
    struct running *running = context;
    struct progress *progress = &running->maintaining->progress;
    const json_t *told = json_object_get(line, "progress");

    if (told != NULL) {
        progress_show(progress, running->name,
                      (uint64_t)json_integer_value(json_object_get(told, "done")),
                      (uint64_t)json_integer_value(json_object_get(told, "total")), clock_mono());
        return;
    }
    progress_clear(progress);
    running->call->line(running->call->context, line);
}

static enum err take_part(void *context, json_t *part)
{
    size_t index;
    json_t *line;

    if (!json_is_array(part))
        return ERR_CORRUPT;
    json_array_foreach(part, index, line) take_line(context, line);
    return ERR_OK;
}

static enum err act_online(struct running *running, struct note *why)
{
    const struct maintaining_call *call = running->call;
    json_t *request =
        json_pack("{s:s, s:s, s:s}", "verb", "maintain", "name", running->name, "act", call->act);
    struct dialog dialog;
    enum err err = control_open(running->maintaining->config, &dialog, why);

    if (err == ERR_NOT_FOUND)
        err = note_fail(why, ERR_CLOSED, "the server has gone");
    if (err == ERR_OK) {
        if (call->arguments != NULL)
            (void)json_object_set_new(request, "arguments", json_deep_copy(call->arguments));
        err = control_ask_parts(&dialog, request, take_part, running, why);
        dialog_done(&dialog);
    }
    json_decref(request);
    return err;
}

enum err maintaining_act(struct maintaining *maintaining, size_t index,
                         const struct maintaining_call *call, struct note *why)
{
    struct running running = { maintaining, call, maintaining_name(maintaining, index) };
    struct offline_call offline = {
        .config = maintaining->config,
        .accounts = maintaining->vfs,
        .account = json_array_get(maintaining->accounts, index),
        .act = call->act,
        .uid = maintaining->uid,
        .arguments = call->arguments,
        .line = take_line,
        .context = &running,
    };
    enum err err;

    err = maintaining->vfs == NULL ? act_online(&running, why) : offline_maintain(&offline, why);
    progress_clear(&maintaining->progress);
    return err;
}

void maintaining_end(struct maintaining *maintaining)
{
    vfs_posix_free(maintaining->vfs);
    json_decref(maintaining->accounts);
}

int maintaining_run(const struct config *config, const char *name,
                    const struct maintaining_call *call)
{
    struct maintaining maintaining = { 0 };
    struct note why = { "" };
    enum err err = maintaining_begin(&maintaining, config, name, &why);

    if (err == ERR_OK)
        err = maintaining_act(&maintaining, 0, call, &why);
    maintaining_end(&maintaining);
    if (err != ERR_OK)
        return cli_complain(cli_exit_code(err), "%s: %s", name,
                            why.text[0] != '\0' ? why.text : err_text(err));
    return EX_OK;
}
