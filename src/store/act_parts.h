/* What the acts share. */
#ifndef ROOST_STORE_ACT_PARTS_H
#define ROOST_STORE_ACT_PARTS_H

#include "base/arena.h"
#include "base/err.h"
#include "store/act.h"
#include "store/keyword.h"
#include "store/op.h"

/* For lists of an act that end with it: enough for some millions of single UIDs. */
enum { ACT_ARENA_BYTES = 64 * 1024 * 1024 };

/* The flags as an op names them, each keyword once. `fresh` collects the keywords that the mailbox
 * has not seen, over several calls; with NULL those are left out (they can be on no message).
 * ERR_LIMIT: the table would have too many, a keyword is empty or too long, or the arena is over
 * budget. */
MUST_USE enum err act_keywords(const struct mailbox *mailbox, const struct flag_names *names,
                               struct keyword_table *fresh, struct arena *arena,
                               struct op_flag_names *out_names);

#endif
