/* The child that holds. */
#include "cli/holding.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/control.h"
#include "sys/fd.h"

enum { LISTEN_MS = 10 * 1000, DRAIN_MS = 1 };

/* One connection to the server is one hold. */
struct hold {
    const struct config *config;
    struct dialog control; /* fd -1: none */
};

static void let_go(struct hold *hold)
{
    dialog_done(&hold->control);
    hold->control.fd = -1;
}

static enum err ask(struct hold *hold, struct bytes name)
{
    json_t *request = json_pack("{s:s, s:s%, s:s}", "verb", "maintain", "name",
                                (const char *)name.at, name.len, "act", "hold");
    char *text = request == NULL ? NULL : json_dumps(request, JSON_COMPACT);
    enum err err = ERR_INVALID;

    if (text != NULL)
        err = dialog_send(&hold->control, bytes_from_string(text));
    if (err == ERR_OK)
        err = dialog_send(&hold->control, BYTES("\n"));
    free(text);
    json_decref(request);
    return err;
}

/* An array of lines, perhaps empty, or a refusal. */
static enum err hear(struct hold *hold, bool *held)
{
    json_t *lines = NULL;
    struct bytes text;
    struct note why;
    size_t index;
    json_t *line;
    bool more;
    enum err err = dialog_receive_line(&hold->control, &text);

    if (err == ERR_OK)
        err = control_decode(text, &lines, &more, &why);
    json_array_foreach(lines, index, line)
    {
        if (json_is_true(json_object_get(line, "held")))
            *held = true;
    }
    json_decref(lines);
    return err;
}

static bool take(struct hold *hold, struct bytes name)
{
    bool held = false;
    enum err err;

    let_go(hold);
    err = control_open(hold->config, &hold->control, NULL);
    if (err != ERR_OK) {
        hold->control.fd = -1;
        return false;
    }
    err = ask(hold, name);
    while (err == ERR_OK && !held)
        err = hear(hold, &held);
    if (!held)
        let_go(hold);
    return held;
}

/* The server gives a hold up whose signs of life nobody reads. */
static void listen(struct hold *hold)
{
    bool held = true;
    enum err err = ERR_OK;

    if (hold->control.fd < 0)
        return;
    hold->control.timeout_ms = DRAIN_MS;
    while (err == ERR_OK)
        err = hear(hold, &held);
    if (err != ERR_BUSY)
        let_go(hold);
}

static void work(void *context, int fd)
{
    struct hold hold = { .config = context, .control = { .fd = -1 } };
    struct dialog parent;
    struct bytes name;
    enum err err = ERR_OK;

    dialog_init(&parent, fd, LISTEN_MS);
    while (err == ERR_OK || err == ERR_BUSY) {
        err = dialog_receive_line(&parent, &name);
        if (err == ERR_BUSY)
            listen(&hold);
        else if (err == ERR_OK)
            err = dialog_send(&parent, take(&hold, name) ? BYTES("held\n") : BYTES("not held\n"));
    }
    let_go(&hold);
    dialog_done(&parent);
}

enum err holding_begin(struct holding *holding, const struct config *config, struct note *why)
{
    enum err err = apart_start(&holding->apart, work, (void *)(uintptr_t)config, why);

    if (err == ERR_OK)
        dialog_init(&holding->dialog, fd_take(&holding->apart.fd), INT_MAX);
    return err;
}

bool holding_take(struct holding *holding, const char *name)
{
    struct bytes line;

    return holding->dialog.fd >= 0 &&
           dialog_send(&holding->dialog, bytes_from_string(name)) == ERR_OK &&
           dialog_send(&holding->dialog, BYTES("\n")) == ERR_OK &&
           dialog_receive_line(&holding->dialog, &line) == ERR_OK &&
           bytes_equal(line, BYTES("held"));
}

void holding_end(struct holding *holding)
{
    dialog_done(&holding->dialog);
    apart_done(&holding->apart);
}
