/* Questions and answers of the control socket. */
#include "daemon/control/request.h"

#include <stdlib.h>
#include <string.h>

#include "ipc/request_table.h"
#include "ipc/route.h"

struct verb {
    const char *name;
    enum ipc_type type;
    enum ipc_role whom;
    bool has_name;
    bool has_password;
    bool each;
    bool maintain;
};

static const struct verb verbs[] = {
    { "account.add", IPC_ACCOUNT_ADD, IPC_ROLE_AUTH, true, true, false, false },
    { "account.show", IPC_ACCOUNT_SHOW, IPC_ROLE_AUTH, true, false, false, false },
    { "account.password", IPC_ACCOUNT_PASSWORD, IPC_ROLE_AUTH, true, true, false, false },
    { "account.remove", IPC_ACCOUNT_REMOVE, IPC_ROLE_AUTH, true, false, false, false },
    { "account.list", IPC_ACCOUNT_LIST, IPC_ROLE_AUTH, false, false, false, false },
    { "account.copy", IPC_ACCOUNT_COPY, IPC_ROLE_AUTH, false, false, false, false },
    { "maintain", IPC_ACCOUNT_SHOW, IPC_ROLE_AUTH, true, false, false, true },
    { "status", IPC_STATUS, IPC_ROLE_SUPERVISOR, false, false, false, false },
    { "reload", IPC_RELOAD, IPC_ROLE_SUPERVISOR, false, false, false, false },
    { "stats", IPC_STATS, IPC_ROLE_MAIL, false, false, true, false },
};

static const struct verb *verb_find(const char *name)
{
    for (size_t i = 0; name != NULL && i < ARRAY_COUNT(verbs); i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

/* The text member `key`, borrowed from the object; false when it is missing or no text. */
static bool text_member(const json_t *json, const char *key, struct bytes *out_text)
{
    const json_t *member = json_object_get(json, key);

    if (!json_is_string(member))
        return false;
    *out_text = bytes_make(json_string_value(member), json_string_length(member));
    return true;
}

/* What the shard is to do; false with a complaint. */
static bool take_act(struct control_request *request, const char **out_complaint)
{
    const json_t *arguments = json_object_get(request->json, "arguments");

    if (!text_member(request->json, "act", &request->act)) {
        *out_complaint = "\"act\" is missing";
        return false;
    }
    if (arguments != NULL && !json_is_object(arguments)) {
        *out_complaint = "\"arguments\" are no object";
        return false;
    }
    if (arguments != NULL)
        request->arguments = json_dumps(arguments, JSON_COMPACT);
    return true;
}

bool control_request_parse(struct bytes line, struct control_request *out_request,
                           const char **out_complaint)
{
    json_t *json =
        json_loadb((const char *)line.at, line.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    const struct verb *verb = verb_find(json_string_value(json_object_get(json, "verb")));
    struct control_request request = { .json = json };

    if (json == NULL)
        *out_complaint = "the line is no JSON object";
    else if (verb == NULL)
        *out_complaint = "\"verb\" is missing, or is none that this server knows";
    else if (verb->has_name && !text_member(json, "name", &request.message.account.name))
        *out_complaint = "\"name\" is missing";
    else if (verb->has_password &&
             !text_member(json, "password", &request.message.account.password))
        *out_complaint = "\"password\" is missing";
    else if (!verb->maintain || take_act(&request, out_complaint)) {
        request.verb = verb->name;
        request.whom = verb->whom;
        request.each = verb->each;
        request.maintain = verb->maintain;
        if (verb->has_name)
            request.name = request.message.account.name;
        request.message.type = verb->type;
        *out_request = request;
        return true;
    }
    control_request_done(&request);
    return false;
}

bool control_request_maintain(struct control_request *request, struct bytes account,
                              uint64_t quota_bytes, unsigned *out_shard)
{
    json_t *json = json_loadb((const char *)account.at, account.len, 0, NULL);
    const json_t *shard = json_object_get(json, "shard");
    json_int_t quota = json_integer_value(json_object_get(json, "quota_bytes"));
    struct ipc_message message = { IPC_MAINTAIN,
                                   { .maintain = {
                                         .quota_bytes = quota > 0 ? (uint64_t)quota : quota_bytes,
                                         .act = request->act,
                                         .arguments = bytes_from_string(request->arguments) } } };
    bool good = json_is_integer(shard) && json_integer_value(shard) >= 0 &&
                json_integer_value(shard) <= UINT16_MAX &&
                ipc_id_parse(json_string_value(json_object_get(json, "id")),
                             message.maintain.account_id.raw);

    if (good) {
        *out_shard = (unsigned)json_integer_value(shard);
        request->message = message;
        request->whom = IPC_ROLE_MAIL;
    }
    json_decref(json);
    return good;
}

void control_request_done(struct control_request *request)
{
    const json_t *password = json_object_get(request->json, "password");

    if (json_is_string(password)) /* jansson has no way to wipe; the bytes are its own */
        explicit_bzero((void *)(uintptr_t)json_string_value(password),
                       json_string_length(password));
    json_decref(request->json);
    free(request->arguments);
    *request = (struct control_request){ .json = NULL };
}

/* Takes `answer`. */
static void print(struct buf *out, json_t *answer)
{
    char *text = answer == NULL ? NULL : json_dumps(answer, JSON_COMPACT);

    if (text == NULL)
        abort(); /* out of memory: all texts are valid by now */
    buf_add_string(out, text);
    buf_add_byte(out, '\n');
    free(text);
    json_decref(answer);
}

/* A JSON text of any bytes: what is no UTF-8 is replaced by a word. */
static json_t *text_of(struct bytes bytes)
{
    json_t *text = json_stringn((const char *)bytes.at, bytes.len);

    return text != NULL ? text : json_string("(not UTF-8)");
}

void control_print_result(struct buf *out, struct bytes json, bool more)
{
    json_t *answer = json_object();
    json_t *result =
        json_loadb((const char *)json.at, json.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

    (void)json_object_set_new(answer, "ok", json_true());
    (void)json_object_set_new(answer, "result", result != NULL ? result : text_of(json));
    if (more)
        (void)json_object_set_new(answer, "more", json_true());
    print(out, answer);
}

static const char *code_of(enum ipc_result result)
{
    switch (result) {
    case IPC_DENIED: return "denied";
    case IPC_NOT_FOUND: return "not-found";
    case IPC_EXISTS: return "exists";
    case IPC_LIMIT:
    case IPC_TOO_LARGE:
    case IPC_OVER_QUOTA: return "limit";
    case IPC_UNAVAILABLE:
    case IPC_EXPIRED: return "unavailable";
    case IPC_UNSUPPORTED: return "unsupported";
    case IPC_NO_SPACE: return "no-space";
    case IPC_OK:
    case IPC_INVALID:
    case IPC_RESULT_COUNT: break;
    }
    return "invalid";
}

void control_print_refusal(struct buf *out, enum ipc_result result, struct bytes text)
{
    json_t *answer = json_object();

    if (text.len == 0)
        text = bytes_from_string(ipc_result_text(result));
    (void)json_object_set_new(answer, "ok", json_false());
    (void)json_object_set_new(answer, "code", json_string(code_of(result)));
    (void)json_object_set_new(answer, "error", text_of(text));
    print(out, answer);
}
