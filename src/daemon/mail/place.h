/* Where an account lives below the accounts directory, and how it goes to the trash.
 *
 * Calls may block: they are made from jobs. Account ids are 16 random bytes; the directory is
 * "ab/ab01...": the first two hexadecimal digits, then all of them. */
#ifndef ROOST_DAEMON_MAIL_PLACE_H
#define ROOST_DAEMON_MAIL_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/err.h"
#include "base/time.h"
#include "ipc/messages.h"
#include "sys/vfs.h"

enum {
    PLACE_PATH_BYTES = 3 + 2 * IPC_ACCOUNT_ID_BYTES + 1,
    PLACE_HEX_BYTES = 2 * IPC_ACCOUNT_ID_BYTES + 1,
    PLACE_ASIDE_BYTES = 8 + PLACE_HEX_BYTES,
    PLACE_TRASH_BYTES = 6 + PLACE_HEX_BYTES + 32,
};

/* 32 digits and a NUL. */
void place_hex(const uint8_t id[IPC_ACCOUNT_ID_BYTES], char out_hex[PLACE_HEX_BYTES]);

/* "ab/ab01..." and a NUL. */
void place_path(const uint8_t id[IPC_ACCOUNT_ID_BYTES], char out_path[PLACE_PATH_BYTES]);

/* Makes the directory and its parent where they are missing, durably. */
MUST_USE enum err place_make(struct vfs *accounts, const uint8_t id[IPC_ACCOUNT_ID_BYTES],
                             struct note *why);

/* Makes "restore/<hex>", a directory beside its place, durably; one that is there is taken as it
 * is.
 */
MUST_USE enum err place_make_aside(struct vfs *accounts, const uint8_t id[IPC_ACCOUNT_ID_BYTES],
                                   char out_path[PLACE_ASIDE_BYTES], struct note *why);

/* Moves it from there to its place, where no directory may be, or one without a name in it. */
MUST_USE enum err place_take_aside(struct vfs *accounts, const uint8_t id[IPC_ACCOUNT_ID_BYTES],
                                   struct note *why);

/* Moves the directory to "trash/<hex>.<seconds>", with ".1" and so on behind it where that is
 * taken, durably. ERR_NOT_FOUND: there was none. `out_path` is valid after ERR_OK only. */
MUST_USE enum err place_trash(struct vfs *accounts, const uint8_t id[IPC_ACCOUNT_ID_BYTES],
                              struct wall now, char out_path[PLACE_TRASH_BYTES], struct note *why);

/* Is there anything in the log of the directory at `path`? False as well where there is none. */
MUST_USE enum err place_has_mail(struct vfs *accounts, const char *path, bool *out_has);

/* A directory of an account in the trash. */
struct place_trashed {
    char path[PLACE_TRASH_BYTES];
    int64_t seconds; /* when it went there */
    uint64_t serial; /* of several that did in that second */
    bool has_mail;
};

/* Tells of each directory of the account in the trash, in any order. */
typedef void place_trashed_fn(void *context, const struct place_trashed *trashed);
MUST_USE enum err place_list_trashed(struct vfs *accounts, const uint8_t id[IPC_ACCOUNT_ID_BYTES],
                                     place_trashed_fn *each, void *context);

/* Moves the one at `path` back to the account's place, durably. ERR_EXISTS: there is one with
 * something in it. */
MUST_USE enum err place_untrash(struct vfs *accounts, const uint8_t id[IPC_ACCOUNT_ID_BYTES],
                                const char *path, struct note *why);

#endif
