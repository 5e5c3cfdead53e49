/* Commands as bytes that wait to be sent: mouth.h. */
#include "model/mouth.h"

#include <assert.h>
#include <string.h>

enum { UNSENT_MAX = 4 * 1024 * 1024 };

void mouth_init(struct mouth *mouth)
{
    *mouth = (struct mouth){ .unsent = buf_make(UNSENT_MAX) };
    mouth->text.text = buf_make(UNSENT_MAX);
}

void mouth_done(struct mouth *mouth)
{
    buf_done(&mouth->unsent);
    buf_done(&mouth->text.text);
}

/* Arrays but for their counts are left as they are. */
static void pending_clear(struct pending *pending)
{
    memset(pending, 0, offsetof(struct pending, uids));
    memset(&pending->told_count, 0,
           offsetof(struct pending, told) - offsetof(struct pending, told_count));
    memset(&pending->told_copyuid, 0, sizeof(*pending) - offsetof(struct pending, told_copyuid));
}

void mouth_say(struct mouth *mouth, struct client *client, const struct model_command *command)
{
    size_t from = mouth->sent + mouth->unsent.len;
    struct pending *pending = &client->pending[client->pending_count++];
    struct bytes text;

    assert(client->pending_count <= PENDING_MAX);
    pending_clear(pending);
    pending->command = *command;
    pending->tag = ++client->next_tag;
    model_command_print(command, pending->tag, client->rev2, &mouth->text);
    text = buf_bytes(&mouth->text.text);
    buf_add(&mouth->unsent, text);
    pending->ends_at = from + text.len;
    pending->announces_at = from + mouth->text.announces;
    for (unsigned i = 0; i < mouth->text.hold_count; i++)
        mouth->holds[mouth->hold_count++] = from + mouth->text.holds[i];
    client_begin(client);
}

struct bytes mouth_ready(const struct mouth *mouth)
{
    struct bytes all = buf_bytes(&mouth->unsent);

    return mouth->hold_count == 0 ? all : bytes_slice(all, 0, mouth->holds[0] - mouth->sent);
}

static void drop_hold(struct mouth *mouth)
{
    mouth->hold_count--;
    memmove(&mouth->holds[0], &mouth->holds[1], mouth->hold_count * sizeof(mouth->holds[0]));
}

/* Answered while its literal waits: the rest of the command is not said. */
static void drop_refused(struct mouth *mouth, const struct client *client)
{
    if (mouth->hold_count == 0 || mouth->holds[0] != mouth->sent ||
        client->ended_at < mouth->holds[0])
        return;
    while (mouth->hold_count > 0 && mouth->holds[0] <= client->ended_at)
        drop_hold(mouth);
    buf_consume(&mouth->unsent, client->ended_at - mouth->sent);
    mouth->sent = client->ended_at;
}

void mouth_take(struct mouth *mouth, const struct client *client, size_t len)
{
    buf_consume(&mouth->unsent, len);
    mouth->sent += len;
    drop_refused(mouth, client);
}

void mouth_hear(struct mouth *mouth, struct client *client)
{
    while (client->plus > 0) {
        if (mouth->hold_count == 0 || mouth->holds[0] != mouth->sent)
            model_fail("\"+\" without a literal that waits");
        drop_hold(mouth);
        client->plus--;
    }
    drop_refused(mouth, client);
}
