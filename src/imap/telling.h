/* The end of SEARCH and SORT: hits kept for `$`, then told as numbers or as ESEARCH, in steps (RFC
 * 9051 section 6.4.4, RFC 4731, RFC 5182, RFC 5256 section 4, RFC 5267 section 3). */
#ifndef ROOST_IMAP_TELLING_H
#define ROOST_IMAP_TELLING_H

#include <stdbool.h>
#include <stdint.h>

#include "imap/searching.h"
#include "imap/state.h"
#include "imap/wire/seqset.h"
#include "store/types.h"
#include "store/uid_set.h"

/* The command sets the first ones, when all hits are known. */
struct imap_telling {
    const struct imap_searching *found;
    const uint32_t
        *order; /* sequence numbers of the hits, one at least, as told; NULL: ascending */
    bool extended; /* as ESEARCH */
    struct bytes untagged; /* else: "* SEARCH" */
    const char *done; /* of the tagged OK */
    const char *done_in_part; /* the same when some messages could not be read */

    bool is_saved;
    bool is_begun;
    uint32_t next; /* to be saved or told: a sequence number, 1 + place in `order`; 0: no more */
    struct uid_set_builder saved;
    struct imap_seqset_printer printer; /* of ESEARCH */
};

/* Goes on with it. IMAP_ENDED: answered; IMAP_AGAIN. */
enum imap_progress imap_telling_step(struct imap_session *session, struct imap_run *run,
                                     struct imap_telling *telling);

#endif
