/* The plain values that the store speaks in. */
#ifndef ROOST_STORE_TYPES_H
#define ROOST_STORE_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/time.h"

/* 128 random bits, for ever; the directory of the account is its lower-case hexadecimal form. */
struct account_id {
    uint8_t raw[16];
};

struct mailbox_id {
    uint32_t value; /* never 0, never used twice in an account; shown as MAILBOXID (RFC 8474) */
};

struct body_id {
    uint64_t value; /* never 0, never used twice in an account; shown as EMAILID (RFC 8474) */
};

struct thread_id {
    uint64_t value; /* the body id of the thread's first message; shown as THREADID (RFC 8474) */
};

struct uid {
    uint32_t value; /* RFC 9051 section 2.3.1.1; never 0 */
};

struct seqno {
    uint32_t value; /* RFC 9051 section 2.3.1.2; 1-based, valid until the next EXPUNGE is told */
};

struct modseq {
    uint64_t
        value; /* RFC 7162: the number of the change that touched the message last; below 2^63 */
};

/* System flags, RFC 9051 section 2.3.2. \Recent is no stored flag: see mailbox_recent_floor. */
enum message_flag {
    FLAG_SEEN = 1,
    FLAG_ANSWERED = 2,
    FLAG_FLAGGED = 4,
    FLAG_DELETED = 8,
    FLAG_DRAFT = 16,
    FLAGS_ALL = 31,
};

enum { KEYWORDS_PER_MAILBOX_MAX = 128, KEYWORD_BYTES_MAX = 128 };

/* Bit i stands for keyword i of the mailbox's table (mailbox_keyword). */
struct keyword_set {
    uint64_t word[KEYWORDS_PER_MAILBOX_MAX / 64];
};

enum { ZONE_MINUTES_MAX = 1439 };

/* INTERNALDATE: the instant and the zone it is shown in. */
struct zoned_time {
    int64_t seconds; /* since 1970-01-01 00:00 UTC */
    int16_t zone; /* minutes east of UTC, at most ZONE_MINUTES_MAX either way */
};

/* One message in one mailbox, as columns hold it. */
struct row {
    struct uid uid;
    uint16_t flags; /* enum message_flag */
    struct keyword_set keywords;
    struct modseq modseq;
    struct zoned_time internal_date;
    int64_t save_date; /* seconds; when it entered this mailbox (RFC 8514) */
    uint64_t size; /* bytes of the body: RFC822.SIZE */
    struct body_id body;
    struct thread_id thread;
};

/* Inclusive, first <= last. */
struct uid_range {
    uint32_t first;
    uint32_t last;
};

/* Ascending, disjoint, not touching ranges. */
struct uid_set {
    const struct uid_range *ranges;
    uint32_t count;
};

enum special_use { /* RFC 6154, RFC 8457, RFC 9979; a mailbox has a set of them */
                   USE_ALL = 1,
                   USE_ARCHIVE = 2,
                   USE_DRAFTS = 4,
                   USE_FLAGGED = 8,
                   USE_JUNK = 16,
                   USE_SENT = 32,
                   USE_TRASH = 64,
                   USE_IMPORTANT = 128,
                   USE_MEMOS = 256,
                   USE_SCHEDULED = 512,
                   USE_SNOOZED = 1024,
};

enum protocol { /* numbers are on disk: docs/format.md */
                PROTOCOL_NONE = 0,
                PROTOCOL_IMAP = 1,
                PROTOCOL_POP3 = 2,
                PROTOCOL_LMTP = 3,
                PROTOCOL_SMTP = 4,
                PROTOCOL_ADMIN = 5,
                PROTOCOL_STORE = 6, /* the store itself: epoch, compaction */
};

/* Who makes a change, and when: written into its record. */
struct origin {
    enum protocol protocol;
    uint64_t session; /* the number that the log lines of that session carry; 0: none */
    struct bytes actor; /* account or administrator's name, at most 255 bytes */
    struct wall now;
};

#endif
