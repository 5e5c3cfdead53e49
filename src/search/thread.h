/* The threads among messages (RFC 5256 section 3): ORDEREDSUBJECT and REFERENCES.
 *
 * Pure: hits go in, in the order of the mailbox, and "(2)(3 6 (4 23)(44 7 96))" comes out. All in
 * bounded steps, however the messages refer to each other: `work` (search/work.h) is what a call
 * may still do. Nothing recurses. Memory is about 80 bytes for each hit and 40 for each identifier
 * that none of them has.
 *
 * What is left out of this: of more than 200 references of a message the middle ones are not among
 * its ids, so that they link nothing (SUMMARY_REFERENCES_MAX in message/summary.h); and what is
 * longer than a line may be is no identifier (message/message_id.h). */
#ifndef ROOST_SEARCH_THREAD_H
#define ROOST_SEARCH_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"

enum {
    SEARCH_THREAD_WORK_STEP = 20000, /* well below 2 ms */
    SEARCH_THREAD_NODES_MAX = 4 * 1024 * 1024, /* the most that may be allowed */
};

enum search_thread_algorithm {
    SEARCH_THREAD_ORDEREDSUBJECT,
    SEARCH_THREAD_REFERENCES,
};

/* Hashes are keyed, and taken for what they were made of: that two of a million differ and have the
 * same is a matter of one in ten million. */
struct search_thread_hit {
    uint32_t number; /* by which it is printed */
    int64_t sent_seconds; /* RFC 5256 section 2.2 */
    uint64_t subject; /* hash of the folded base subject; 0: that is empty */
    bool is_reply; /* or forward, by its subject */
    struct bytes ids; /* hashes, 8 bytes each, little-endian, none of them 0: of its Message-ID (0:
                         it has none) and of its references, oldest first. Empty: neither */
};

struct search_thread;

/* For so many hits, all of which are added unless there is no room for one of them: `nodes_max` is
 * how many hits, and identifiers that none of them has, there may be together. Never NULL. */
struct search_thread *search_thread_new(enum search_thread_algorithm algorithm, uint32_t hits,
                                        uint32_t nodes_max);

/* At any time, all at once: 6 ms for a million hits that are not built. NULL is allowed. */
void search_thread_free(struct search_thread *thread);

/* Is there room for a hit with those ids, each of which may be new? To be asked once before each;
 * not of one whose addition has begun. */
MUST_USE bool search_thread_has_room(const struct search_thread *thread, struct bytes ids);

/* Takes the next hit, which comes later in the mailbox than those before. False: out of work, call
 * again with the same one and nothing else before. */
MUST_USE bool search_thread_add(struct search_thread *thread, const struct search_thread_hit *hit,
                                unsigned *work);

/* After the last hit: builds the threads. False: out of work, call again. */
MUST_USE bool search_thread_build(struct search_thread *thread, unsigned *work);

/* Then: appends the threads to `out`, as the THREAD response has them (RFC 5256 section 4), at most
 * some 16 bytes for each step of work. False: out of work, call again. */
MUST_USE bool search_thread_print(struct search_thread *thread, struct buf *out, unsigned *work);

/* At last: gives memory back, so that search_thread_free need not do it all at once. False: out of
 * work, call again. */
MUST_USE bool search_thread_release(struct search_thread *thread, unsigned *work);

#endif
