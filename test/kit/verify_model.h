/* What verification should say of one flipped byte (store/verify.h), from the bytes alone. */
#ifndef ROOST_TEST_KIT_VERIFY_MODEL_H
#define ROOST_TEST_KIT_VERIFY_MODEL_H

#include "store/verify.h"

struct vfs;

/* `file` is the segment as it was before the byte at `at` was flipped. False: nothing is to be
 * found, as nobody uses that byte. */
bool verify_model_expect(struct bytes file, uint64_t number, uint64_t at,
                         struct verify_finding *out);

enum { FILES_MAX = 32 };

/* The segments on a memory disk, in the order of their making. */
struct verify_files {
    const char *path[FILES_MAX];
    uint64_t number[FILES_MAX];
    size_t count;
};

void verify_model_list(struct vfs *vfs, struct verify_files *out);

#endif
