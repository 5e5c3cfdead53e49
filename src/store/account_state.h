/* What an open account is made of; for the files of this room. */
#ifndef ROOST_STORE_ACCOUNT_STATE_H
#define ROOST_STORE_ACCOUNT_STATE_H

#include "store/account.h"
#include "store/state.h"

struct account {
    struct state state;
};

#endif
