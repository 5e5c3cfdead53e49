/* Acts that take more than one step.
 *
 * Acts on many messages take many steps of about a millisecond. Such an act answers ERR_BUSY when
 * its first step is over, and the account goes on with it (account_step). As long as it does
 * (account_is_acting) nobody may ask the account for anything or act on it, but for what
 * store/account.h is and the ends of views, bodies and holds are: before the change is written
 * others could change what it was made for, behind that half of it would be seen.
 *
 * Who gets ERR_BUSY takes the act, and asks act_end for the answer once the account is free again;
 * until then all that the act was given (the actor, sets, arenas, where results go) stays as it is.
 * Or gives it up with act_abandon: then it has happened as a whole (its change was written) or not
 * at all. */
#ifndef ROOST_STORE_ACTING_H
#define ROOST_STORE_ACTING_H

#include <stdbool.h>

#include "base/attributes.h"
#include "base/err.h"

struct account;
struct act;
struct waker;

bool account_is_acting(const struct account *account);

/* A step of the act that goes on; account_tick makes one as well. True: it goes on. */
bool account_step(struct account *account);

/* Calls the waker once that act is over, unless it is forgotten before. */
void account_wait(struct account *account, struct waker *waker);
void account_wait_forget(struct account *account, const struct waker *waker);

/* The one that has just answered ERR_BUSY. */
struct act *act_take(struct account *account);

/* ERR_BUSY: it goes on. Else it is over and gone, and this is what it has to say. */
MUST_USE enum err act_end(struct act *act);
void act_abandon(struct act *act); /* NULL is allowed */

#endif
