/* One IMAP command as a value: what the generator makes, the model carries out and the wire sees.
 *
 * Plain data without pointers, so that a list of them can be cut down and played again. */
#ifndef ROOST_TEST_MODEL_COMMAND_H
#define ROOST_TEST_MODEL_COMMAND_H

#include "base/buf.h"
#include "model/arguments.h"

enum {
    KEYS_MAX = 8,
    MESSAGES_PER_APPEND_MAX = 3,
    SECTIONS_MAX = 3,
    PATTERNS_MAX = 3,
    NAME_NONE = 255,
};

enum model_verb {
    VERB_NOOP,
    VERB_CHECK,
    VERB_CAPABILITY,
    VERB_ID,
    VERB_NAMESPACE,
    VERB_ENABLE,
    VERB_SELECT,
    VERB_EXAMINE,
    VERB_CLOSE,
    VERB_UNSELECT,
    VERB_CREATE,
    VERB_DELETE,
    VERB_RENAME,
    VERB_SUBSCRIBE,
    VERB_UNSUBSCRIBE,
    VERB_LIST,
    VERB_LSUB,
    VERB_STATUS,
    VERB_APPEND,
    VERB_FETCH,
    VERB_STORE,
    VERB_SEARCH,
    VERB_SORT,
    VERB_COPY,
    VERB_MOVE,
    VERB_EXPUNGE,
    VERB_IDLE,
    VERB_LOGOUT,
    VERB_UNAUTHENTICATE,
    VERB_LINE, /* one of odd_lines */
    VERB_COUNT,
};

enum model_return {
    RETURN_MIN = 1,
    RETURN_MAX = 2,
    RETURN_ALL = 4,
    RETURN_COUNT = 8,
    RETURN_SAVE = 16,
    RETURN_GIVEN = 32,
};

enum model_enable { ENABLE_REV2 = 1, ENABLE_CONDSTORE = 2, ENABLE_QRESYNC = 4, ENABLE_OTHER = 8 };

enum literal_kind { LITERAL_SYNC, LITERAL_PLUS, LITERAL_EIGHT, LITERAL_EIGHT_PLUS };

struct model_message {
    uint8_t sample;
    uint8_t literal; /* enum literal_kind */
    uint8_t day; /* 0: no INTERNALDATE given */
    uint16_t flags;
    uint32_t number; /* in its text */
};

enum model_status_bits { ANSWER_OK = 1, ANSWER_NO = 2, ANSWER_BAD = 4 };

struct model_command {
    uint8_t verb; /* enum model_verb */
    bool uid;
    uint8_t name; /* index of a name, or of a bad line */
    uint8_t name_to;
    bool quoted; /* how names are written: as a string, or a literal when `literal` is set */
    bool literal;
    bool lower; /* the verb in small letters */
    struct model_set set;
    /* STORE, APPEND */
    uint16_t flags;
    char sign; /* '+', '-' or 0 */
    bool silent;
    bool has_unchanged;
    uint64_t unchanged;
    /* FETCH */
    uint32_t items;
    uint8_t section_count;
    struct model_section sections[SECTIONS_MAX];
    uint64_t changed; /* CHANGEDSINCE; 0: not given */
    bool vanished;
    /* SEARCH, SORT */
    uint8_t returns;
    uint8_t charset; /* 0: none; 1: US-ASCII; 2: UTF-8; 3: one that nobody knows */
    uint8_t key_count;
    struct model_key keys[KEYS_MAX]; /* in the order in which they are written */
    struct model_order order;
    /* LIST, STATUS */
    uint16_t list;
    uint8_t reference;
    uint8_t pattern_count;
    uint8_t patterns[PATTERNS_MAX];
    uint16_t status;
    /* SELECT */
    bool condstore;
    bool qresync;
    uint32_t uidvalidity;
    uint64_t modseq;
    bool known; /* `set` is what the client knows */
    uint8_t match_count; /* with `known`: numbers and UIDs that it remembers */
    uint32_t match_seqnos[SET_RANGES_MAX];
    uint32_t match_uids[SET_RANGES_MAX];
    /* CREATE, ENABLE */
    uint8_t use; /* 0: none; else a bit number + 1 of the special uses; 9: an unknown one */
    uint8_t enable;
    uint8_t message_count;
    bool cut; /* APPEND: the line ends badly after the last message */
    struct model_message messages[MESSAGES_PER_APPEND_MAX];
};

extern const char *const verb_words[VERB_COUNT];
/* Lines that are refused, each in the way it should be. */
struct odd_line {
    const char *text;
    unsigned answers; /* bits */
};
extern const struct odd_line odd_lines[];
unsigned odd_line_count(void);

/* Where the text of a command stops until the server says "+". */
enum { HOLDS_MAX = 8 };
struct command_text {
    struct buf text; /* the whole, with CRLF */
    size_t holds[HOLDS_MAX]; /* ascending offsets into it */
    unsigned hold_count;
    size_t announces; /* APPEND: offset of the first message */
};

/* Writes the command with its tag, for a session that has (or has not) turned IMAP4rev2 on. */
void model_command_print(const struct model_command *command, unsigned tag, bool rev2,
                         struct command_text *out);

/* "BODY.PEEK[1.MIME]<0.10>". */
void model_section_print(const struct model_section *section, struct buf *out);

#endif
