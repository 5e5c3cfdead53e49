/* `cp -a` of a directory that is being worked in: a disk whose every call may be followed by a
 * piece of the copying.
 *
 * As cp does, it lists a directory when it comes to it, then takes the names one by one: opens a
 * file, reads it page by page, or a few words further, up to the end that it finds. The order of
 * the names is random; a name that has gone meanwhile is passed over. */
#ifndef ROOST_TEST_KIT_COPIER_H
#define ROOST_TEST_KIT_COPIER_H

#include <stdbool.h>
#include <stdint.h>

#include "sys/vfs.h"

struct copier;

/* Over a memory disk (kit/mem_vfs.h), borrowed. */
struct copier *copier_new(struct vfs *disk, uint64_t seed);
void copier_free(struct copier *copier);

/* The vfs that the account is to use. */
struct vfs *copier_get(struct copier *copier);

/* From now on one of `pace` calls (1: each) takes the copy a piece further. */
void copier_begin(struct copier *copier, struct vfs *to, unsigned pace);

/* The rest, with nothing in between. */
void copier_finish(struct copier *copier);

/* From now on `call` comes before every call that opens or changes something, and some reads,
 * instead of a piece of the copying; NULL: no more. It is not called out of itself. */
void copier_on_call(struct copier *copier, void (*call)(void *context), void *context);

/* From now on every read counts as such a call, not only some. */
void copier_on_every_read(struct copier *copier);

/* Nothing is left to be copied. */
bool copier_is_done(const struct copier *copier);

#endif
