/* One round for each kind of file: harm it, open the account, hold it against what must be. */
#ifndef ROOST_TEST_DAMAGE_KINDS_H
#define ROOST_TEST_DAMAGE_KINDS_H

#include "damage/scene.h"
#include "kit/random.h"

struct round {
    const struct scene *scene;
    const struct scene *stranger; /* another account */
    struct test_random *random;
    const char *path; /* of a derived file */
};

void round_log(struct round *round);
void round_body(struct round *round);
void round_base(struct round *round);
void round_lock(struct round *round);
void round_derived(struct round *round);
/* Derived files and bodies, while the account is open and read. */
void round_open(struct round *round);

/* A copy of the scene's disk, with or without its derived files. */
struct vfs *round_disk(struct round *round, bool derived);
/* A version of that file that does not belong there, or nothing. */
struct bytes round_other(struct round *round, const char *path);

#endif
