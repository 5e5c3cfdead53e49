/* All that a state holds, as text: two of the same are the same state, however they came to be. */
#ifndef ROOST_TEST_KIT_STATE_DUMP_H
#define ROOST_TEST_KIT_STATE_DUMP_H

#include "base/buf.h"
#include "store/state.h"

/* Replaces what is in `out`. Bodies that nobody refers to are left out: when they are forgotten is
 * nobody's business. */
void state_dump(const struct state *state, struct buf *out);

#endif
