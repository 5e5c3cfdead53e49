/* Errands: JSON lines from the child. */
#include "cli/errand.h"

#include <limits.h>
#include <stdlib.h>

#include "sys/apart.h"
#include "sys/dialog.h"
#include "sys/fd.h"
#include "sys/place.h"

enum { PART_VALUES = 500 /* in one line */ };

static void say(struct dialog *dialog, json_t *line)
{
    char *text = json_dumps(line, JSON_COMPACT);

    if (text == NULL)
        abort();
    if (dialog_send(dialog, bytes_from_string(text)) == ERR_OK)
        (void)!dialog_send(dialog, BYTES("\n"));
    free(text);
    json_decref(line);
}

/* In the child. */
static void work(void *context, int fd)
{
    const struct errand *errand = context;
    json_t *found = json_array();
    struct note why = { "" };
    struct dialog dialog;
    enum err err;
    size_t at = 0;

    place_make_private();
    dialog_init(&dialog, fd, INT_MAX);
    err = errand->work(errand->context, found, &why);
    while (at < json_array_size(found)) {
        json_t *part = json_array();

        for (size_t i = 0; i < PART_VALUES && at < json_array_size(found); i++)
            (void)json_array_append(part, json_array_get(found, at++));
        say(&dialog, json_pack("{s:o}", "found", part));
    }
    say(&dialog, json_pack("{s:i, s:s}", "err", (int)err, "why",
                           why.text[0] != '\0' ? why.text : err_text(err)));
    json_decref(found);
    dialog_done(&dialog);
}

/* True at the last line. */
static bool take_line(struct bytes text, json_t *found, enum err *err, struct note *why)
{
    json_t *line = json_loadb((const char *)text.at, text.len, 0, NULL);
    json_t *part = json_object_get(line, "found");
    const json_t *end = json_object_get(line, "err");

    if (part != NULL)
        (void)json_array_extend(found, part);
    if (end != NULL) {
        *err = (enum err)json_integer_value(end);
        if (*err != ERR_OK)
            note_set(why, "%s", json_string_value(json_object_get(line, "why")));
    }
    json_decref(line);
    return end != NULL;
}

enum err errand_run(const struct errand *errand, json_t **out_found, struct note *why)
{
    struct apart apart = { .fd = -1 };
    struct dialog dialog;
    struct bytes line;
    bool ended = false;
    enum err err = apart_start(&apart, work, (void *)(uintptr_t)errand, why);

    if (err != ERR_OK)
        return err;
    *out_found = json_array();
    dialog_init(&dialog, fd_take(&apart.fd), INT_MAX);
    while (!ended && dialog_receive_line(&dialog, &line) == ERR_OK)
        ended = take_line(line, *out_found, &err, why);
    dialog_done(&dialog);
    apart_done(&apart);
    return ended ? err : note_fail(why, ERR_CLOSED, "the work was broken off");
}
