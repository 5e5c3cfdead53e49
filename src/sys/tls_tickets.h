/* Session tickets sealed with keys that several processes share. Inside sys_tls only. */
#ifndef ROOST_SYS_TLS_TICKETS_H
#define ROOST_SYS_TLS_TICKETS_H

#include <openssl/types.h>

#include "base/bytes.h"

struct tls_tickets;

/* One or two keys of TLS_TICKET_KEY_BYTES; NULL for any other length. Copied, wiped when freed. */
struct tls_tickets *tls_tickets_new(struct bytes keys);
void tls_tickets_free(struct tls_tickets *tickets);

/* `ssl` seals and opens with them; it must not outlive them. */
void tls_tickets_use(struct tls_tickets *tickets, SSL_CTX *ssl);

#endif
