/* Verification, second part: are the bodies of the account's messages where they should be, and
 * which messages does each finding cost? After verify_is_done (store/verify.h). */
#ifndef ROOST_STORE_VERIFY_MESSAGES_H
#define ROOST_STORE_VERIFY_MESSAGES_H

#include "store/record.h"
#include "store/verify.h"

enum {
    VERIFY_LOSSES_MAX = 100000, /* kept, of all findings */
    VERIFY_MESSAGES_MAX = 512, /* in one piece */
};

/* A message, and where its body should stand. */
struct verify_message {
    struct mailbox_id mailbox;
    struct uid uid;
    struct body_id body;
    struct place place;
    uint64_t size; /* bytes of the body */
    struct modseq modseq;
    bool is_gone; /* set by verify_messages: there is no such segment */
};

/* A message that a finding costs: its body, or what the last change of it was. */
struct verify_loss {
    size_t finding; /* index */
    struct mailbox_id mailbox;
    struct uid uid;
};

/* How far verify_take has come; zero at first. */
struct verify_cursor {
    struct mailbox_id mailbox;
    uint32_t uid; /* the last one taken */
    bool done;
};

/* On the owner's thread: the next messages of the account, at most `max` (VERIFY_MESSAGES_MAX);
 * answers how many. Whatever changes meanwhile, no message that stays is left out. */
size_t verify_take(const struct account *account, struct verify_cursor *cursor,
                   struct verify_message *out_messages, size_t max);

/* Same, for one that is_gone: what the account says of it now. When it was moved *message has the
 * new place. */
enum verify_again { VERIFY_NO_MORE, VERIFY_MOVED, VERIFY_THE_SAME };
enum verify_again verify_take_again(const struct account *account, struct verify_message *message);

/* When all has been read: looks for the bodies of these messages, blocks, and notes what each
 * finding costs. Those that were made since the beginning are passed over. Who is_gone afterwards
 * was perhaps moved: the owner knows (verify_take_again), and calls verify_lose when it is the
 * same.
 */
MUST_USE enum err verify_messages(struct verify *verify, struct verify_message *messages,
                                  size_t count, struct note *why);
void verify_lose(struct verify *verify, const struct verify_message *message);

/* By finding, mailbox, UID; at most VERIFY_LOSSES_MAX. Borrowed likewise. */
const struct verify_loss *verify_losses(struct verify *verify, size_t *out_count);

#endif
