/* Address lists (RFC 5322 s3.4, obsolete forms of s4.4) as ENVELOPE shows them (RFC 9051 s7.5.2).
 *
 * Never fails: junk is passed over, a missing domain is ADDRESS_NO_HOST. Names keep their
 * encoded-words; quotes and comments are taken off. Text is in the arena. */
#ifndef ROOST_MESSAGE_ADDRESS_H
#define ROOST_MESSAGE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/bytes.h"

/* What stands for a local part or domain that is not there: NIL would mean a group. */
#define ADDRESS_NO_MAILBOX BYTES("MISSING_MAILBOX")
#define ADDRESS_NO_HOST BYTES("MISSING_DOMAIN")

/* A view with `at` NULL is NIL. A group starts with an entry that has a mailbox (its name) and no
 * host, and ends with one that has neither. */
struct address {
    struct bytes name;
    struct bytes route; /* obsolete source route, "@a,@b" */
    struct bytes mailbox; /* local part without its quotes */
    struct bytes host;
};

struct address_list {
    struct address *at;
    size_t count;
};

/* At most `count_max` entries (a group that is open is closed even then, past it by one); an arena
 * over budget gives fewer. */
struct address_list address_parse(struct arena *arena, struct bytes value, size_t count_max);

/* 1*address of an envelope's list; its parentheses, or NIL for an empty one, are the caller's. */
void address_print_entries(struct buf *out, const struct address_list *list);

#endif
