/* The life of an act, and the table of acts. */
#include "maintain/maintain.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "maintain/verb.h"
#include "store/account.h"
#include "store/acting.h"
#include "store/mailbox.h"

static const struct maintain_verb *const verbs[] = {
    &maintain_verb_hold,   &maintain_verb_log,      &maintain_verb_purge,
    &maintain_verb_rewind, &maintain_verb_undelete, &maintain_verb_verify,
};

static const struct maintain_verb *verb_find(struct bytes name)
{
    for (size_t i = 0; i < ARRAY_COUNT(verbs); i++)
        if (bytes_equal(name, bytes_from_string(verbs[i]->name)))
            return verbs[i];
    return NULL;
}

static const struct maintain_argument *argument_find(const struct maintain_verb *verb,
                                                     const char *name)
{
    for (size_t i = 0; i < verb->argument_count; i++)
        if (strcmp(verb->arguments[i].name, name) == 0)
            return &verb->arguments[i];
    return NULL;
}

static bool has_type(const json_t *value, enum maintain_type type)
{
    switch (type) {
    case MAINTAIN_TEXT: return json_is_string(value);
    case MAINTAIN_NUMBER: return json_is_integer(value) && json_integer_value(value) >= 0;
    case MAINTAIN_FLAG: return json_is_boolean(value);
    }
    return false;
}

static enum err check_arguments(const struct maintain_verb *verb, json_t *arguments,
                                struct note *why)
{
    static const char *const type_names[] = { "a text", "a number", "true or false" };
    const char *name;
    json_t *value;

    if (!json_is_object(arguments))
        return note_fail(why, ERR_INVALID, "the arguments of %s are no JSON object", verb->name);
    json_object_foreach(arguments, name, value)
    {
        const struct maintain_argument *argument = argument_find(verb, name);

        if (argument == NULL)
            return note_fail(why, ERR_INVALID, "%s takes no \"%.40s\"", verb->name, name);
        if (!has_type(value, argument->type))
            return note_fail(why, ERR_INVALID, "\"%s\" of %s is not %s", name, verb->name,
                             type_names[argument->type]);
    }
    for (size_t i = 0; i < verb->argument_count; i++)
        if (verb->arguments[i].required &&
            json_object_get(arguments, verb->arguments[i].name) == NULL)
            return note_fail(why, ERR_INVALID, "%s needs \"%s\"", verb->name,
                             verb->arguments[i].name);
    return ERR_OK;
}

static json_t *parse_arguments(struct bytes text)
{
    if (text.len == 0)
        return json_object();
    if (text.len > MAINTAIN_ARGUMENTS_BYTES_MAX)
        return NULL;
    return json_loadb((const char *)text.at, text.len, JSON_REJECT_DUPLICATES, NULL);
}

void *maintain_alloc(size_t bytes)
{
    void *memory = calloc(1, bytes);

    if (memory == NULL)
        abort();
    return memory;
}

static void act_free(struct maintain *act)
{
    json_decref(act->arguments);
    free(act);
}

enum err maintain_new(const struct maintain_options *options, struct maintain **out_act,
                      struct note *why)
{
    const struct maintain_verb *verb = verb_find(options->act);
    struct bytes actor = bytes_slice(options->actor, 0, MAINTAIN_ACTOR_BYTES_MAX);
    struct maintain *act;
    enum err err;

    if (verb == NULL)
        return note_fail(why, ERR_UNSUPPORTED, "there is no maintenance called \"%.*s\"",
                         BYTES_ARG(bytes_slice(options->act, 0, 40)));
    act = maintain_alloc(sizeof(*act));
    act->verb = verb;
    act->account = options->account;
    act->vfs = options->vfs;
    act->executor = options->executor;
    if (verb->has_time && options->background != NULL)
        act->executor = options->background;
    act->waker = options->waker;
    if (actor.len > 0)
        memcpy(act->actor, actor.at, actor.len);
    act->origin.protocol = PROTOCOL_ADMIN;
    act->origin.actor = bytes_make(act->actor, actor.len);
    act->arguments = parse_arguments(options->arguments);
    err = check_arguments(verb, act->arguments, why);
    if (err == ERR_OK)
        err = verb->begin(act, act->arguments, why);
    if (err != ERR_OK) {
        act_free(act);
        return err;
    }
    *out_act = act;
    return ERR_OK;
}

/* A change that goes on may be in the log before the account has its number. */
static void let_log_go(struct maintain *act)
{
    uint64_t now = account_change_number(act->account).value;
    bool has_written =
        act->verb->changes && (now != act->paused_at.value || account_is_acting(act->account));

    account_compact_resume(act->account, &act->pause, act->pause.is_held && has_written);
}

enum maintain_want maintain_step(struct maintain *act, struct wall now, struct buf *out)
{
    size_t before = out->len;
    enum maintain_want want;

    assert(!act->is_done && !act->is_dropped);
    if (act->is_running)
        return MAINTAIN_WAIT;
    if (account_is_acting(act->account)) { /* its own act, or a session's */
        account_wait(act->account, act->waker);
        return MAINTAIN_WAIT;
    }
    act->origin.now = now;
    want = act->verb->step(act, out);
    assert(!out->overflowed && out->len - before <= MAINTAIN_STEP_BYTES_MAX);
    assert(act->is_done == (want == MAINTAIN_DONE));
    if (act->is_done)
        let_log_go(act);
    return want;
}

enum err maintain_result(const struct maintain *act, struct note *why)
{
    assert(act->is_done);
    if (act->err != ERR_OK)
        note_set(why, "%s", act->why.text);
    return act->err;
}

bool maintain_changes(const struct maintain *act)
{
    return act->verb->changes;
}

static void end_act(struct maintain *act)
{
    act->verb->end(act);
    act_free(act);
}

void maintain_free(struct maintain *act)
{
    if (act == NULL)
        return;
    act->is_dropped = true;
    account_wait_forget(act->account, act->waker);
    let_log_go(act);
    if (!act->is_running)
        end_act(act);
}

static void on_run(struct job *job)
{
    struct maintain *act = CONTAINER_OF(job, struct maintain, job);

    act->run(act->state);
}

static void on_ran(struct job *job)
{
    struct maintain *act = CONTAINER_OF(job, struct maintain, job);

    act->is_running = false;
    if (act->is_dropped)
        end_act(act);
    else
        act->waker->wake(act->waker);
}

void maintain_run(struct maintain *act, void (*run)(void *state))
{
    assert(!act->is_running);
    act->is_running = true;
    act->run = run;
    act->job = (struct job){ .run = on_run, .done = on_ran };
    act->executor->submit(act->executor, &act->job);
}

struct bytes maintain_mailbox_name(const json_t *arguments)
{
    const json_t *name = json_object_get(arguments, "mailbox");
    struct bytes bytes = bytes_make(json_string_value(name), json_string_length(name));

    return bytes_equal_nocase(bytes, BYTES("INBOX")) ? BYTES("INBOX") : bytes;
}

struct mailbox_id maintain_mailbox_id(const struct maintain *act, struct bytes name)
{
    const struct mailbox *mailbox = name.len == 0 ? NULL : mailbox_find(act->account, name);

    return mailbox == NULL ? (struct mailbox_id){ 0 } : mailbox_id(mailbox);
}

struct wall maintain_time(const json_t *arguments, const char *name)
{
    json_int_t seconds = json_integer_value(json_object_get(arguments, name));

    if (seconds >= INT64_MAX / 1000000)
        seconds = INT64_MAX / 1000000 - 1;
    return (struct wall){ seconds * 1000000 };
}

void maintain_put(struct buf *out, json_t *line)
{
    char *text = line == NULL ? NULL : json_dumps(line, JSON_COMPACT);

    if (text == NULL)
        abort(); /* out of memory: what is put is valid */
    buf_add_string(out, text);
    buf_add_byte(out, '\n');
    free(text);
    json_decref(line);
}

void maintain_progress(struct buf *out, uint64_t done, uint64_t total)
{
    maintain_put(out, json_pack("{s:{s:I, s:I}}", "progress", "done", (json_int_t)done, "total",
                                (json_int_t)total));
}

bool maintain_hold_log(struct maintain *act)
{
    if (act->pause.is_held)
        return true;
    act->pause.waker = act->waker;
    act->paused_at = account_change_number(act->account);
    return account_compact_pause(act->account, &act->pause);
}

json_t *maintain_text(struct bytes text)
{
    json_t *value = json_stringn((const char *)text.at, text.len);

    return value != NULL ? value : json_string("(not UTF-8)");
}

enum maintain_want maintain_succeed(struct maintain *act, struct buf *out, json_t *result)
{
    maintain_put(out, json_pack("{s:o}", "result", result));
    act->is_done = true;
    act->err = ERR_OK;
    return MAINTAIN_DONE;
}

enum maintain_want maintain_fail(struct maintain *act, enum err err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(act->why.text, sizeof(act->why.text), format, args);
    va_end(args);
    act->is_done = true;
    act->err = err;
    return MAINTAIN_DONE;
}
