/* What a client has still to say: its commands as bytes, which stop where a literal waits for "+"
 * (RFC 9051 section 4.3). */
#ifndef ROOST_TEST_MODEL_MOUTH_H
#define ROOST_TEST_MODEL_MOUTH_H

#include "model/client.h"

enum { MOUTH_HOLDS_MAX = HOLDS_MAX * PENDING_MAX };

struct mouth {
    struct buf unsent;
    size_t sent; /* bytes, ever */
    size_t holds[MOUTH_HOLDS_MAX]; /* ascending offsets in all that is ever said */
    unsigned hold_count;
    struct command_text text; /* of the last command */
};

void mouth_init(struct mouth *mouth);
void mouth_done(struct mouth *mouth);

/* Adds the command to what the client says and waits for. */
void mouth_say(struct mouth *mouth, struct client *client, const struct model_command *command);

/* What may be sent now. */
struct bytes mouth_ready(const struct mouth *mouth);
void mouth_take(struct mouth *mouth, const struct client *client, size_t len);

/* After responses were read: opens what "+" opens, and drops what a refused literal leaves over. */
void mouth_hear(struct mouth *mouth, struct client *client);

#endif
