/* Account verbs on the database itself. */
#include "cli/offline.h"

#include <stdio.h>
#include <string.h>

#include "auth/accounts.h"
#include "sys/child.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/files.h"
#include "sys/place.h"
#include "sys/process.h"

enum { OFFLINE_PATH_MAX = 4096, OFFLINE_PAGE = 64 };

const struct offline_part offline_auth = { "auth", "roost-auth" };
const struct offline_part offline_accounts = { "accounts", "roost-mail" };

/* One request in the open database. */
struct offline {
    const struct config *config;
    struct accounts *accounts;
    struct bytes name;
    struct bytes password;
    struct note *why;
};

typedef enum err offline_act(struct offline *offline, json_t **out_result);

static json_t *account_json(const struct accounts_record *record)
{
    char id[2 * ACCOUNTS_ID_BYTES + 1];
    struct bytes name = account_name_bytes(&record->name);

    for (size_t i = 0; i < ACCOUNTS_ID_BYTES; i++)
        (void)snprintf(id + 2 * i, 3, "%02x", record->id.raw[i]);
    return json_pack("{s:s%, s:s, s:I, s:I, s:I, s:b, s:b}", "name", (const char *)name.at,
                     name.len, "id", id, "created", (json_int_t)record->created, "password_changed",
                     (json_int_t)record->password_changed, "quota_bytes",
                     (json_int_t)record->quota_bytes, "disabled", record->disabled, "scram",
                     record->has_scram);
}

static bool wants_scram(const struct config *config)
{
    for (size_t i = 0; i < config->auth_mechanisms.count; i++)
        if (bytes_starts_with_nocase(config->auth_mechanisms.at[i], BYTES("SCRAM-SHA-256")))
            return true;
    return false;
}

struct accounts_policy offline_policy(const struct config *config)
{
    return (struct accounts_policy){
        .scheme = config->auth_password_hash == CONFIG_HASH_ARGON2ID ? PASSWORD_ARGON2ID
                                                                     : PASSWORD_YESCRYPT,
        .scram_iterations = wants_scram(config) ? (uint32_t)config->auth_scram_iterations : 0,
    };
}

static enum err make_secret(struct offline *offline, struct accounts_secret *out_secret)
{
    struct accounts_policy policy = offline_policy(offline->config);

    return accounts_secret_make(offline->password, &policy, clock_wall(), out_secret, offline->why);
}

static enum err not_found(const struct offline *offline, enum err err)
{
    if (err == ERR_NOT_FOUND)
        note_set(offline->why, "there is no account %.*s", BYTES_ARG(offline->name));
    return err;
}

static enum err answer(enum err err, const struct accounts_record *record, json_t **out_result)
{
    if (err == ERR_OK)
        *out_result = account_json(record);
    return err;
}

static enum err act_add(struct offline *offline, json_t **out_result)
{
    struct accounts_secret secret = { .set = 0 };
    struct accounts_record record;
    enum err err = make_secret(offline, &secret);

    if (err == ERR_OK)
        err = accounts_add(offline->accounts, offline->name, &secret, &record, offline->why);
    explicit_bzero(&secret, sizeof(secret));
    return answer(err, &record, out_result);
}

static enum err act_password(struct offline *offline, json_t **out_result)
{
    struct accounts_secret secret = { .set = 0 };
    struct accounts_record record;
    enum err err = make_secret(offline, &secret);

    if (err == ERR_OK)
        err =
            accounts_set_password(offline->accounts, offline->name, &secret, &record, offline->why);
    explicit_bzero(&secret, sizeof(secret));
    return answer(not_found(offline, err), &record, out_result);
}

static enum err act_show(struct offline *offline, json_t **out_result)
{
    struct accounts_record record;
    enum err err = accounts_find(offline->accounts, offline->name, &record, NULL);

    return answer(not_found(offline, err), &record, out_result);
}

static enum err act_remove(struct offline *offline, json_t **out_result)
{
    struct accounts_record record;
    enum err err =
        accounts_remove(offline->accounts, offline->name, clock_wall(), &record, offline->why);

    return answer(not_found(offline, err), &record, out_result);
}

static enum err act_list(struct offline *offline, json_t **out_result)
{
    struct accounts_record page[OFFLINE_PAGE];
    struct account_name last = { .len = 0 };
    json_t *list = json_array();
    size_t count = OFFLINE_PAGE;

    while (count == OFFLINE_PAGE) {
        enum err err =
            accounts_list(offline->accounts, account_name_bytes(&last), page, OFFLINE_PAGE, &count);

        if (err != ERR_OK) {
            json_decref(list);
            return err;
        }
        for (size_t i = 0; i < count; i++)
            (void)json_array_append_new(list, account_json(&page[i]));
        if (count > 0)
            last = page[count - 1].name;
    }
    *out_result = list;
    return ERR_OK;
}

enum err offline_open_part(const struct config *config, const struct offline_part *part,
                           int *out_fd, struct note *why)
{
    char path[OFFLINE_PATH_MAX];
    bool is_root = process_is_root();
    struct child_user user = { 0 };
    struct place place;
    enum err err;

    if (snprintf(path, sizeof(path), "%s/%s", config->data, part->name) >= (int)sizeof(path))
        return note_fail(why, ERR_LIMIT, "the path of data is too long");
    err = place_look(path, &place, why);
    if (err == ERR_NOT_FOUND) {
        err = is_root ? child_find_user(part->user, &user, why) : ERR_OK;
        if (err == ERR_OK)
            err = file_make_directory(config->data, is_root ? 0711 : 0700, why);
        if (err == ERR_OK)
            err = file_make_directory(path, 0700, why);
        if (err == ERR_OK && is_root)
            err = place_give(path, user.uid, user.gid, why);
        if (err == ERR_OK)
            err = place_look(path, &place, why);
    }
    if (err == ERR_OK)
        err = file_open_directory(path, out_fd, why);
    if (err == ERR_OK && is_root && place.uid != 0)
        err = process_become(place.uid, place.gid, why);
    return err;
}

static struct bytes member(const json_t *request, const char *name)
{
    const json_t *value = json_object_get(request, name);

    return bytes_make(json_string_value(value), json_string_length(value));
}

static offline_act *find_act(struct bytes verb)
{
    static const struct {
        const char *verb;
        offline_act *act;
    } acts[] = {
        { "account.add", act_add },       { "account.list", act_list },
        { "account.show", act_show },     { "account.password", act_password },
        { "account.remove", act_remove },
    };

    for (size_t i = 0; i < ARRAY_COUNT(acts); i++)
        if (bytes_equal(verb, bytes_from_string(acts[i].verb)))
            return acts[i].act;
    return NULL;
}

enum err offline_ask(const struct config *config, const json_t *request, json_t **out_result,
                     struct note *why)
{
    offline_act *act = find_act(member(request, "verb"));
    struct offline offline = {
        .config = config,
        .name = member(request, "name"),
        .password = member(request, "password"),
        .why = why,
    };
    FD_LOCAL int fd = -1;
    struct note reason = { "" };
    char path[64];
    enum err err;

    if (act == NULL)
        return note_fail(why, ERR_UNSUPPORTED, "the server does not run");
    err = offline_open_part(config, &offline_auth, &fd, why);
    if (err != ERR_OK)
        return err;
    place_make_private();
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    err = accounts_open(path, &offline.accounts, &reason);
    if (err != ERR_OK)
        return note_fail(why, err, "%s/auth/%s", config->data, reason.text);
    err = act(&offline, out_result);
    accounts_close(offline.accounts);
    return err;
}
