/* BODY and BODYSTRUCTURE (RFC 9051 s7.5.2, RFC 3501 s7.4.2) of a parsed message. */
#ifndef ROOST_MESSAGE_BODYSTRUCTURE_H
#define ROOST_MESSAGE_BODYSTRUCTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "message/part.h"

/* Appends the whole structure; with the extension data when `is_extended` (BODYSTRUCTURE), without
 * for BODY. Takes the addresses in envelopes of messages inside off `*addresses_left`. */
void bodystructure_print(struct buf *out, const struct message *message, bool is_extended,
                         size_t *addresses_left);

#endif
