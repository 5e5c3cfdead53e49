/* What a disk may hold after a cut: goes along a journal of crash_vfs. Private to it. */
#ifndef ROOST_TEST_KIT_CRASH_MODEL_H
#define ROOST_TEST_KIT_CRASH_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kit/crash_choice.h"
#include "sys/vfs.h"

enum crash_act {
    CRASH_CREATE,
    CRASH_APPEND,
    CRASH_WRITE,
    CRASH_TRUNCATE,
    CRASH_SYNC,
    CRASH_SYNC_FAILED,
    CRASH_RENAME,
    CRASH_UNLINK,
    CRASH_MKDIR,
    CRASH_SYNC_DIR,
    CRASH_SYNC_DIR_FAILED,
};

struct crash_step {
    enum crash_act act;
    unsigned inode; /* files are numbered from 1 on, those of the start first */
    char path[VFS_PATH_MAX + 1];
    char to[VFS_PATH_MAX + 1];
    uint8_t *data;
    size_t len; /* of data, or the size after a truncate */
    size_t at; /* of a write */
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
void crash_names_copy(struct crash_names *into, const struct crash_names *from);
void crash_names_done(struct crash_names *names);

bool crash_path_is_directory(struct vfs *disk, const char *path);

/* Stands somewhere in a journal. */
struct crash_model;
struct crash_model *crash_model_new(struct vfs *start);
void crash_model_free(struct crash_model *model);

/* The next step happens. It stays with the journal: borrowed until crash_model_free. */
void crash_model_step(struct crash_model *model, const struct crash_step *step);

/* The power goes: a new memory disk, of another boot. */
struct vfs *crash_model_draw(struct crash_model *model, struct crash_choice *choice, uint64_t seed);

#endif
