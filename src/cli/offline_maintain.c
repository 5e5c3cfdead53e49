/* An account opened by a command. */
#include "cli/offline_maintain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/control.h"
#include "cli/offline.h"
#include "daemon/mail/place.h"
#include "ipc/route.h"
#include "maintain/maintain.h"
#include "store/account.h"
#include "store/acting.h"
#include "sys/apart.h"
#include "sys/clock.h"
#include "sys/dialog.h"
#include "sys/fd.h"
#include "sys/files.h"
#include "sys/place.h"
#include "sys/process.h"
#include "sys/vfs_posix.h"

enum {
    PATH_BYTES_MAX = 4096,
    LINES_BYTES_MAX = 64 * 1024,
    LIST_PART = 500, /* accounts in one line of the child's answer */
    TIMEOUT_MS = 60 * 1000,
};

/* The child that looks accounts up. */

static void say(struct dialog *dialog, json_t *answer)
{
    char *text = json_dumps(answer, JSON_COMPACT);

    if (text == NULL)
        abort();
    if (dialog_send(dialog, bytes_from_string(text)) == ERR_OK)
        (void)!dialog_send(dialog, BYTES("\n"));
    free(text);
    json_decref(answer);
}

static void say_accounts(struct dialog *dialog, const json_t *accounts)
{
    size_t count = json_array_size(accounts);
    size_t at = 0;

    do {
        json_t *part = json_array();

        for (size_t i = 0; i < LIST_PART && at < count; i++)
            (void)json_array_append(part, json_array_get(accounts, at++));
        say(dialog, json_pack("{s:b, s:b, s:o}", "ok", 1, "more", at < count, "result", part));
    } while (at < count);
}

/* Answers one question of its parent as the control socket does; a failure is a result as well, as
 * it has more shades than that has codes. */
static void look_up(void *context, int fd)
{
    const struct config *config = context;
    struct note why = { "" };
    json_t *result = NULL;
    json_t *request = NULL;
    struct dialog dialog;
    struct bytes line;
    enum err err;

    dialog_init(&dialog, fd, TIMEOUT_MS);
    err = dialog_receive_line(&dialog, &line);
    if (err == ERR_OK) {
        request = json_loadb((const char *)line.at, line.len, 0, NULL);
        err = offline_ask(config, request, &result, &why);
    }
    if (err != ERR_OK)
        say(&dialog, json_pack("{s:b, s:{s:i, s:s}}", "ok", 1, "result", "failed", (int)err, "text",
                               why.text[0] != '\0' ? why.text : err_text(err)));
    else if (json_is_array(result))
        say_accounts(&dialog, result);
    else
        say(&dialog, json_pack("{s:b, s:[O]}", "ok", 1, "result", result));
    json_decref(result);
    json_decref(request);
    dialog_done(&dialog);
}

static enum err find_accounts(const struct config *config, const char *name, json_t **out_accounts,
                              struct note *why)
{
    json_t *request = name == NULL ? json_pack("{s:s}", "verb", "account.list")
                                   : json_pack("{s:s, s:s}", "verb", "account.show", "name", name);
    struct apart apart = { .fd = -1 };
    struct dialog dialog;
    json_t *result = NULL;
    const json_t *failed;
    enum err err;

    if (request == NULL)
        return note_fail(why, ERR_INVALID, "a name is UTF-8");
    err = apart_start(&apart, look_up, (void *)(uintptr_t)config, why);
    if (err == ERR_OK) {
        dialog_init(&dialog, fd_take(&apart.fd), TIMEOUT_MS);
        err = control_ask(&dialog, request, &result, why);
        dialog_done(&dialog);
        apart_done(&apart);
    }
    json_decref(request);
    failed = json_object_get(result, "failed");
    if (err == ERR_OK && failed != NULL) {
        err = note_fail(why, (enum err)json_integer_value(failed), "%s",
                        json_string_value(json_object_get(result, "text")));
        json_decref(result);
    }
    if (err == ERR_OK)
        *out_accounts = result;
    return err;
}

static enum err open_accounts(const struct config *config, struct vfs **out_vfs, struct note *why)
{
    FD_LOCAL int fd = -1;
    char path[PATH_BYTES_MAX];
    struct place place;
    enum err err;

    if (snprintf(path, sizeof(path), "%s/accounts", config->data) >= (int)sizeof(path))
        return note_fail(why, ERR_LIMIT, "the path of data is too long");
    err = place_look(path, &place, why);
    if (err == ERR_NOT_FOUND)
        return note_fail(why, ERR_CONFLICT, "%s is not there yet: no server has run here", path);
    if (err == ERR_OK)
        err = file_open_directory(path, &fd, why);
    if (err == ERR_OK && process_is_root() && place.uid != 0)
        err = process_become(place.uid, place.gid, why);
    if (err != ERR_OK)
        return err;
    place_make_private();
    *out_vfs = vfs_posix_new(fd_take(&fd));
    return ERR_OK;
}

enum err offline_maintain_begin(const struct config *config, const char *name,
                                json_t **out_accounts, struct vfs **out_vfs, struct note *why)
{
    json_t *accounts = NULL;
    enum err err = find_accounts(config, name, &accounts, why);

    if (err == ERR_OK)
        err = open_accounts(config, out_vfs, why);
    if (err == ERR_OK)
        *out_accounts = accounts;
    else
        json_decref(accounts);
    return err;
}

/* Jobs run here, between steps. */
struct inline_jobs {
    struct executor executor;
    struct list queue;
    struct waker waker;
    struct account_listener listener;
    struct mono now; /* goes on as it is told */
    struct note failure; /* why the account's log failed */
};

static void on_durable(struct account_listener *listener)
{
    (void)listener;
}

static void on_changed(struct account_listener *listener, struct mailbox *mailbox)
{
    (void)listener;
    (void)mailbox;
}

static void on_failed(struct account_listener *listener, const struct note *why)
{
    CONTAINER_OF(listener, struct inline_jobs, listener)->failure = *why;
}

static void submit(struct executor *executor, struct job *job)
{
    struct inline_jobs *jobs = CONTAINER_OF(executor, struct inline_jobs, executor);

    list_push_back(&jobs->queue, &job->link);
}

static bool run_job(struct inline_jobs *jobs)
{
    struct list *first = list_first(&jobs->queue);
    struct job *job;

    if (first == NULL)
        return false;
    list_remove(first);
    job = CONTAINER_OF(first, struct job, link);
    job->run(job);
    job->done(job);
    return true;
}

static void on_wake(struct waker *waker)
{
    (void)waker; /* the step comes as soon as the job is done */
}

static void pass_lines(const struct offline_call *call, struct buf *lines)
{
    struct bytes all = buf_bytes(lines);

    for (size_t at = 0; at < all.len;) {
        size_t end = bytes_find_byte(all, at, '\n');
        json_t *line = json_loadb((const char *)all.at + at, end - at, 0, NULL);

        call->line(call->context, line);
        json_decref(line);
        at = end + 1;
    }
    buf_clear(lines);
}

/* What the act has changed is on the disk. */
static enum err make_durable(struct account *account, struct inline_jobs *jobs)
{
    uint64_t gate = account_gate(account);

    while (!account_has_failed(account) && account_durable(account) < gate) {
        account_sync(account);
        while (run_job(jobs))
            ;
    }
    return account_has_failed(account) ? ERR_IO : ERR_OK;
}

/* Whatever the act waits for goes on. Rests are for clients, and there are none: a second passes.
 */
static void pass_time(struct account *account, struct inline_jobs *jobs)
{
    jobs->now.ms += 1000;
    (void)account_tick(account, jobs->now, clock_wall());
    while (run_job(jobs))
        ;
}

static enum err run_act(const struct offline_call *call, struct maintain *act,
                        struct account *account, struct inline_jobs *jobs, struct note *why)
{
    struct buf lines = buf_make(LINES_BYTES_MAX);
    enum maintain_want want = MAINTAIN_AGAIN;
    enum err err;

    while (want != MAINTAIN_DONE && !account_has_failed(account)) {
        want = maintain_step(act, clock_wall(), &lines);
        if (want == MAINTAIN_DONE)
            break;
        pass_lines(call, &lines);
        while (run_job(jobs))
            ;
        while (account_is_acting(account) && !account_has_failed(account))
            (void)account_step(account);
        if (want == MAINTAIN_WAIT)
            pass_time(account, jobs);
    }
    err = want == MAINTAIN_DONE ? maintain_result(act, why) : ERR_IO;
    if (err == ERR_OK && maintain_changes(act))
        err = make_durable(account, jobs);
    if (err != ERR_OK && account_has_failed(account))
        note_set(why, "the account's log failed: %s", jobs->failure.text);
    if (err == ERR_OK)
        pass_lines(call, &lines);
    buf_done(&lines);
    return err;
}

static struct account_options options_of(const struct offline_call *call, struct inline_jobs *jobs)
{
    json_int_t quota = json_integer_value(json_object_get(call->account, "quota_bytes"));

    return (struct account_options){
        .executor = &jobs->executor,
        .create = false, /* what is not there was never used, or is lost: both are to be seen */
        .strict = true,
        .quota_bytes = quota > 0 ? (uint64_t)quota : call->config->mail_quota_bytes,
        .mailboxes_max = (uint32_t)call->config->mail_mailboxes_max,
        .keywords_max = (uint32_t)call->config->mail_keywords_max,
        .now = clock_wall(),
    };
}

static enum err open_account(const struct offline_call *call, struct account_options *options,
                             struct account **out_account, struct note *why)
{
    char path[PLACE_PATH_BYTES];
    struct account_report report;
    struct vfs *vfs;
    enum err err;

    place_path(options->id.raw, path);
    err = vfs_posix_below(call->accounts, path, &vfs);
    if (err == ERR_NOT_FOUND)
        return note_fail(why, err, "nobody has used it yet: there is no mail of it");
    if (err != ERR_OK)
        return note_fail(why, err, "cannot open the account's directory accounts/%s: %s", path,
                         err_text(err));
    options->vfs = vfs;
    err = account_open(options, out_account, &report, why);
    if (err == ERR_OK)
        return ERR_OK;
    vfs_posix_free(vfs);
    if (err == ERR_NOT_FOUND)
        return note_fail(why, err, "nobody has used it yet: there is no mail of it");
    return err == ERR_BUSY ? note_fail(why, err, "another process has the account open") : err;
}

enum err offline_maintain(const struct offline_call *call, struct note *why)
{
    struct inline_jobs jobs = { .executor = { submit },
                                .waker = { on_wake },
                                .listener = { on_durable, on_changed, on_failed } };
    struct account_options options = options_of(call, &jobs);
    char *arguments = call->arguments == NULL ? NULL : json_dumps(call->arguments, JSON_COMPACT);
    char actor[32];
    struct account *account;
    struct maintain *act = NULL;
    enum err err;

    list_init(&jobs.queue);
    (void)snprintf(actor, sizeof(actor), "uid %u", call->uid);
    if (ipc_id_parse(json_string_value(json_object_get(call->account, "id")), options.id.raw))
        err = open_account(call, &options, &account, why);
    else
        err = note_fail(why, ERR_CORRUPT, "an account has no id");
    if (err == ERR_OK) {
        struct maintain_options how = {
            .account = account,
            .vfs = options.vfs,
            .executor = &jobs.executor,
            .waker = &jobs.waker,
            .act = bytes_from_string(call->act),
            .arguments = bytes_from_string(arguments),
            .actor = bytes_from_string(actor),
        };

        account_set_listener(account, &jobs.listener);
        err = maintain_new(&how, &act, why);
        if (err == ERR_OK)
            err = run_act(call, act, account, &jobs, why);
        maintain_free(act);
        while (run_job(&jobs))
            ;
        account_close(account, clock_wall());
        vfs_posix_free(options.vfs);
    }
    free(arguments);
    return err;
}
