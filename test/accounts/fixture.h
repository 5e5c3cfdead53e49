/* Account directories that an earlier version left, kept as files, and what was in them.
 *
 *     test/fixtures/accounts/<version>/<name>/            lock, log/, perhaps derived files
 *     test/fixtures/accounts/<version>/<name>/expected    what fixture_describe says of it
 *
 * They are made once (`make fixtures`, when the format has grown) and never made again: every later
 * version must open them. */
#ifndef ROOST_TEST_ACCOUNTS_FIXTURE_H
#define ROOST_TEST_ACCOUNTS_FIXTURE_H

#include <stdbool.h>

#include "kit/desk.h"

#define FIXTURE_EXPECTED "expected"

/* Mailboxes, rows, flags, dates, the CRC of every body: all that must never change. What is derived
 * from bodies is left out: it may be told better some day. */
void fixture_describe(struct desk *desk, struct buf *out);

/* The files of `from`, an account's directory, on a new memory disk that is the place which the
 * lock file names, so that nothing looks copied. */
struct vfs *fixture_load(struct vfs *from);

/* The other way: the files of a memory disk, below a directory that is empty. */
void fixture_save(struct vfs *disk, struct vfs *to);

/* The whole file; empty when it is not there. */
void fixture_read(struct vfs *vfs, const char *path, struct buf *out);

#endif
