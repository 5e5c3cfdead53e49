/* Verdicts as protocol text. */
#include "smtp/reply.h"

#include "base/ascii.h"

enum { SHOWN_BYTES_MAX = 254 }; /* of a recipient: a reply line has 512 in all */

struct answer {
    const char *code;
    const char *text;
};

/* Over quota is 4.2.2 and not 5.2.2: the sender's queue keeps the mail while its owner, or the
 * administrator, makes room; bounced mail would be lost to him for good. */
static const struct answer answers[SMTP_VERDICT_COUNT] = {
    [SMTP_ACCEPTED] = { "250 2.1.5", "recipient ok" },
    [SMTP_NO_ACCOUNT] = { "550 5.1.1", "no such account here" },
    [SMTP_NO_FOLDER] = { "550 5.2.0", "the account has no such mailbox" },
    [SMTP_UNAVAILABLE] = { "451 4.3.0", "the mail store is not available, try again later" },
    [SMTP_OVER_QUOTA] = { "452 4.2.2", "the mailbox is full, try again later" },
    [SMTP_TOO_LARGE] = { "552 5.3.4", "the message is larger than is taken here" },
    [SMTP_NO_SPACE] = { "452 4.3.1", "the disk is full, try again later" },
    [SMTP_FAILED] = { "451 4.3.0", "the message could not be stored, try again later" },
};

static void add_recipient(struct buf *out, struct bytes recipient)
{
    if (recipient.len == 0 || recipient.len > SHOWN_BYTES_MAX)
        return;
    for (size_t i = 0; i < recipient.len; i++) {
        if (recipient.at[i] > 126 || ascii_is_control(recipient.at[i]))
            return;
    }
    buf_add_string(out, " <");
    buf_add(out, recipient);
    buf_add_byte(out, '>');
}

void smtp_reply_recipient(struct buf *out, enum smtp_verdict verdict, struct bytes recipient)
{
    buf_add_string(out, answers[verdict].code);
    add_recipient(out, recipient);
    buf_add_format(out, " %s\r\n", answers[verdict].text);
}

void smtp_reply_delivery(struct buf *out, enum smtp_verdict verdict, struct bytes recipient,
                         struct bytes id)
{
    if (verdict != SMTP_ACCEPTED) {
        smtp_reply_recipient(out, verdict, recipient);
        return;
    }
    buf_add_string(out, "250 2.0.0");
    add_recipient(out, recipient);
    buf_add_string(out, " stored as ");
    buf_add(out, id);
    buf_add_string(out, "\r\n");
}

void smtp_reply(struct buf *out, const char *text)
{
    buf_add_string(out, text);
    buf_add_string(out, "\r\n");
}
