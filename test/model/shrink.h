/* Cuts a list of events that fails down to a short one that fails as well (delta debugging). */
#ifndef ROOST_TEST_MODEL_SHRINK_H
#define ROOST_TEST_MODEL_SHRINK_H

#include "model/play.h"

/* Plays in a child process, so that it may end in any way. True: it came to its end. */
bool shrink_plays_well(struct report *report, bool aloud);

/* The report's events become the short list; at most `tries` plays. */
void shrink(struct report *report, unsigned tries);

#endif
