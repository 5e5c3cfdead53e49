/* What an account says of itself, as values: to be compared with what it said before a cut, and
 * with what a client remembers. */
#ifndef ROOST_TEST_CRASH_IMAGE_H
#define ROOST_TEST_CRASH_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "kit/desk.h"

struct image_row {
    uint32_t uid;
    uint32_t flags; /* system flags and a checksum of the keywords */
    uint64_t modseq;
    uint64_t body; /* its id */
    uint64_t fixed; /* hash of all that never changes, the bytes of the body included */
};

struct image_mailbox {
    char name[64];
    uint32_t id;
    uint32_t uidvalidity;
    uint32_t uidnext;
    uint64_t highest;
    uint64_t vanished; /* hash of the UIDs that are no more */
    uint64_t hash; /* of the rest: name, uses, recent floor */
    const struct image_row *rows;
    uint32_t count;
};

struct image {
    unsigned holders;
    uint64_t change; /* the account's change number */
    struct image_mailbox *mailboxes;
    uint32_t count;
    struct image_row *rows;
    uint64_t body_max; /* the highest id of a living body */
    uint64_t content; /* hash of all but MODSEQs, UIDNEXTs and vanished UIDs */
    uint64_t whole; /* of everything */
};

/* Of the open account; every body is read. Freed by its last holder. */
struct image *image_take(struct desk *desk);
struct image *image_hold(struct image *image);
void image_drop(struct image *image); /* NULL is allowed */

void image_print(const struct image *image);

/* The mailbox of that id, or NULL. */
const struct image_mailbox *image_find(const struct image *image, uint32_t id);

/* The highest numbers that anybody outside was told. */
struct marks {
    uint64_t change;
    uint64_t body;
    uint32_t uidvalidity;
    uint32_t mailbox;
    struct marks_mailbox {
        uint32_t id;
        uint32_t uidvalidity;
        uint32_t uidnext;
        uint64_t highest;
    } mailboxes[512];
    uint32_t count;
};
void marks_add(struct marks *marks, const struct image *image);

/* Ends the program, with a word of why, unless nothing in `now` went back behind what was told. */
void marks_check(const struct marks *marks, const struct image *now);

/* A client synchronised when the account was `then` and does so again: what CONDSTORE and QRESYNC
 * tell it leads to the truth, or the program ends. `desk` is open and says `now`. */
void client_check(const struct image *then, const struct image *now, struct desk *desk);

/* Prints where the run stands and how it is repeated, then ends it. */
NORETURN void crash_failed(const char *format, ...) PRINTF_LIKE(1, 2);

#endif
