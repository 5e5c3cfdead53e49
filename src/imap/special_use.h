/* Between special-use attributes of the wire and those of the store (RFC 6154, RFC 8457). */
#ifndef ROOST_IMAP_SPECIAL_USE_H
#define ROOST_IMAP_SPECIAL_USE_H

#include <stdint.h>

unsigned imap_special_use_to_store(uint32_t attributes);
uint32_t imap_special_use_from_store(unsigned uses);

#endif
