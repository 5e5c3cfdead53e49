/* The raw header fields a summary keeps, and answers from them. */
#include "message/header.h"
#include "message/summary.h"

/* What clients ask for when they list a mailbox, and what SEARCH HEADER usually names. Received,
 * signatures and the like are long and never asked for in bulk. List-* is kept as well. */
static const struct bytes kept_names[] = {
    BYTES("From"),
    BYTES("To"),
    BYTES("Cc"),
    BYTES("Bcc"),
    BYTES("Subject"),
    BYTES("Date"),
    BYTES("Message-ID"),
    BYTES("In-Reply-To"),
    BYTES("References"),
    BYTES("Reply-To"),
    BYTES("Sender"),
    BYTES("Content-Type"),
    BYTES("Content-Transfer-Encoding"),
    BYTES("Content-Language"),
    BYTES("MIME-Version"),
    BYTES("Importance"),
    BYTES("Priority"),
    BYTES("X-Priority"),
    BYTES("X-MSMail-Priority"),
    BYTES("Precedence"),
    BYTES("Auto-Submitted"),
    BYTES("Newsgroups"),
    BYTES("Followup-To"),
    BYTES("Mail-Followup-To"),
    BYTES("Mail-Reply-To"),
    BYTES("Return-Path"),
    BYTES("Delivered-To"),
    BYTES("Disposition-Notification-To"),
    BYTES("Return-Receipt-To"),
    BYTES("X-Draft-Info"),
    BYTES("X-Mozilla-Draft-Info"),
    BYTES("X-Mozilla-Keys"),
    BYTES("X-Mozilla-Status"),
    BYTES("X-Mozilla-Status2"),
    BYTES("X-Identity-Key"),
    BYTES("X-K9mail-Identity"),
    BYTES("X-Uniform-Type-Identifier"),
    BYTES("X-Universally-Unique-Identifier"),
    BYTES("X-TUID"),
    BYTES("X-Spam-Flag"),
    BYTES("Chat-Version"),
    BYTES("BIMI-Indicator"),
    BYTES("BIMI-Location"),
};

bool summary_keeps_field(struct bytes name)
{
    if (bytes_starts_with_nocase(name, BYTES("List-")))
        return true;
    for (size_t i = 0; i < ARRAY_COUNT(kept_names); i++) {
        if (bytes_equal_nocase(name, kept_names[i]))
            return true;
    }
    return false;
}

bool summary_header_fields(const struct summary *summary, const struct bytes *names,
                           size_t name_count, struct buf *out)
{
    if (!summary->has_all_fields)
        return false;
    for (size_t i = 0; i < name_count; i++) {
        if (!summary_keeps_field(names[i]))
            return false;
    }
    header_filter(summary->fields, names, name_count, false, out);
    return true;
}
