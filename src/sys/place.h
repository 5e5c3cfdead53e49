/* What a person's command wants to know of a file's place: whose it is, how full the disk is. */
#ifndef ROOST_SYS_PLACE_H
#define ROOST_SYS_PLACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attributes.h"
#include "base/err.h"

struct place {
    uid_t uid;
    gid_t gid;
    mode_t mode; /* permission bits */
    bool is_directory;
    bool is_socket;
    bool read_only; /* the file system is mounted so */
    uint64_t free_bytes; /* on its disk, for those who are not root */
    uint64_t free_files; /* likewise; UINT64_MAX where the file system does not count */
};

/* ERR_NOT_FOUND when nothing is there. */
MUST_USE enum err place_look(const char *path, struct place *out_place, struct note *why);

/* Whether we may read (and, with `write`, write) what is there, as who we are now. */
bool place_may(const char *path, bool write);

/* Makes the file or directory theirs. */
MUST_USE enum err place_give(const char *path, uid_t uid, gid_t gid, struct note *why);

/* From now on what this process makes is for its owner alone. */
void place_make_private(void);

/* The hard limit on open files of this process. */
uint64_t place_fd_limit(void);

#endif
