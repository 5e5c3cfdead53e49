/* Between the flags of the wire and those of the store: same meaning, other bits. */
#ifndef ROOST_IMAP_FLAGS_H
#define ROOST_IMAP_FLAGS_H

#include <stdint.h>

#include "base/buf.h"
#include "imap/wire/flag.h"
#include "store/act.h"

struct mailbox;

/* \Recent is left out: no client sets it. */
uint16_t imap_flags_to_store(uint32_t system);
uint32_t imap_flags_from_store(uint16_t flags);

/* Keywords borrow from `flags`. */
struct flag_names imap_flag_names(const struct imap_flags *flags);

/* "(\Seen $Junk)": system flags of the wire, then the mailbox's keywords in `keywords`. */
void imap_flags_print(struct buf *out, uint32_t system, const struct mailbox *mailbox,
                      const struct keyword_set *keywords);

#endif
