/* A plain reading of "Ops" in docs/format.md: what an account is after some changes. Arrays, no
 * blocks, no sharing with the code under test but the decoding of ops. */
#ifndef ROOST_TEST_DAMAGE_MODEL_H
#define ROOST_TEST_DAMAGE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "store/op.h"

enum {
    MODEL_MAILBOXES_MAX = 64,
    MODEL_ROWS_MAX = 800,
    MODEL_KEYWORDS_MAX = 16,
    MODEL_SUBSCRIPTIONS_MAX = 64,
    MODEL_NAME_MAX = 160,
};

struct model_row {
    struct row row; /* its keywords: bits of model->keywords */
    struct place place;
};

struct model_mailbox {
    uint32_t id;
    uint32_t uidvalidity;
    uint32_t uidnext;
    uint32_t uses;
    uint32_t recent_floor;
    uint64_t highest;
    char name[MODEL_NAME_MAX];
    struct model_row *rows; /* of MODEL_ROWS_MAX */
    uint32_t count;
    uint8_t keywords[MODEL_KEYWORDS_MAX]; /* of a base: what its bits mean, as bits of the model */
    uint32_t keyword_count;
};

struct model {
    struct model_mailbox mailboxes[MODEL_MAILBOXES_MAX]; /* in the order of their making */
    uint32_t mailbox_count;
    struct bytes keywords[MODEL_KEYWORDS_MAX]; /* in any spelling that was met; borrowed */
    uint32_t keyword_count;
    char subscriptions[MODEL_SUBSCRIPTIONS_MAX][MODEL_NAME_MAX]; /* empty: free */
    uint64_t change;
    uint32_t mailbox_next;
    uint32_t uidvalidity_last;
    uint64_t body_next;
    bool has_account;
    uint64_t body_segments[MODEL_ROWS_MAX]; /* that a change ever named */
    uint32_t body_segment_count;
};

struct model *model_new(void);
void model_free(struct model *model);

/* A whole record: of a CHANGE the ops behind its origin. The payload is borrowed by the model. */
void model_change(struct model *model, struct bytes payload, const struct record_header *header,
                  struct place place);

/* The ops of a BASE record. */
void model_base(struct model *model, struct bytes payload, struct place place);

/* What an epoch does that was written now; it is the change with that number. */
void model_epoch(struct model *model, const struct op_epoch *epoch, uint64_t number);

struct model_mailbox *model_find(struct model *model, uint32_t id);
struct model_mailbox *model_find_name(struct model *model, const char *name);

/* The bit of a keyword, compared without case. */
uint32_t model_keyword(struct model *model, struct bytes name);

#endif
