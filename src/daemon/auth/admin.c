/* Requests about accounts, each a job on a worker. */
#include "daemon/auth/admin.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "auth/accounts_copy.h"
#include "base/log.h"
#include "daemon/auth/state.h"
#include "daemon/auth/sweep.h"
#include "ipc/request_table.h"
#include "sys/clock.h"

enum {
    PAGE = 32, /* accounts in one answer: 32 of the longest names are less than 60 KB */
    DROP_TIMEOUT_MS = 10 * 1000,
    CONGESTED_MS = 20,
};

struct admin {
    struct list link; /* in state->admins */
    struct auth_state *state;
    struct role_asker asker;
    enum ipc_type type;
    struct job job;
    struct loop_timer timer;
    struct role_ask drop;
    struct wall now;
    struct bytes name; /* `text` without the password */
    struct bytes password;
    enum err err;
    struct note why;
    struct accounts_record record;
    char copy[ACCOUNTS_COPY_NAME_BYTES]; /* the name of one; COPY alone */
    struct accounts_record *page; /* PAGE of them; LIST alone */
    size_t page_count;
    size_t text_len;
    uint8_t text[];
};

static void free_admin(struct admin *admin)
{
    loop_timer_done(&admin->timer);
    role_ask_drop(&admin->drop);
    list_remove(&admin->link);
    admin->state->admin_count--;
    explicit_bzero(admin->text, admin->text_len);
    free(admin->page);
    free(admin);
}

static void answer(const struct role_asker *asker, enum ipc_result result, struct bytes text,
                   bool more)
{
    struct ipc_message message = {
        IPC_ACCOUNT_ANSWER,
        { .account_answer = { .result = (uint8_t)result, .more = more, .text = text } }
    };

    role_answer(asker, &message, NULL);
}

static void log_change(const struct admin *admin, enum ipc_result result)
{
    struct log_line line;

    log_begin(&line, result == IPC_OK ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING,
              ipc_rule_find(admin->type)->name);
    log_bytes(&line, "account", admin->name);
    log_string(&line, "result", ipc_result_text(result));
    if (result != IPC_OK)
        log_string(&line, "why", admin->why.text);
    log_end(&line);
}

static json_t *record_json(const struct auth_state *state, const struct accounts_record *record)
{
    static const char digits[] = "0123456789abcdef";
    char id[2 * ACCOUNTS_ID_BYTES];

    for (size_t i = 0; i < ACCOUNTS_ID_BYTES; i++) {
        id[2 * i] = digits[record->id.raw[i] >> 4];
        id[2 * i + 1] = digits[record->id.raw[i] & 15];
    }
    return json_pack("{s:s%, s:s%, s:I, s:I, s:I, s:b, s:b, s:i}", "id", id, sizeof(id), "name",
                     (const char *)record->name.at, (size_t)record->name.len, "created",
                     (json_int_t)record->created, "password_changed",
                     (json_int_t)record->password_changed, "quota_bytes",
                     (json_int_t)record->quota_bytes, "disabled", (int)record->disabled, "scram",
                     (int)record->has_scram, "shard", (int)auth_shard_of(state, &record->id));
}

/* Takes `value`. */
static void answer_json(const struct role_asker *asker, json_t *value, bool more)
{
    char *text = value == NULL ? NULL : json_dumps(value, JSON_COMPACT);

    if (text == NULL)
        abort();
    answer(asker, IPC_OK, bytes_from_string(text), more);
    free(text);
    json_decref(value);
}

static void finish(struct admin *admin)
{
    enum ipc_result result = auth_result_of(admin->err);

    if (admin->type != IPC_ACCOUNT_SHOW)
        log_change(admin, result);
    if (result == IPC_OK)
        answer_json(&admin->asker, record_json(admin->state, &admin->record), false);
    else
        answer(&admin->asker, result, bytes_from_string(admin->why.text), false);
    free_admin(admin);
}

static void submit(struct admin *admin, struct pool *pool)
{
    pool_executor(pool)->submit(pool_executor(pool), &admin->job);
}

static void run_secret(struct job *job)
{
    struct admin *admin = CONTAINER_OF(job, struct admin, job);
    struct accounts *accounts = admin->state->accounts;
    struct accounts_policy policy = auth_policy(&admin->state->config);
    struct accounts_secret secret;

    admin->err = accounts_secret_make(admin->password, &policy, admin->now, &secret, &admin->why);
    if (admin->err != ERR_OK)
        return;
    if (admin->type == IPC_ACCOUNT_ADD)
        admin->err = accounts_add(accounts, admin->name, &secret, &admin->record, &admin->why);
    else
        admin->err =
            accounts_set_password(accounts, admin->name, &secret, &admin->record, &admin->why);
    explicit_bzero(&secret, sizeof(secret));
}

static void on_secret(struct job *job)
{
    struct admin *admin = CONTAINER_OF(job, struct admin, job);
    struct auth_state *state = admin->state;
    struct role_peer *shard;

    if (admin->err == ERR_OK && admin->type == IPC_ACCOUNT_PASSWORD) {
        struct ipc_message logout = {
            IPC_ACCOUNT_LOGOUT, { .account_drop = { .account_id = auth_ipc_id(&admin->record.id) } }
        };

        changes_note(&state->changes, &admin->record.id);
        login_cache_drop(state->cache, &admin->record.id);
        shard = auth_shard_peer(state, &admin->record.id);
        if (shard != NULL && role_tell(shard, &logout, NULL) != ERR_OK)
            log_event(LOG_LEVEL_WARNING, "logout-lost", "account", NULL);
    }
    finish(admin);
}

static void run_show(struct job *job)
{
    struct admin *admin = CONTAINER_OF(job, struct admin, job);

    admin->err = accounts_find(admin->state->accounts, admin->name, &admin->record, NULL);
    if (admin->err != ERR_OK)
        note_set(&admin->why, "there is no account %.*s", BYTES_ARG(admin->name));
}

static void on_show(struct job *job)
{
    finish(CONTAINER_OF(job, struct admin, job));
}

static void run_list(struct job *job)
{
    struct admin *admin = CONTAINER_OF(job, struct admin, job);
    struct bytes after = { NULL, 0 };

    if (admin->page_count > 0)
        after = account_name_bytes(&admin->page[admin->page_count - 1].name);
    admin->err =
        accounts_list(admin->state->accounts, after, admin->page, PAGE, &admin->page_count);
}

static void next_page(struct admin *admin)
{
    if (!role_asker_waits(&admin->asker))
        free_admin(admin);
    else if (channel_is_congested(&admin->asker.peer->channel))
        loop_timer_set_in(&admin->timer, CONGESTED_MS);
    else
        submit(admin, admin->state->lookers);
}

static void on_timer(struct loop_timer *timer)
{
    next_page(CONTAINER_OF(timer, struct admin, timer));
}

static void on_page(struct job *job)
{
    struct admin *admin = CONTAINER_OF(job, struct admin, job);
    bool more = admin->page_count == PAGE;
    json_t *array;

    if (admin->err != ERR_OK) {
        answer(&admin->asker, auth_result_of(admin->err), BYTES("the list could not be read"),
               false);
        free_admin(admin);
        return;
    }
    array = json_array();
    for (size_t i = 0; i < admin->page_count; i++) {
        if (json_array_append_new(array, record_json(admin->state, &admin->page[i])) != 0)
            abort();
    }
    answer_json(&admin->asker, array, more);
    if (more)
        next_page(admin);
    else
        free_admin(admin);
}

static void run_remove(struct job *job)
{
    struct admin *admin = CONTAINER_OF(job, struct admin, job);

    admin->err = accounts_remove(admin->state->accounts, admin->name, admin->now, &admin->record,
                                 &admin->why);
}

/* Whether the shard has done it or not, the account is gone; the sweep sees to the rest. */
static void on_dropped(struct role_ask *ask, const struct ipc_message *answer_message, int *fd)
{
    struct admin *admin = CONTAINER_OF(ask, struct admin, drop);

    (void)answer_message;
    (void)fd;
    sweep_start(admin->state);
    finish(admin);
}

static void on_removed(struct job *job)
{
    struct admin *admin = CONTAINER_OF(job, struct admin, job);
    struct auth_state *state = admin->state;
    struct ipc_message message = {
        IPC_ACCOUNT_DROP, { .account_drop = { .account_id = auth_ipc_id(&admin->record.id) } }
    };
    struct role_peer *shard;

    if (admin->err != ERR_OK) {
        finish(admin);
        return;
    }
    changes_note(&state->changes, &admin->record.id);
    login_cache_drop(state->cache, &admin->record.id);
    admin->drop.answered = on_dropped;
    shard = auth_shard_peer(state, &admin->record.id);
    if (shard != NULL && role_ask(shard, &admin->drop, &message, NULL, DROP_TIMEOUT_MS) == ERR_OK)
        return;
    sweep_start(state);
    finish(admin);
}

/* NULL when there are too many, and then the asker knows. */
static struct admin *make(struct role_peer *from, const struct ipc_message *message,
                          struct bytes name, struct bytes password)
{
    struct auth_state *state = from->role->context;
    struct role_asker asker = role_asker_of(from, message);
    struct admin *admin;

    if (state->admin_count >= AUTH_ADMIN_MAX) {
        answer(&asker, IPC_UNAVAILABLE, BYTES("too many requests at once"), false);
        return NULL;
    }
    admin = calloc(1, sizeof(*admin) + name.len + password.len);
    if (admin == NULL)
        abort();
    admin->state = state;
    admin->asker = asker;
    admin->type = message->type;
    admin->now = clock_wall();
    admin->text_len = name.len + password.len;
    if (name.len > 0)
        memcpy(admin->text, name.at, name.len);
    if (password.len > 0)
        memcpy(admin->text + name.len, password.at, password.len);
    admin->name = bytes_make(admin->text, name.len);
    admin->password = bytes_make(admin->text + name.len, password.len);
    loop_timer_init(&admin->timer, from->role->loop, on_timer);
    state->admin_count++;
    list_push_back(&state->admins, &admin->link);
    return admin;
}

static void begin(struct role_peer *from, const struct ipc_message *message, struct job job)
{
    struct auth_state *state = from->role->context;
    bool slow = message->type == IPC_ACCOUNT_ADD || message->type == IPC_ACCOUNT_PASSWORD;
    struct admin *admin = make(from, message, message->account.name,
                               slow ? message->account.password : (struct bytes){ NULL, 0 });

    if (admin == NULL)
        return;
    admin->job = job;
    submit(admin, slow ? state->hashers : state->lookers);
}

void admin_on_add(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    (void)fd;
    begin(from, message, (struct job){ .run = run_secret, .done = on_secret });
}

void admin_on_password(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    (void)fd;
    begin(from, message, (struct job){ .run = run_secret, .done = on_secret });
}

void admin_on_show(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    (void)fd;
    begin(from, message, (struct job){ .run = run_show, .done = on_show });
}

void admin_on_remove(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    (void)fd;
    begin(from, message, (struct job){ .run = run_remove, .done = on_removed });
}

static void run_copy(struct job *job)
{
    struct admin *admin = CONTAINER_OF(job, struct admin, job);

    admin->err =
        accounts_copy(admin->state->accounts, admin->state->directory, admin->copy, &admin->why);
}

static void on_copied(struct job *job)
{
    struct admin *admin = CONTAINER_OF(job, struct admin, job);
    enum ipc_result result = auth_result_of(admin->err);

    log_change(admin, result);
    if (result == IPC_OK)
        answer_json(&admin->asker, json_pack("{s:s}", "file", admin->copy), false);
    else
        answer(&admin->asker, result, bytes_from_string(admin->why.text), false);
    free_admin(admin);
}

void admin_on_copy(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    struct bytes none = { NULL, 0 };
    struct admin *admin = make(from, message, none, none);

    (void)fd;
    if (admin == NULL)
        return;
    admin->job = (struct job){ .run = run_copy, .done = on_copied };
    submit(admin, admin->state->lookers);
}

void admin_on_list(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    struct bytes none = { NULL, 0 };
    struct admin *admin = make(from, message, none, none);

    (void)fd;
    if (admin == NULL)
        return;
    admin->page = calloc(PAGE, sizeof(*admin->page));
    if (admin->page == NULL)
        abort();
    admin->job = (struct job){ .run = run_list, .done = on_page };
    submit(admin, admin->state->lookers);
}

void admin_forget_all(struct auth_state *state)
{
    LIST_EACH (node, after, &state->admins)
        free_admin(CONTAINER_OF(node, struct admin, link));
}
