/* What happens to bytes on a disk: flipped, cut, zeroed, overwritten, moved about. */
#ifndef ROOST_TEST_DAMAGE_HARM_H
#define ROOST_TEST_DAMAGE_HARM_H

#include "kit/random.h"
#include "sys/vfs.h"

/* Harms that file of a memory disk in one of many ways. `other`: bytes of another file of its kind
 * (an older version, somebody else's), which may take its place; empty: there is none. */
void harm_file(struct vfs *disk, const char *path, struct test_random *random, struct bytes other);

/* A place in a file of `size` bytes (not 0), now and then near one of its ends. */
uint64_t harm_place(struct test_random *random, uint64_t size);

#endif
