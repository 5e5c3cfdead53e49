/* What a client makes of the value of a FETCH item: a tree of lists, strings, numbers and NIL
 * (RFC 9051 section 9: nstring, number, body, envelope). Shares no code with what prints it. */
#ifndef ROOST_FUZZ_IMAP_TREE_H
#define ROOST_FUZZ_IMAP_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "base/bytes.h"

enum imap_tree_kind {
    IMAP_TREE_NIL,
    IMAP_TREE_NUMBER,
    IMAP_TREE_STRING,
    IMAP_TREE_LIST,
};

struct imap_tree {
    enum imap_tree_kind kind;
    uint64_t number;
    struct bytes text; /* of a string, unquoted; in the arena */
    struct imap_tree *first; /* of a list */
    struct imap_tree *next;
};

/* The one value that `text` is, in `arena`. NULL when it is anything else: a bare CR, LF, NUL or
 * byte above 127 in quotes, a literal that is cut off, two blanks, something behind the value. */
struct imap_tree *imap_tree_read(struct bytes text, struct arena *arena);

#endif
