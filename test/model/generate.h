/* Commands at random, of every kind and with every argument, that fit what the client knows well
 * enough to do something most of the time. */
#ifndef ROOST_TEST_MODEL_GENERATE_H
#define ROOST_TEST_MODEL_GENERATE_H

#include "kit/random.h"
#include "model/client.h"

struct generator {
    struct test_random random;
    uint32_t numbers; /* of messages made so far */
    bool large; /* large messages too */
};

/* `pipelined`: behind others that were not answered yet. */
void model_generate(struct generator *generator, const struct client *client, bool pipelined,
                    struct model_command *out);

#endif
