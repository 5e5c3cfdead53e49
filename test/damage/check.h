/* Holds an open account against what it should be. */
#ifndef ROOST_TEST_DAMAGE_CHECK_H
#define ROOST_TEST_DAMAGE_CHECK_H

#include "damage/forecast.h"
#include "damage/model.h"
#include "damage/scene.h"
#include "kit/random.h"

/* Every mailbox, message and subscription of the model is there, and nothing else. Every body is
 * read: whole, chunk by chunk, and in random pieces; what lies in bytes that are as they were comes
 * back so, the rest is an error. `disk`: the harmed one, as it was before it was opened. */
struct check {
    const struct scene *scene;
    struct vfs *disk;
    struct desk *desk;
    struct model *model;
    struct test_random *random;
    bool beginning; /* the account had to be given an INBOX of its own */
};
void check_account(struct check *check);

/* Nobody who has seen the account before the harm is left with a belief that is not true, and no
 * UID of a mailbox is given out again. `before`: the model of the whole log. */
void check_clients(struct check *check, struct model *before);

/* The bodies of all rows that the scene knows, through the open account. */
void check_bodies(struct check *check);

#endif
