/* Asks a compiled program of one message after the other. */
#ifndef ROOST_SEARCH_MATCH_H
#define ROOST_SEARCH_MATCH_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "search/program.h"
#include "search/scan.h"

/* The state of one search, zeroed at the start. One message at a time. */
struct search_match {
    const struct search_program *program;
    struct search_source source;
    struct search_scan scan; /* of the message at hand */
    struct buf text; /* of its header field */
};

/* Gives the search SEARCH_BYTES_STEP more to read. */
void search_match_begin_step(struct search_match *match);

/* Does the message match? ERR_OK: *out_matches. ERR_BUSY and ERR_LIMIT (the step is used up): begin
 * another and call again with the same message. Other errors: it cannot be read; the caller goes on
 * with the next.
 */
MUST_USE enum err search_match_message(struct search_match *match, struct seqno seqno,
                                       bool *out_matches);

void search_match_done(struct search_match *match);

#endif
