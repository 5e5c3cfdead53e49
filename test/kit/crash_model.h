/* What a disk may hold after a cut: replays a journal of crash_vfs. Private to it. */
#ifndef ROOST_TEST_KIT_CRASH_MODEL_H
#define ROOST_TEST_KIT_CRASH_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sys/vfs.h"

enum crash_act {
    CRASH_CREATE,
    CRASH_APPEND,
    CRASH_TRUNCATE,
    CRASH_SYNC,
    CRASH_SYNC_FAILED,
    CRASH_RENAME,
    CRASH_UNLINK,
    CRASH_MKDIR,
    CRASH_SYNC_DIR,
};

struct crash_step {
    enum crash_act act;
    unsigned inode; /* files are numbered from 1 on, those of the start first */
    char path[VFS_PATH_MAX + 1];
    char to[VFS_PATH_MAX + 1];
    uint8_t *data;
    size_t len; /* of data, or the size after a truncate */
};

/* Paths of files and their numbers. */
struct crash_name {
    char path[VFS_PATH_MAX + 1];
    unsigned inode; /* 0: a directory */
};
struct crash_names {
    struct crash_name *list;
    unsigned count;
};
unsigned crash_names_find(const struct crash_names *names, const char *path); /* 0: none */
void crash_names_set(struct crash_names *names, const char *path, unsigned inode);
void crash_names_remove(struct crash_names *names, const char *path);
void crash_names_done(struct crash_names *names);

bool crash_path_is_directory(struct vfs *disk, const char *path);

/* A new memory disk: `start` and the first `steps` of the journal, then the power went. */
struct vfs *crash_model_build(struct vfs *start, const struct crash_step *journal, unsigned steps,
                              uint64_t seed);

#endif
