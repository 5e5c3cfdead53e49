/* The walk over names. */
#include "imap/listing.h"

#include "base/buf.h"
#include "imap/special_use.h"
#include "imap/state.h"
#include "imap/wire/list.h"
#include "imap/wire/mailbox.h"
#include "store/mailbox.h"

enum { LISTING_ARENA_BYTES = 64 * 1024 };

void imap_listing_init(struct imap_listing *listing, struct account *account)
{
    *listing =
        (struct imap_listing){ .account = account, .names = arena_make(LISTING_ARENA_BYTES) };
}

void imap_listing_done(struct imap_listing *listing)
{
    arena_done(&listing->names);
}

static bool is_below(struct bytes name, struct bytes parent)
{
    return name.len > parent.len && bytes_starts_with(name, parent) &&
           name.at[parent.len] == IMAP_DELIMITER;
}

static bool has_children(struct account *account, struct bytes name)
{
    struct buf prefix = buf_make(name.len + 1);
    struct mailbox *below;
    bool found;

    buf_add(&prefix, name);
    buf_add_byte(&prefix, IMAP_DELIMITER);
    below = mailbox_next(account, buf_bytes(&prefix));
    found = below != NULL && is_below(mailbox_name(below), name);
    buf_done(&prefix);
    return found;
}

/* RFC 9051 s6.3.9.5, s7.3.1; RFC 5258 s3.2, s4; RFC 6154 s2. */
uint32_t imap_listing_attributes(struct account *account, struct bytes name)
{
    const struct mailbox *mailbox = mailbox_find(account, name);
    bool children = mailbox != NULL ? mailbox_has_children(mailbox) : has_children(account, name);
    uint32_t attributes = children ? IMAP_ATTRIBUTE_HAS_CHILDREN : IMAP_ATTRIBUTE_HAS_NO_CHILDREN;

    if (mailbox != NULL)
        attributes |= imap_special_use_from_store(mailbox_uses(mailbox));
    return attributes;
}

/* RFC 9051 s6.3.9.7 */
void imap_listing_tell_name(struct imap_session *session, const struct imap_mailbox *mailbox)
{
    struct imap_list_response list = { .name = mailbox->name, .old_name = mailbox->given };

    if (!session->grammar.rev2 || bytes_equal(mailbox->given, mailbox->name))
        return;
    list.attributes = imap_listing_attributes(session->account, mailbox->name);
    if (mailbox_find(session->account, mailbox->name) == NULL)
        list.attributes |= IMAP_ATTRIBUTE_NONEXISTENT;
    imap_list_response_print(session->out, &session->grammar, &list);
}

/* The smallest candidate name above `after`; empty at the end. */
static struct bytes next_name(const struct imap_listing *listing, struct bytes after)
{
    struct bytes name = { 0 };
    struct bytes subscribed = { 0 };

    if (listing->mailboxes) {
        struct mailbox *mailbox = mailbox_next(listing->account, after);

        if (mailbox != NULL)
            name = mailbox_name(mailbox);
    }
    if (listing->subscriptions)
        subscribed = subscription_next(listing->account, after);
    if (subscribed.len > 0 && (name.len == 0 || bytes_compare(subscribed, name) < 0))
        return subscribed;
    return name;
}

/* How much of `name` was handed out with `before`: whole levels that both share. */
static size_t shared_levels(struct bytes before, struct bytes name)
{
    size_t shared = 0;

    for (size_t i = 0; i < name.len && i < before.len && name.at[i] == before.at[i]; i++)
        if (name.at[i] == IMAP_DELIMITER)
            shared = i + 1;
    /* `name` may be a child of `before` itself. */
    return is_below(name, before) ? before.len + 1 : shared;
}

static bool advance(struct imap_listing *listing)
{
    struct bytes next = next_name(listing, listing->current);
    struct arena names = arena_make(LISTING_ARENA_BYTES);

    if (next.len == 0)
        return false;
    listing->level_at = shared_levels(listing->current, next);
    next = arena_copy(&names, next);
    if (next.at == NULL)
        return false;
    arena_done(&listing->names);
    listing->names = names;
    listing->current = next;
    listing->pending = true;
    return true;
}

/* RFC 9051 s6.3.9.2 */
static void fill(const struct imap_listing *listing, struct bytes name,
                 struct imap_listed *out_listed)
{
    *out_listed = (struct imap_listed){
        .name = name,
        .mailbox = mailbox_find(listing->account, name),
        .subscribed = subscription_has(listing->account, name),
    };
}

/* A level of `current` above it that is no candidate of its own. */
static bool next_level(struct imap_listing *listing, struct imap_listed *out_listed)
{
    while (listing->levels && listing->level_at < listing->current.len) {
        size_t end = bytes_find_byte(listing->current, listing->level_at, IMAP_DELIMITER);

        listing->level_at = end + 1;
        if (end >= listing->current.len)
            return false;
        fill(listing, bytes_slice(listing->current, 0, end), out_listed);
        if ((listing->mailboxes && out_listed->mailbox != NULL) ||
            (listing->subscriptions && out_listed->subscribed))
            continue;
        return true;
    }
    return false;
}

bool imap_listing_next(struct imap_listing *listing, struct imap_listed *out_listed)
{
    if (!listing->pending && !advance(listing))
        return false;
    if (next_level(listing, out_listed))
        return true;
    listing->pending = false;
    fill(listing, listing->current, out_listed);
    return true;
}
