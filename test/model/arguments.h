/* What stands behind the verb of a command: flags, sets, items, keys, options, as plain data. */
#ifndef ROOST_TEST_MODEL_ARGUMENTS_H
#define ROOST_TEST_MODEL_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "model/order.h"

/* The first five are the system flags, then the keywords of the test. */
enum model_flag {
    MARK_ANSWERED = 1 << 0,
    MARK_FLAGGED = 1 << 1,
    MARK_DELETED = 1 << 2,
    MARK_SEEN = 1 << 3,
    MARK_DRAFT = 1 << 4,
    MARK_SYSTEM = 31,
    MARK_KEYWORD_FIRST = 1 << 5,
    MARK_WORDS = 9, /* system flags and keywords */
    MARK_RECENT = 1 << 15,
};
enum { SET_RANGES_MAX = 4 };
extern const char *const flag_words[MARK_WORDS];

/* "1:3,7,*", "$". */
struct model_set {
    uint8_t count;
    bool saved; /* $ */
    struct {
        uint32_t first; /* 0: * */
        uint32_t last;
    } ranges[SET_RANGES_MAX];
};

enum model_item {
    ITEM_UID = 1 << 0,
    ITEM_FLAGS = 1 << 1,
    ITEM_INTERNALDATE = 1 << 2,
    ITEM_SIZE = 1 << 3,
    ITEM_ENVELOPE = 1 << 4,
    ITEM_BODY = 1 << 5,
    ITEM_BODYSTRUCTURE = 1 << 6,
    ITEM_MODSEQ = 1 << 7,
    ITEM_EMAILID = 1 << 8,
    ITEM_THREADID = 1 << 9,
    ITEM_SAVEDATE = 1 << 10,
    ITEM_RFC822 = 1 << 11,
    ITEM_RFC822_HEADER = 1 << 12,
    ITEM_RFC822_TEXT = 1 << 13,
    ITEM_PREVIEW = 1 << 14,
    ITEM_SECTIONS = 1 << 15, /* one or more of `sections` */
    ITEM_ALL = 1 << 16, /* the macros, written as such */
    ITEM_FAST = 1 << 17,
    ITEM_FULL = 1 << 18,
};

enum model_part {
    PART_WHOLE, /* BODY[] */
    PART_HEADER,
    PART_TEXT,
    PART_FIELDS,
    PART_FIELDS_NOT,
    PART_MIME, /* of `number` */
};

struct model_section {
    uint8_t kind; /* 0: BODY, 1: BINARY, 2: BINARY.SIZE */
    uint8_t part; /* enum model_part */
    uint8_t number; /* 0: the message; 1 to 2: that part of it; 3: part 2.1 */
    bool peek;
    bool partial;
    uint32_t offset;
    uint32_t bytes;
};

enum model_key_type {
    KEY_ALL,
    KEY_SET,
    KEY_UID,
    KEY_FLAG, /* flags: one bit; wanted */
    KEY_RECENT,
    KEY_OLD,
    KEY_NEW,
    KEY_SUBJECT,
    KEY_FROM,
    KEY_TO,
    KEY_CC,
    KEY_HEADER,
    KEY_BODY,
    KEY_TEXT,
    KEY_LARGER,
    KEY_SMALLER,
    KEY_BEFORE,
    KEY_ON,
    KEY_SINCE,
    KEY_SENTBEFORE,
    KEY_SENTON,
    KEY_SENTSINCE,
    KEY_OLDER,
    KEY_YOUNGER,
    KEY_MODSEQ,
    KEY_BCC, /* no message has that field */
    KEY_NUMBER, /* HEADER X-Number */
    KEY_NOT, /* the next key */
    KEY_OR, /* the next two */
    KEY_AND, /* the next two, in parentheses */
    KEY_TYPES,
};

struct model_key {
    uint8_t type;
    bool wanted;
    uint16_t flag;
    uint8_t word; /* index in search_words, or a day */
    uint64_t number;
    struct model_set set;
};

enum model_status {
    STATUS_MESSAGES = 1,
    STATUS_UIDNEXT = 2,
    STATUS_UIDVALIDITY = 4,
    STATUS_UNSEEN = 8,
    STATUS_DELETED = 16,
    STATUS_SIZE = 32,
    STATUS_RECENT = 64,
    STATUS_HIGHESTMODSEQ = 128,
    STATUS_MAILBOXID = 256,
    STATUS_BITS = 9,
};
extern const char *const status_words[STATUS_BITS];

enum model_list {
    LIST_SUBSCRIBED = 1,
    LIST_SPECIAL_USE = 2,
    LIST_RECURSIVE = 4,
    LIST_REMOTE = 8,
    LIST_RETURN_SUBSCRIBED = 16,
    LIST_RETURN_CHILDREN = 32,
    LIST_RETURN_SPECIAL_USE = 64,
    LIST_RETURN_STATUS = 128,
    LIST_PARENTHESES = 256, /* "()" as selection options, or a list of patterns */
    LIST_RETURN = 512,
};

#endif
