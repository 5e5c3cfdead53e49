/* How an account comes up: replay of the log, epoch, first mailboxes. */
#ifndef ROOST_STORE_ACCOUNT_OPEN_H
#define ROOST_STORE_ACCOUNT_OPEN_H

#include "base/err.h"
#include "store/account.h"

/* Fills account->log and account->state. After an error the log may be open: account_close. */
MUST_USE enum err account_recover(struct account *account, const struct account_options *options,
                                  struct account_report *report, struct note *why);

#endif
