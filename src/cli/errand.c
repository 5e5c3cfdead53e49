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

static void say_end(struct dialog *dialog, const json_t *found, enum err err,
                    const struct note *why)
{
    size_t at = 0;

    while (at < json_array_size(found)) {
        json_t *part = json_array();

        for (size_t i = 0; i < PART_VALUES && at < json_array_size(found); i++)
            (void)json_array_append(part, json_array_get(found, at++));
        say(dialog, json_pack("{s:o}", "found", part));
    }
    say(dialog, json_pack("{s:i, s:s}", "err", (int)err, "why",
                          why->text[0] != '\0' ? why->text : err_text(err)));
}

static enum err begin_work(struct dialog *dialog, const struct errand *errand)
{
    json_t *found = json_array();
    struct note why = { "" };
    enum err err = errand->work(errand->context, found, &why);

    say_end(dialog, found, err, &why);
    json_decref(found);
    return err;
}

static void finish_work(struct dialog *dialog, const struct errand *errand)
{
    json_t *found = json_array();
    struct note why = { "" };
    struct bytes word;
    enum err err = dialog_receive_line(dialog, &word); /* none when the parent has given up */

    if (err == ERR_OK) {
        err = errand->finish(errand->context, word, found, &why);
        say_end(dialog, found, err, &why);
    }
    json_decref(found);
}

/* In the child. */
static void work(void *context, int fd)
{
    const struct errand *errand = context;
    struct dialog dialog;

    place_make_private();
    dialog_init(&dialog, fd, INT_MAX);
    if (begin_work(&dialog, errand) == ERR_OK && errand->finish != NULL)
        finish_work(&dialog, errand);
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

static enum err hear(struct dialog *dialog, json_t **out_found, struct note *why)
{
    enum err err = ERR_OK;
    struct bytes line;
    bool ended = false;

    *out_found = json_array();
    while (!ended && dialog_receive_line(dialog, &line) == ERR_OK)
        ended = take_line(line, *out_found, &err, why);
    return ended ? err : note_fail(why, ERR_CLOSED, "the work was broken off");
}

static enum err start(const struct errand *errand, struct errand_child *child, json_t **out_found,
                      struct note *why)
{
    enum err err;

    child->apart = (struct apart){ .fd = -1 };
    err = apart_start(&child->apart, work, (void *)(uintptr_t)errand, why);
    if (err != ERR_OK)
        return err;
    dialog_init(&child->dialog, fd_take(&child->apart.fd), INT_MAX);
    return hear(&child->dialog, out_found, why);
}

void errand_drop(struct errand_child *child)
{
    if (child->apart.pid <= 0)
        return;
    dialog_done(&child->dialog);
    apart_done(&child->apart);
    child->apart.pid = 0;
}

enum err errand_run(const struct errand *errand, json_t **out_found, struct note *why)
{
    struct errand_child child;
    enum err err = start(errand, &child, out_found, why);

    errand_drop(&child);
    return err;
}

enum err errand_begin(const struct errand *errand, struct errand_child *out_child,
                      json_t **out_found, struct note *why)
{
    enum err err = start(errand, out_child, out_found, why);

    if (err != ERR_OK)
        errand_drop(out_child);
    return err;
}

enum err errand_finish(struct errand_child *child, const char *word, json_t **out_found,
                       struct note *why)
{
    enum err err = dialog_send(&child->dialog, bytes_from_string(word));

    if (err == ERR_OK)
        err = dialog_send(&child->dialog, BYTES("\n"));
    if (err == ERR_OK)
        err = hear(&child->dialog, out_found, why);
    else
        note_set(why, "the work was broken off");
    errand_drop(child);
    return err;
}
