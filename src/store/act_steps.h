/* An act in steps: what all those have in common that may take more than one (store/acting.h). */
#ifndef ROOST_STORE_ACT_STEPS_H
#define ROOST_STORE_ACT_STEPS_H

#include <stdbool.h>
#include <stdint.h>

#include "store/act.h"
#include "store/acting.h"
#include "store/applying.h"
#include "store/change.h"

enum act_phase {
    ACT_PLANNING, /* nothing is written */
    ACT_WRITING, /* it will happen, unless it cannot be written */
    ACT_APPLYING, /* it is in the log, and part of it in the state */
    ACT_OVER,
};

struct act_kind {
    /* A piece of the plan: adds ops to act->change, as much as act->left allows (act_charge).
     * ERR_BUSY: there is more to plan. ERR_OK: that was all, and act->writes says whether there is
     * anything to change. */
    enum err (*plan)(struct act *act);
    /* The change was made, or none was needed: gives the results to who asked. */
    void (*finish)(struct act *act);
    /* Frees what the plan took. */
    void (*done)(struct act *act);
};

/* The first member of each kind's own struct. */
struct act {
    struct account *account;
    const struct act_kind *kind;
    struct origin origin;
    struct change change;
    struct log_record record; /* from ACT_WRITING on */
    struct applying applying;
    enum act_phase phase;
    uint32_t left; /* of this step */
    bool is_small; /* it is made at once, whatever a step may cost */
    bool writes;
    bool gated;
    bool is_abandoned;
    enum err err; /* once it is over */
};

/* A zeroed struct of `len` bytes, which begins with a struct act. The origin's actor is borrowed.
 */
void *act_new(size_t len, struct account *account, const struct act_kind *kind,
              const struct origin *origin);

/* Takes `act` and makes its first step. The answer of the act; ERR_BUSY: the account has it. */
MUST_USE enum err act_begin(struct act *act);

/* Work that changes nothing, in steps like those of an act, so that nobody acts on the account
 * meanwhile. It takes off *left what it does, and answers true when it is through. As act_begin. */
typedef bool act_alone_fn(void *context, uint32_t *left);
MUST_USE enum err act_alone(struct account *account, act_alone_fn *work, void *context);

/* Takes off what the plan did. */
void act_charge(struct act *act, uint64_t cost);

enum {
    ACT_BLOCK_COST = 512, /* what it costs to look at rows of one block, at least */
    ACT_BYTES_PER_COST = 8, /* copied, checked and written */
};

/* The next piece of a set that is walked over, as applying_piece gives it. */
struct act_walk {
    struct uid_set set;
    uint32_t range; /* the next of them */
    uint32_t next; /* in it: UIDs before this one have been given */
};
enum { ACT_PIECE_RANGES = 1024 };
uint32_t act_piece(struct act *act, struct act_walk *walk, const struct rows *rows,
                   struct uid_range ranges[ACT_PIECE_RANGES]);

/* A step of the account's act. True: it goes on. */
MUST_USE bool act_step(struct account *account);

/* The account is closed: what is written is applied to its end, what is not is dropped. */
void act_close(struct account *account);

#endif
