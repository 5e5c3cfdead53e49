/* Names for LIST and LSUB: what exists, what is subscribed, and the levels that only children have.
 *
 * Walks all candidate names in byte order; at each the command decides. A name's children are
 * contiguous in that order, so a level without a mailbox comes up once, before its first child. */
#ifndef ROOST_IMAP_LISTING_H
#define ROOST_IMAP_LISTING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"

struct account;
struct imap_session;
struct mailbox;

struct imap_listing {
    struct account *account;
    bool mailboxes; /* candidates: all that exist */
    bool subscriptions; /* candidates: all that are subscribed */
    bool levels; /* candidates: levels above those, even without a mailbox */
    struct arena names; /* holds `current`; reset as it grows */
    struct bytes current; /* the last name of the walk, not a level */
    size_t level_at; /* bytes of `current` whose levels were handed out already */
    bool pending; /* `current` itself is still to come */
};

struct imap_listed {
    struct bytes name; /* valid until the next call */
    struct mailbox *mailbox; /* NULL: no mailbox of that name */
    bool subscribed;
};

void imap_listing_init(struct imap_listing *listing, struct account *account);
void imap_listing_done(struct imap_listing *listing);

/* The next candidate; false at the end. Robust against changes between calls. */
bool imap_listing_next(struct imap_listing *listing, struct imap_listed *out_listed);

/* \HasChildren or \HasNoChildren, and the special uses: what LIST says of a name anyway, whether a
 * mailbox has it or not. Bits of enum imap_list_attribute. */
uint32_t imap_listing_attributes(struct account *account, struct bytes name);

/* In IMAP4rev2, when the client spelled the name otherwise: a LIST response with OLDNAME
 * (RFC 9051 section 6.3.9.7), so that it knows the name that the server uses. */
struct imap_mailbox;
void imap_listing_tell_name(struct imap_session *session, const struct imap_mailbox *mailbox);

#endif
