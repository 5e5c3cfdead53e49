/* Names of accounts: which are allowed, when two are the same, and which name an address means.
 *
 * A name is UTF-8 in NFC, at most 255 bytes, with or without `@domain`. Two names are the same when
 * their folded forms are (Unicode case folding, NFC). Pure. */
#ifndef ROOST_AUTH_NAME_H
#define ROOST_AUTH_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/err.h"

enum { ACCOUNT_NAME_BYTES_MAX = 255 };

struct account_name {
    uint8_t len;
    uint8_t at[ACCOUNT_NAME_BYTES_MAX];
};

static inline struct bytes account_name_bytes(const struct account_name *name)
{
    return bytes_make(name->at, name->len);
}

/* For a new account: the name in NFC, or ERR_INVALID and why it will not do. Refused: nothing,
 * more than 255 bytes, what is not UTF-8, control, format, unassigned and blank characters, any of
 * / \ " * % < > ( ) [ ] , ; : + (paths, mailbox patterns, address syntax, the tag), one of - . ~ #
 * @ in front, . or @ at the end, a second @. */
MUST_USE enum err account_name_check(struct bytes text, struct account_name *out_name,
                                     struct note *why);

/* The folded form to look for. False for what can be no account's name: too long, empty, not
 * UTF-8, with a NUL. */
MUST_USE bool account_name_fold(struct bytes text, struct account_name *out_key);

/* The folded names that an address (RFC 5321 Mailbox, quoted local part included, or a bare name)
 * may stand for, the best first: the whole address; its local part when the domain is one of
 * `domains` (compared without case). `+tag` is left out of the local part. */
struct recipient_names {
    struct account_name key[2];
    size_t count; /* 0: no account can be meant */
};

void recipient_names(struct bytes address, const struct bytes *domains, size_t domain_count,
                     struct recipient_names *out_names);

#endif
