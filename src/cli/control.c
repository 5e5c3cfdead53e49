/* JSON lines with the server. */
#include "cli/control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum err control_path(const struct config *config, char out_path[CONTROL_PATH_BYTES],
                      struct note *why)
{
    if (snprintf(out_path, CONTROL_PATH_BYTES, "%s/control.sock", config->run) >=
        CONTROL_PATH_BYTES)
        return note_fail(why, ERR_LIMIT, "the path of run is too long");
    return ERR_OK;
}

enum err control_open(const struct config *config, struct dialog *dialog, struct note *why)
{
    char path[CONTROL_PATH_BYTES];
    enum err err = control_path(config, path, why);

    return err == ERR_OK ? dialog_open_unix(dialog, path, CONTROL_TIMEOUT_MS, why) : err;
}

enum err control_code_err(const char *code)
{
    static const struct {
        const char *code;
        enum err err;
    } codes[] = {
        { "denied", ERR_DENIED },     { "not-found", ERR_NOT_FOUND },
        { "exists", ERR_EXISTS },     { "limit", ERR_LIMIT },
        { "unavailable", ERR_BUSY },  { "unsupported", ERR_UNSUPPORTED },
        { "no-space", ERR_NO_SPACE }, { "invalid", ERR_INVALID },
    };

    for (size_t i = 0; i < ARRAY_COUNT(codes); i++)
        if (strcmp(codes[i].code, code) == 0)
            return codes[i].err;
    return ERR_INVALID;
}

enum err control_decode(struct bytes line, json_t **out_result, bool *out_more, struct note *why)
{
    json_t *answer = json_loadb((const char *)line.at, line.len, JSON_REJECT_DUPLICATES, NULL);
    const json_t *ok = json_object_get(answer, "ok");
    enum err err = ERR_OK;

    if (!json_is_boolean(ok)) {
        err = note_fail(why, ERR_CORRUPT, "the server's answer cannot be understood");
    } else if (json_is_false(ok)) {
        const char *text = json_string_value(json_object_get(answer, "error"));
        const char *code = json_string_value(json_object_get(answer, "code"));

        note_set(why, "%s", text != NULL ? text : "the server refused it");
        err = control_code_err(code != NULL ? code : "");
    } else {
        *out_result = json_incref(json_object_get(answer, "result"));
        *out_more = json_is_true(json_object_get(answer, "more"));
    }
    json_decref(answer);
    return err;
}

static enum err send_request(struct dialog *dialog, const json_t *request)
{
    char *text = json_dumps(request, JSON_COMPACT);
    enum err err;

    if (text == NULL)
        return ERR_INVALID;
    err = dialog_send(dialog, bytes_from_string(text));
    if (err == ERR_OK)
        err = dialog_send(dialog, BYTES("\n"));
    free(text);
    return err;
}

static enum err receive_part(struct dialog *dialog, json_t **out_part, bool *out_more,
                             struct note *why)
{
    struct bytes line;
    enum err err = dialog_receive_line(dialog, &line);

    if (err != ERR_OK)
        return note_fail(why, err, "the server does not answer: %s", err_text(err));
    return control_decode(line, out_part, out_more, why);
}

enum err control_ask_parts(struct dialog *dialog, const json_t *request, control_part_fn *each,
                           void *context, struct note *why)
{
    enum err err = send_request(dialog, request);
    bool more = true;

    if (err != ERR_OK)
        return note_fail(why, err, "the question cannot be sent to the server: %s", err_text(err));
    while (err == ERR_OK && more) {
        json_t *part = NULL;

        err = receive_part(dialog, &part, &more, why);
        if (err == ERR_OK)
            err = each(context, part);
        json_decref(part);
    }
    return err;
}

static enum err join(void *context, json_t *part)
{
    json_t **whole = context;

    if (*whole == NULL)
        *whole = json_incref(part);
    else
        (void)json_array_extend(*whole, part);
    return ERR_OK;
}

enum err control_ask(struct dialog *dialog, const json_t *request, json_t **out_result,
                     struct note *why)
{
    json_t *whole = NULL;
    enum err err = control_ask_parts(dialog, request, join, &whole, why);

    if (err == ERR_OK)
        *out_result = whole;
    else
        json_decref(whole);
    return err;
}
