/* A client that believes what it is told, and the commands that it waits for.
 *
 * `view` is the mailbox as the client knows it (RFC 9051 sections 2.3.1.2 and 5.5): a sequence
 * number is a place in it, whatever became of the mailbox meanwhile. Of each message it holds which
 * state the client was last told of, by its MODSEQ. */
#ifndef ROOST_TEST_MODEL_CLIENT_H
#define ROOST_TEST_MODEL_CLIENT_H

#include "model/command.h"
#include "model/reader.h"
#include "model/world.h"

enum { VIEW_MAX = BOX_ROWS_MAX, PENDING_MAX = 8, LISTED_MAX = 80, CODE_WORD_MAX = 24 };

enum hit { HIT_NO, HIT_YES, HIT_EITHER };

struct view_row {
    struct row_model *row;
    uint64_t told; /* MODSEQ of the state that the client knows */
    bool recent; /* \Recent in this session */
    bool wanted; /* a command must still say something about it */
    bool in_set; /* of the command at hand */
    uint8_t hit; /* enum hit: of a SEARCH */
};

/* A command that was sent and not answered. What follows `applied` is known once it is true. */
struct pending {
    struct model_command command;
    unsigned tag;
    size_t ends_at; /* offset of its end in all that the client ever says */
    size_t announces_at; /* APPEND: the end of its first line */
    bool begun; /* it is the first in the queue, and these are known: */
    uint32_t star; /* what * meant then, as a number */
    uint32_t star_uid; /* and as a UID */
    bool overlapped; /* others did something while it ran */
    bool resolved; /* APPEND: `to` is known */
    bool continued; /* IDLE: "+" came */
    bool applied;
    unsigned answers; /* bits of enum model_status_bits that are right */
    const char *code; /* response code that OK or NO must bear; NULL: any */
    struct box *to; /* COPY, MOVE, APPEND, CREATE; SELECT: what was selected */
    uint64_t since; /* last change before it was applied */
    uint64_t own; /* STORE: the change that it made; 0: none */
    uint32_t first; /* UID of the first copy; SELECT: number of the first unseen message */
    uint32_t count;
    uint32_t uids[VIEW_MAX]; /* sources of a copy; MODIFIED */
    /* what its responses said so far */
    uint32_t told_count; /* of anything that the command counts */
    uint32_t told[VIEW_MAX];
    bool told_copyuid;
    bool told_search;
    bool told_expunge;
    bool told_highest;
    bool told_flags;
    bool told_exists;
    bool told_recent;
    bool told_unseen;
    bool told_uidnext;
    bool told_uidvalidity;
    bool told_closed;
    bool told_name;
    unsigned listed_count;
    const char *listed[LISTED_MAX];
    unsigned status_count;
};

struct client {
    unsigned number;
    struct world *world;
    bool rev2;
    bool condstore;
    bool qresync;
    struct box *selected; /* NULL: none */
    bool read_only;
    uint32_t count;
    struct view_row view[VIEW_MAX];
    uint16_t keywords; /* told of by FLAGS */
    const char *name; /* of the mailbox, as told */
    bool told_deleted;
    uint32_t uid_seen; /* UIDs up to this one are in the view or were passed over */
    uint32_t saved[VIEW_MAX]; /* $ */
    uint32_t saved_count;
    uint64_t highest; /* HIGHESTMODSEQ as last told */
    struct pending pending[PENDING_MAX];
    unsigned pending_count;
    unsigned next_tag;
    unsigned bad_in_a_row;
    unsigned plus; /* "+" heard and not yet answered with a literal */
    size_t ended_at; /* ends_at of the last command that was answered */
    bool ended; /* LOGOUT was answered, or BYE came */
    uint64_t lines; /* responses checked */
};

/* What the process that runs the server knows beyond the answers: the number of the last change.
 * 0: it does not know. */
extern uint64_t model_real_change;

/* For answers that wait: what the command at the head of the queue must have done by now. */
void client_apply(struct client *client, struct pending *head);
/* It has come to the head of the queue: what `*` means is what the client knows now. */
void client_begin(struct client *client);
/* Before a command runs: its mailbox, by the name that it has now. */
void client_resolve(struct client *client, struct pending *head);

/* One response, without its CRLF. */
void client_read(struct client *client, struct bytes response);

/* The client knows all that is to be known: nothing waits to be told. `expunges`: these too. */
void client_check_told(const struct client *client, bool expunges);
bool client_is_told(const struct client *client, bool expunges);

void client_forget_selected(struct client *client);

/* --- between the files of this room --- */

/* The messages of a set as the client numbers them: sets `in_set`. False: a number is none. */
bool client_mark_set(struct client *client, const struct model_set *set, bool uid);
/* Whether the UID is in the set, `*` being the last one that the client knew of. */
bool client_set_has(const struct client *client, const struct model_set *set, uint32_t uid);

void client_claim_recent(struct client *client);
/* A client knows what its own .SILENT did (RFC 9051 section 6.4.6); with CONDSTORE it is told the
 * MODSEQ (RFC 7162 section 3.1.3). */
void client_note_silent(struct client *client, const struct pending *head);

/* Evaluates the SEARCH: sets `hit`, and what SAVE saves. */
void client_search(struct client *client, struct pending *head);
void client_search_save(struct client *client, const struct pending *head);

void client_read_fetch(struct client *client, struct pending *head, uint32_t number,
                       struct reader *reader);
void client_read_list(struct client *client, struct pending *head, struct reader *reader,
                      bool lsub);
void client_read_status(struct client *client, struct pending *head, struct reader *reader);
void client_read_search(struct client *client, struct pending *head, struct reader *reader,
                        enum model_verb verb);
void client_read_esearch(struct client *client, struct pending *head, struct reader *reader);
/* All that had to be said was said. */
void client_check_list(struct client *client, const struct pending *head);
void client_check_search(const struct client *client, const struct pending *head);
void client_check_fetch(struct client *client, const struct pending *head);

/* Learns or compares a value that the server chooses itself. */
void model_learn_id(char known[ID_BYTES_MAX], struct bytes told, const char *what);
void model_learn_uidvalidity(struct world *world, struct box *box, uint64_t told);
uint16_t model_read_flags(struct reader *reader);

#endif
